"""Keys of servers: each goes to those it was made for, and to nobody else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.errors import UsageError

__all__ = ["key_for"]


def key_for(address: Address, variable: str, usual: str, homes: Sequence[str]) -> str:
    """The key to send to a server; empty for none.

    Parameters
    ----------
    address : Address
        The server.
    variable : str
        The environment variable that a person named for it, or empty.
    usual : str
        The variable that is in use for this kind of server.
    homes : sequence of str
        The addresses that the key in `usual` is for.

    Raises
    ------
    UsageError
        The variable that a person named is not set.
    """
    if variable:
        key = os.environ.get(variable, "")
        if not key:
            raise UsageError(
                f"the environment has no variable {variable}, which api_key_env names", "Set it, or unset api_key_env."
            )
        return key
    places = {urlsplit(home).netloc for home in homes}
    return os.environ.get(usual, "") if urlsplit(address.url).netloc in places else ""
