"""Which messages are taken: what comes out of order, and what the settings do not take, is refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_localllm._version import __version__
from jupyter_localllm.chat import from_panel as panel
from jupyter_localllm.chat.from_kernel import Incompatible
from jupyter_localllm.chat.members import Member
from jupyter_localllm.chat.protocol import VERSION
from jupyter_localllm.chat.queue import Queue
from jupyter_localllm.chat.reading import Refusal
from jupyter_localllm.errors import SettingsError

if TYPE_CHECKING:
    from jupyter_localllm.api import LocalLLM

__all__ = ["Admission", "incompatible"]

_MOST_OPEN = 100
_REMEMBERED = 100_000


class Admission:
    """Checks each message against those before it.

    Parameters
    ----------
    handle : callable
        The kernel's own handle.
    queue : Queue
    """

    def __init__(self, handle: Callable[[], LocalLLM], queue: Queue) -> None:
        self._handle, self._queue = handle, queue
        self._used: OrderedDict[str, None] = OrderedDict()

    def admit(self, member: Member, said: panel.FromPanel) -> None:
        """Take a message.

        Raises
        ------
        Refusal
            It comes out of order, or there is a value that the settings do not take.
        """
        if isinstance(said, panel.Hello):
            return
        if not member.greeted:
            raise Refusal("before_hello", "the first message is hello")
        if isinstance(said, panel.Stop):
            if said.request not in self._used:
                raise Refusal("unknown_request", f"there was no request {said.request}")
            return
        if said.request in self._used or self._queue.get(said.request) is not None:  # the latter: a cell's
            raise Refusal("used_request", f"the request {said.request} was sent before", "Each needs an id of its own.")
        if len(self._queue) >= _MOST_OPEN:
            raise Refusal("too_many", f"{len(self._queue)} requests wait already", "Wait, or stop some of them.")
        self._check_values(said)
        self._used[said.request] = None
        while len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)

    def _check_values(self, said: panel.FromPanel) -> None:
        values: Mapping[str, Any] = getattr(said, "options", None) or getattr(said, "values", None) or {}
        try:
            for name, value in values.items():
                self._handle().checked(name, value)
        except SettingsError as error:
            raise Refusal("out_of_range", error.message, error.hint) from error


def incompatible(protocol: int) -> Incompatible:
    """What a panel of another version of the protocol is told."""
    if protocol > VERSION:
        text = (
            f"The panel speaks version {protocol} of the protocol, and jupyter_localllm {__version__} in this kernel "
            f"version {VERSION}: run %pip install --upgrade jupyter_localllm in it, and restart the kernel."
        )
        return Incompatible(VERSION, __version__, "kernel", text)
    text = (
        f"The panel speaks version {protocol} of the protocol, and the kernel version {VERSION}: upgrade "
        f"jupyter_localllm to {__version__} where JupyterLab runs, and reload the page."
    )
    return Incompatible(VERSION, __version__, "labextension", text)
