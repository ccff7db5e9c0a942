"""Where a server is, and whether it may be asked."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from jupyter_localllm.errors import UsageError

__all__ = ["Address", "address_of", "at", "permit_sending_on"]

_AT = re.compile(r"(.+)@([a-z][a-z0-9+.-]*://.+)", re.DOTALL | re.IGNORECASE)  # any scheme: `address_of` judges it


@dataclass(frozen=True)
class Address:
    """The address of a server.

    Parameters
    ----------
    url : str
        With its scheme, without a slash at the end.
    """

    url: str

    @property
    def remote(self) -> bool:
        """Whether it is anything but this machine's own loopback."""
        host = urlsplit(self.url).hostname or ""
        if host == "localhost":
            return False
        try:
            number = ipaddress.ip_address(host)
        except ValueError:
            return True
        inner = getattr(number, "ipv4_mapped", None)
        return "%" in host or not (inner or number).is_loopback  # behind % a resolver may read anything

    @property
    def told(self) -> str:
        """The address if it is remote, empty otherwise."""
        return self.url if self.remote else ""

    def asked_elsewhere(self, allow_remote: bool) -> tuple[str, ...]:
        """The address if it is remote and may be asked, nothing otherwise."""
        return (self.url,) if allow_remote and self.remote else ()

    def permit(self, allow_remote: bool) -> Address:
        """Itself.

        Raises
        ------
        UsageError
            It is on another machine, and nobody allowed that.
        """
        if self.remote and not allow_remote:
            raise UsageError(
                f"{self.url} is not on this machine: prompts, and the data in them, would leave it",
                _LEAVE,
            )
        return self


def permit_sending_on(name: str, server: Address, host: str, allow_remote: bool) -> None:
    """A model that a server on this machine has another one answer for.

    Raises
    ------
    UsageError
        Nobody allowed that.
    """
    if not allow_remote:
        raise UsageError(
            f"{server.url} sends prompts for {name} on to {host}: they would leave this machine",
            _LEAVE,
        )


def at(name: str) -> tuple[str, str]:
    """A model's name, and the address that may stand behind it.

    Examples
    --------
    >>> at("qwen3@http://localhost:8000/v1")
    ('qwen3', 'http://localhost:8000/v1')
    >>> at("llama3.2:3b")
    ('llama3.2:3b', '')
    """
    found = _AT.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def address_of(text: str, *, port: int | None = None) -> Address:
    """Read an address.

    Parameters
    ----------
    text : str
        With or without ``http://``.
    port : int, optional
        What is meant where none stands in it, and no scheme either.

    Raises
    ------
    UsageError
        It is none, or holds what does not belong there.

    Examples
    --------
    >>> address_of("127.0.0.1", port=11434), address_of("https://example.org/v1/").remote
    (Address(url='http://127.0.0.1:11434'), True)
    """
    bare = "://" not in text
    url = (f"http://{text}" if bare else text).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, given = parts.hostname, parts.port
    except ValueError as error:
        why = "" if "@" in text else f": {error}"  # what cannot be read may be a password, and the error repeats it
        raise UsageError(f"{_open_part(text)!r} is no address{why}", _EXAMPLE) from None
    if parts.scheme not in ("http", "https"):
        raise UsageError(f"{_open_part(text)!r} does not begin with http:// or https://", _EXAMPLE)
    escaped = "%" in parts.netloc and "[" not in parts.netloc  # in brackets it is a number's zone
    if not host or escaped or any(c.isspace() for c in url):
        raise UsageError(f"{_open_part(text)!r} is no address of a server", _EXAMPLE)
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            f"the address of {host} holds a password, a query or a fragment, and an address is shown to people",
            "A key belongs into an environment variable: api_key_env names it.",
        )
    if bare and given is None and port is not None:
        shown = f"[{host}]" if ":" in host else host
        return Address(f"http://{shown}:{port}{parts.path}")
    return Address(url)


def _open_part(text: str) -> str:
    """What of an address may be shown, however it is written: no name, no password, no query, no fragment."""
    _, sign, rest = text.rpartition("@")
    shown = re.split("[?#]", rest)[0]
    return f"…@{shown}" if sign else shown


_LEAVE = "If that is meant, set allow_remote: %config LocalLLM.allow_remote = True"
_EXAMPLE = "Write one as http://localhost:8000/v1"
