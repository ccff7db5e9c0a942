"""A panel that talks to a real kernel, as JupyterLab's does: one comm, opened on a subshell."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any

import ipykernel

from tests.kernel_client import ANSWER, Kernel

TARGET = "jupyter_localllm.chat"
SUBSHELLS = ipykernel.version_info[0] >= 7
HELLO = {"type": "hello", "protocol": 1, "client": "labextension", "version": "0.6.0"}
_numbers = itertools.count(1)

Message = dict[str, Any]


class KernelPanel:
    """One comm of a kernel.

    Parameters
    ----------
    kernel : Kernel
    subshell : bool
        Whether the comm is opened on a subshell of its own, where the kernel has them.
    """

    def __init__(self, kernel: Kernel, *, subshell: bool = True, hello: bool = True) -> None:
        self.kernel, self.id = kernel, uuid.uuid4().hex
        self.told: list[Message] = []
        self.parents: list[Message] = []
        self.cells: list[Message] = []
        self.closed = False
        self.subshell = self._new_subshell() if subshell and SUBSHELLS else None
        self._shell("comm_open", target_name=TARGET, data={}, subshell=self.subshell)
        if hello:
            self.say(HELLO)
            self.wait("welcome")

    def _new_subshell(self) -> str:
        client = self.kernel.client
        request = client.session.msg("create_subshell_request", {})
        client.control_channel.send(request)
        while True:
            reply = client.get_control_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                return str(reply["content"]["subshell_id"])

    def _shell(self, kind: str, *, subshell: str | None = None, **content: Any) -> None:
        client = self.kernel.client
        message = client.session.msg(kind, {"comm_id": self.id, **content})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        client.shell_channel.send(message)

    def say(self, data: Any) -> None:
        """As JupyterLab, which names the comm's subshell in every message."""
        self._shell("comm_msg", data=data, subshell=self.subshell)

    def close(self) -> None:
        self._shell("comm_close", data={}, subshell=self.subshell)

    def request(self, type: str, **values: Any) -> str:
        name = str(values.pop("request", f"k{next(_numbers)}"))
        self.say({"type": type, "request": name, **values})
        return name

    def ask(self, text: str, conversation: str = "Chat", **values: Any) -> str:
        return self.request("ask", text=text, conversation=conversation, **{"attachments": [], **values})

    def until(self, seen: Callable[[Message], bool], seconds: float = 120) -> Message:
        """The first message of which this is true, perhaps of those that came."""
        deadline, at = time.monotonic() + seconds, 0
        while True:
            for message in self.told[at:]:
                if seen(message):
                    return message
            at = len(self.told)
            assert time.monotonic() < deadline, f"it did not come: {self.told[-4:]}"
            self.listen(deadline - time.monotonic())

    def listen(self, seconds: float) -> None:
        """Take the next message of the kernel."""
        message = self.kernel.client.get_iopub_msg(timeout=seconds)
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["comm_id"] == self.id:
            self.told.append(content["data"])
            self.parents.append(message["parent_header"])
        elif message["msg_type"] == "comm_close" and content["comm_id"] == self.id:
            self.closed = True
        else:
            self.cells.append(message)

    def wait(self, type: str, request: str | None = None) -> Message:
        return self.until(lambda m: m["type"] == type and (request is None or m.get("request") == request))

    def ended(self, request: str) -> Message:
        """The message that ends a request."""
        return self.until(
            lambda m: (
                m.get("request") == request and (m["type"] in ("reply", "failed", "refused") or m.get("final") is True)
            )
        )

    def value(self, type: str, **values: Any) -> Any:
        answer = self.ended(self.request(type, **values))
        assert answer["type"] == "reply", answer
        return answer["value"]

    def cell_is_over(self, request: str) -> bool:
        """Whether a cell has ended, as far as was heard."""
        return any(
            m["parent_header"].get("msg_id") == request
            and m["msg_type"] == "status"
            and m["content"]["execution_state"] == "idle"
            for m in self.cells
        )


def text_of(answer: Message) -> str:
    assert answer["type"] == "answer", answer
    return str(answer["data"][ANSWER]["text"])
