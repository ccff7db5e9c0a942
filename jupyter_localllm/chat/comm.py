"""The way of the messages: one comm for each panel. The only module that knows of comms.

The panel opens the comm on a subshell that it made for it, and ipykernel handles its messages there, beside a running
cell. A page that goes away closes the comm and cannot wait to delete the subshell, which stays: an idle thread. Only
the kernel's shell channel could delete it from within, and would stand still for as long as the subshell does.

ipykernel sends a comm's next messages to the subshell of the parent under which the comm sent last (7.4,
``_reply_subshell_id``); a message sent from another thread would have the parent of whichever cell ran last, and the
panel's messages would wait behind that cell. So one thread sends for each comm, in the context that the subshell's
handler had.
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["TARGET", "CommClient", "install", "remove"]

TARGET = "jupyter_localllm.chat"


def install(shell: InteractiveShell) -> None:
    """Let panels open comms; nothing to do in a terminal."""
    manager = _manager(shell)
    if manager is not None:
        manager.register_target(TARGET, _opened)


def remove(shell: InteractiveShell) -> None:
    """Undo it."""
    manager = _manager(shell)
    if manager is not None:
        manager.targets.pop(TARGET, None)


class CommClient:
    """A panel behind its comm.

    Parameters
    ----------
    comm : Comm
        With ``send`` and ``close``.
    context : Context
        In which everything is sent.
    """

    def __init__(self, comm: Any, context: contextvars.Context) -> None:
        self._comm, self._context = comm, context
        self._out: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._gone = False
        thread = threading.Thread(target=self._send_all, name="jupyter_localllm-comm", daemon=True)
        thread.start()

    def send(self, message: dict[str, Any]) -> None:
        """Put a message on its way."""
        if self._gone:
            raise ConnectionError("the comm is closed")
        self._out.put(lambda: self._comm.send(message))

    def close(self) -> None:
        """Send what is on its way, then close the comm."""
        self._out.put(self._comm.close)
        self.gone()

    def gone(self) -> None:
        """The other side closed it: the thread ends."""
        self._gone = True
        self._out.put(None)

    def _send_all(self) -> None:
        while (job := self._out.get()) is not None:
            try:
                self._context.run(job)
            except Exception:  # no kernel to send from any more
                self._gone = True


def _opened(comm: Any, message: dict[str, Any]) -> None:
    """A panel opened a comm; what it said with that is its first message."""
    from jupyter_localllm.chat.session import session

    client = CommClient(comm, contextvars.copy_context())
    session().join(client, subshells=_has_subshells(comm))

    def closed(_message: Any) -> None:
        session().leave(client)
        client.gone()

    comm.on_msg(lambda heard: session().receive(client, heard["content"]["data"]))
    comm.on_close(closed)
    if first := message["content"].get("data"):
        session().receive(client, first)


def _has_subshells(comm: Any) -> bool:
    """Whether this kernel handles messages beside a running cell."""
    kernel = getattr(comm, "kernel", None)
    with contextlib.suppress(Exception):
        return "kernel subshells" in kernel.kernel_info.get("supported_features", ())  # type: ignore[union-attr]
    return False


def _manager(shell: InteractiveShell) -> Any:
    if not hasattr(shell, "kernel"):
        return None
    import comm

    return comm.get_comm_manager()
