"""The panel in a cell of a real kernel, with the real model."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.kernel.panel import SUBSHELLS
from tests.kernel_client import Kernel

pytestmark = pytest.mark.model

VIEW = "application/vnd.jupyter.widget-view+json"
LOOP = "import time\nt = time.monotonic()\nn = 0\nwhile time.monotonic() - t < 60: n += 1"

Message = dict[str, Any]


class Front:
    """A front end: it knows the widgets by what the kernel says of them."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.heard = kernel, list[Message]()
        self.state: dict[str, Message] = {}
        self.subshell = self._new_subshell() if SUBSHELLS else None

    def _new_subshell(self) -> str:
        client = self.kernel.client
        request = client.session.msg("create_subshell_request", {})
        client.control_channel.send(request)
        while True:
            reply = client.get_control_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                return str(reply["content"]["subshell_id"])

    def until(self, seen: Callable[[], Any], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := seen()):
            assert time.monotonic() < deadline, "it did not come"
            message = self.kernel.client.get_iopub_msg(timeout=deadline - time.monotonic())
            self.heard.append(message)
            content = message["content"]
            if message["msg_type"] == "comm_open":
                self.state[content["comm_id"]] = dict(content["data"]["state"])
            elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "update":
                self.state.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        return found

    def widget(self, **values: Any) -> str:
        """The id of the one widget with these values."""
        (found,) = (id for id, state in self.state.items() if all(state.get(k) == v for k, v in values.items()))
        return found

    def send(self, id: str, **data: Any) -> None:
        """As JupyterLab, which has one subshell for all widgets."""
        client = self.kernel.client
        message = client.session.msg("comm_msg", {"comm_id": id, "data": data})
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        client.shell_channel.send(message)

    def ask(self, text: str) -> None:
        line = self.widget(placeholder="Ask about this notebook", _model_name="TextModel")
        self.send(line, method="update", state={"value": text}, buffer_paths=[])
        self.send(self.widget(description="Send"), method="custom", content={"event": "click"})

    def over(self, request: str) -> bool:
        return any(
            m["msg_type"] == "status"
            and m["parent_header"].get("msg_id") == request
            and m["content"]["execution_state"] == "idle"
            for m in self.heard
        )

    def of(self, kind: str) -> list[Message]:
        return [message for message in self.heard if message["msg_type"] == kind]

    def answered(self, words: str) -> bool:
        return any(words in str(state.get("value")) for state in self.state.values() if state.get("_model_name"))


@pytest.fixture
def front(kernel: Kernel) -> tuple[Front, str]:
    """The panel is shown."""
    made = Front(kernel)
    cell = kernel.start("%llm panel", "panel")
    made.until(lambda: made.over(cell))
    return made, cell


def test_two_outputs(front: tuple[Front, str]) -> None:
    """The cell's outputs are the text and the widgets; the text is one that needs no widget."""
    text, view = (message["content"]["data"] for message in front[0].of("display_data"))
    assert VIEW not in text
    assert "no questions yet" in text["text/plain"]
    assert view[VIEW]["model_id"] in front[0].state


@pytest.mark.skipif(not SUBSHELLS, reason="this ipykernel has no subshells")
def test_it_answers_while_a_cell_runs(front: tuple[Front, str], kernel: Kernel) -> None:
    """The first click that the panel ever gets is heard beside a loop of pure Python; and so is the next, after its
    widgets were changed."""
    made, _cell = front
    loop = kernel.start(LOOP, "loop")
    kinds = ("execute_input",)
    made.until(lambda: any(m["parent_header"].get("msg_id") == loop and m["msg_type"] in kinds for m in made.heard))
    made.ask("What is the capital of Japan?")
    made.until(lambda: made.answered("Tokyo"))
    made.until(lambda: any("Tokyo" in m["content"]["data"]["text/plain"] for m in made.of("update_display_data")))
    made.ask("What is the capital of Spain?")
    made.until(lambda: made.answered("Madrid"))
    assert not made.over(loop)
    kernel.manager.interrupt_kernel()
    made.until(lambda: made.over(loop))


def test_nothing_goes_to_another_cell(front: tuple[Front, str], kernel: Kernel) -> None:
    """While an answer is written other cells run: none of them gets an output, and the text that changes is the
    panel's, by its name (and in ipykernel 7 under its own cell)."""
    made, cell = front
    (place, _view) = (m["content"]["transient"]["display_id"] for m in made.of("display_data"))
    made.ask("Tell me a story about the sea.")
    made.until(lambda: made.answered("jp-LocalLLM-text"))
    others = [kernel.start(f"x = {i}", f"other-{i}") for i in range(5)]
    made.until(lambda: all(made.over(other) for other in others))
    made.send(made.widget(description="Stop"), method="custom", content={"event": "click"})
    made.until(lambda: any("incomplete" in m["content"]["data"]["text/plain"] for m in made.of("update_display_data")))
    outputs = ("display_data", "stream", "error", "execute_result")
    assert [m for m in made.heard if m["msg_type"] in outputs and m["parent_header"].get("msg_id") in others] == []
    updates = made.of("update_display_data")
    assert {m["content"]["transient"]["display_id"] for m in updates} == {place}
    if SUBSHELLS:  # before, a thread's messages had the parent of whichever cell ran last
        assert {m["parent_header"].get("msg_id") for m in updates} == {cell}


def test_updates_are_few(front: tuple[Front, str]) -> None:
    """Each state of an answer is sent once: no value is repeated, and no finished message is sent again."""
    made, _cell = front
    made.ask("What is the capital of Japan?")
    made.until(lambda: any("Tokyo" in m["content"]["data"]["text/plain"] for m in made.of("update_display_data")))
    first = len(made.heard)
    made.ask("What is the capital of Spain?")
    made.until(lambda: any("Madrid" in m["content"]["data"]["text/plain"] for m in made.of("update_display_data")))
    values = [
        m["content"]["data"]["state"]["value"]
        for m in made.heard[first:]
        if m["msg_type"] == "comm_msg" and "value" in m["content"]["data"].get("state", {})
    ]
    assert not [value for value in values if "Tokyo" in str(value)]
    shown = [value for value in values if "jp-LocalLLM-answer" in str(value)]
    assert len(shown) == len(set(shown))


def test_unattended_it_is_text(tmp_path: Path, kernel_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """nbclient saves the conversation, no widget, and no state of widgets."""
    for name, value in kernel_env.items():
        monkeypatch.setenv(name, value)
    cells = ["%load_ext jupyter_localllm", "%llm --chat trip --max-tokens 8 Where to?", "%llm panel trip"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook).execute()
    (output,) = notebook.cells[-1].outputs
    assert "Where to?" in output.data["text/plain"]
    assert "widget" not in nbformat.writes(notebook)
