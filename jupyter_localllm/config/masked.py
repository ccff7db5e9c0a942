"""Addresses as people may see them: without names, passwords and queries, which may hold a key or a signature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["masked"]

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>\S*)")
_AUTHORITY = re.compile(r"[^/?#]*")
_QUERY = re.compile(r"\?[^\s?]*=\S*")


def masked(value: Any) -> Any:
    """Mask the addresses in a text, or in the texts of a list or mapping; anything else stays as it is.

    Examples
    --------
    >>> masked("openai:qwen3@https://me:secret@example.org/v1?key=secret")
    'openai:qwen3@https://…@example.org/v1?…'
    """
    if isinstance(value, str):
        return _QUERY.sub("?…", _ADDRESS.sub(_one, value))
    if isinstance(value, Mapping):
        return {name: masked(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        texts = [masked(one) for one in value]
        return tuple(texts) if isinstance(value, tuple) else texts
    return value


def _one(found: re.Match[str]) -> str:
    rest = found["rest"]
    authority = _AUTHORITY.match(rest)
    host = authority[0] if authority else ""
    port = host.rpartition(":")[2] if ":" in host and not host.endswith("]") else ""
    if "@" in host:
        rest = "…@" + rest[host.rindex("@") + 1 :]
    elif "@" in rest and port and not port.isdigit():  # a password with a slash: what stands before it is no port
        rest = "…@" + rest[rest.rindex("@") + 1 :]
    return found["scheme"] + re.sub(r"([?#]).*", r"\1…", rest, count=1, flags=re.DOTALL)
