"""Addresses that a person names: as they are asked for, or an error that says what is wrong with them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import url2pathname

from jupyter_localllm.config.masked import masked
from jupyter_localllm.errors import UsageError

__all__ = ["checked", "fingerprint", "local_path", "same_origin", "scheme_of"]

_GIVE = "Give the address of one GGUF file."
_KEPT = "/%:@!$&'()*+,;=~"


def scheme_of(wanted: str) -> str:
    """What stands before the first colon, in small letters; ``""`` if that is no scheme."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", wanted)
    return match[1].lower() if match else ""


def checked(url: str) -> str:
    """Read an address of the web, and quote what may not stand in one (spaces, other scripts).

    Raises
    ------
    UsageError
        It is none, or holds a name or password: an address is written down and shown.
    """
    try:
        parts = urlsplit(url.strip())
        host, port, user = parts.hostname or "", parts.port, parts.username
        netloc = host.encode("idna").decode("ascii") if not host.isascii() else host
    except ValueError:  # its words may hold what must not be shown
        raise UsageError(f"{masked(url)} is no address.", _GIVE) from None
    if user is not None or parts.password is not None:
        raise UsageError(
            f"{masked(url)} holds a name or a password, and an address is written down and shown.",
            "Leave them out. The hub takes a token from HF_TOKEN; elsewhere, fetch the file with another program and "
            "give its path.",
        )
    if parts.scheme not in ("http", "https") or re.search(r"[\x00-\x20\x7f\\]", host):
        raise UsageError(f"{masked(url)} is no address.", _GIVE)
    if not host:
        raise UsageError(f"{masked(url)} names no file.", _GIVE)
    netloc = f"[{netloc}]" if ":" in netloc else netloc
    netloc += "" if port is None else f":{port}"
    return urlunsplit((parts.scheme, netloc, quote(parts.path, _KEPT), quote(parts.query, _KEPT + "?"), ""))


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are of one server, asked in one way."""
    a, b = urlsplit(one), urlsplit(other)
    return (a.scheme.lower(), a.netloc.lower()) == (b.scheme.lower(), b.netloc.lower())


def fingerprint(url: str) -> str:
    """Stand for an address where it is kept: a signature in it must not be."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def local_path(url: str) -> Path:
    """Read ``file:``.

    Raises
    ------
    UsageError
        It names a file of another machine.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError(f"{masked(url)} is no address.", "Give the path of one GGUF file.") from None
    if parts.netloc.lower() not in ("", "localhost"):
        raise UsageError(
            f"{masked(url)} is on another machine: a file there is reached by its path only.",
            f"Give the path under which this machine has it; a file of this machine is file:///{parts.netloc}….",
        )
    return Path(url2pathname(parts.path))
