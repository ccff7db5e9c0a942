"""JSON pointers: the path of a value in nested data (RFC 6901)."""

from __future__ import annotations

__all__ = ["parts_of_pointer", "pointer_of"]


def pointer_of(*keys: str) -> str:
    """Write the pointer of a value.

    Parameters
    ----------
    *keys : str
        Keys from the outermost to the innermost; positions in lists as digits.

    Returns
    -------
    str
        Empty for the whole document.

    Examples
    --------
    >>> pointer_of("a/b", "m~n", "0")
    '/a~1b/m~0n/0'
    """
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def parts_of_pointer(pointer: str) -> tuple[str, ...] | None:
    """Read a pointer; None if it is none.

    Examples
    --------
    >>> parts_of_pointer("/a~1b/m~0n/0")
    ('a/b', 'm~n', '0')
    >>> parts_of_pointer("a") is None
    True
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        return None
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))
