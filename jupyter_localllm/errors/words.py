"""What errors say: nothing that acts on a terminal, no secrets of addresses, and what is near to a wrong name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["close_match", "first_line", "printable", "shortened", "without_secrets", "words_of"]

_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys instead of showing it, what turns a line, and halves of characters, which cannot be sent."""
_RUN = re.compile(r"[^\s'\"<>]+")  # an address ends where it does
_SLASHES = re.compile(r"(?<=[A-Za-z0-9]):/{1,3}")
# name:password@host, not model@http://…. A name is looked at once, from its beginning: behind a slash that is a path's.
_BARE = re.compile(
    r"(?<![\w.+-])((?<!/)|[\w.]*[+-])[\w.+-]+:[^\s:@/'\"]+@(?!https?:)(?=[\w\[])",
)
_KEYED = re.compile(
    r"([?&#;](?=[\w.-]*?(?:key|token|secret|sig|signature|credential|password|passwd|auth))[\w.-]+=)[^\s&'\"<>]+",
    re.IGNORECASE,
)


def printable(text: str) -> str:
    r"""A text in which what a terminal would obey, or what turns a line, is written out.

    Examples
    --------
    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    return _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def without_secrets(text: str) -> str:
    """A text whose addresses show no names, passwords and keys.

    Examples
    --------
    >>> without_secrets("no server at http://me:secret@example.org/v1?api_key=secret&n=1")
    'no server at http://…@example.org/v1?api_key=…&n=1'
    """
    if "@" in text:
        text = _BARE.sub(r"\1…@", _RUN.sub(_without_user, text))
    return _KEYED.sub(r"\1…", text) if "=" in text else text


def _without_user(found: re.Match[str]) -> str:
    """What stands before the last @ of the host; of the whole, if what stands before the first slash is no host."""
    slashes = _SLASHES.search(found[0], 0, max(0, found[0].rfind("@")))
    if slashes is None:
        return found[0]
    before, rest = found[0][: slashes.end()], found[0][slashes.end() :]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    port = host.rpartition(":")[2] if ":" in host and not host.endswith("]") else ""
    if "@" in host:
        rest = "…@" + rest[host.rindex("@") + 1 :]
    elif port and not port.isdigit():  # a password with a slash in it
        rest = "…@" + rest[rest.rindex("@") + 1 :]
    return before + rest


def shortened(text: str, most: int = 600) -> str:
    """The two ends of a text."""
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def words_of(error: BaseException, otherwise: str = "") -> str:
    """What an error says of itself; something else if it cannot, as an exception of somebody's own may not."""
    try:
        return str(error)
    except Exception:
        return otherwise


def first_line(message: str) -> str:
    r"""The first line of a message; one that ends with a colon is nothing without the next.

    Examples
    --------
    >>> first_line("the answer is no int:\n- #: is a text\n- #: is too long")
    'the answer is no int: #: is a text'
    """
    first, *rest = message.splitlines() or [""]
    return f"{first} {rest[0].strip().removeprefix('- ')}" if rest and first.endswith(":") else first


def close_match(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name, or nothing.

    Examples
    --------
    >>> close_match("temprature", ["temperature", "top_p"])
    'Did you mean temperature?'
    >>> close_match("zzz", ["temperature"])
    ''
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""
