"""Keys of servers: each goes to those it was made for, and to nobody else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from jupyter_localllm.engine.served.address import Address, address_of
from jupyter_localllm.errors import UsageError

__all__ = ["key_for"]

_PORTS = {"http": 80, "https": 443}
_FORM = "Write host=VARIABLE, several with commas between them: api_key_env = 'api.example.org=MY_KEY'"


def key_for(address: Address, named: str, endpoint: str, usual: str, homes: Sequence[str]) -> str:
    """The key to send to a server; empty for none.

    Parameters
    ----------
    address : Address
        The server.
    named : str
        The environment variables that a person named (``api_key_env``): ``"host=VARIABLE"``, several with commas
        between them, or one alone, which is for `endpoint`. A host without a scheme is asked over https, or is this
        machine.
    endpoint : str
        The address that a person set apart, or empty.
    usual : str
        The variable that is in use for this kind of server.
    homes : sequence of str
        The addresses that the key in `usual` is for.

    Raises
    ------
    UsageError
        A variable that a person named is not set, belongs to no server, or holds no key.
    """
    for place, variable in _pairs(address, named, endpoint):
        if not _within(address, place):
            continue
        if key := _read(variable):
            return key
        raise UsageError(
            f"the environment has no variable {variable}, which api_key_env names", "Set it, or unset api_key_env."
        )
    return _read(usual) if any(_where(address.url) == _where(home) for home in homes) else ""


def _pairs(address: Address, named: str, endpoint: str) -> list[tuple[str, str]]:
    """The places that keys are for, and the variables that hold them."""
    pairs = []
    for part in filter(None, map(str.strip, named.split(","))):
        place, sign, variable = (text.strip() for text in part.rpartition("="))
        if sign and not (place and variable):
            raise UsageError(f"{part!r} is no host with its variable", _FORM)
        if not sign and not endpoint.strip():
            host = urlsplit(address.url).netloc
            raise UsageError(f"api_key_env = {part!r} does not say for which server the key is", f"Write {host}={part}")
        pairs.append((place or _with_scheme(endpoint), variable))
    return pairs


def _with_scheme(endpoint: str) -> str:
    """The endpoint as it is asked: without a scheme it is http."""
    return endpoint.strip() if "://" in endpoint else f"http://{endpoint.strip()}"


def _within(address: Address, place: str) -> bool:
    """Whether a server is the one that a key is for."""
    scheme, host, port = _where(address.url)
    told = address_of(place)
    wanted = urlsplit(told.url)
    secure = scheme == wanted.scheme if "://" in place else scheme == "https" or not told.remote
    return secure and host == wanted.hostname and wanted.port in (None, port)


def _where(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _read(variable: str) -> str:
    """What a variable holds."""
    key = os.environ.get(variable, "").strip()
    if all("!" <= character <= "~" for character in key):
        return key
    raise UsageError(
        f"the environment variable {variable} holds what no key can: blanks, line ends or letters beyond ASCII",
        "Set it anew, with nothing but the key.",
    )
