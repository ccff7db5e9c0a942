"""The panels' comm in a real kernel, with the real model."""

from __future__ import annotations

import pytest

from tests.chat.samples import SAMPLES, expand
from tests.kernel.panel import HELLO, SUBSHELLS, KernelPanel, text_of
from tests.kernel_client import Kernel

pytestmark = pytest.mark.model

with_subshells = pytest.mark.skipif(not SUBSHELLS, reason="this ipykernel has no subshells")

LOOP = "end = False\nimport time\nt = time.monotonic()\nn = 0\nwhile time.monotonic() - t < 60: n += 1"


def interrupt(kernel: Kernel, panel: KernelPanel, cell: str) -> None:
    kernel.manager.interrupt_kernel()
    while not panel.cell_is_over(cell):
        panel.listen(60)


@with_subshells
def test_it_answers_while_a_cell_runs(kernel: Kernel) -> None:
    """Opened, greeted and asked while a pure Python loop runs: the answer is there before the loop ends."""
    panel = KernelPanel(kernel, hello=False)
    cell = kernel.start(LOOP, "loop")
    panel.say(HELLO)
    welcome = panel.wait("welcome")
    assert welcome["subshells"] is True
    request = panel.ask("What is the capital of Japan?", options={"max_tokens": 16})
    assert "Tokyo" in text_of(panel.ended(request))
    names = [one["name"] for one in panel.value("variables", prefix="n", limit=5)]
    assert "n" in names
    assert not panel.cell_is_over(cell)
    interrupt(kernel, panel, cell)


@with_subshells
def test_its_messages_stay_on_the_subshell(kernel: Kernel) -> None:
    """What is sent while a cell runs does not lead the panel's next messages to the shell, behind that cell."""
    panel = KernelPanel(kernel)
    request = panel.ask("Tell me a long story about the sea.", options={"max_tokens": 1000})
    panel.wait("answer", request)
    cell = kernel.start(LOOP, "loop")
    kinds = ("status", "execute_input")
    while not any(m["parent_header"].get("msg_id") == cell and m["msg_type"] in kinds for m in panel.cells):
        panel.listen(60)
    seen = len(panel.told)
    panel.until(lambda m: m["type"] == "answer" and any(m is later for later in panel.told[seen:]))
    panel.say({"type": "stop", "request": request})
    panel.ended(request)
    assert {parent.get("subshell_id") for parent in panel.parents} == {panel.subshell}
    assert not panel.cell_is_over(cell)
    interrupt(kernel, panel, cell)


def test_stop_in_the_middle_and_while_the_prompt_is_read(kernel: Kernel) -> None:
    """A stopped answer ends as interrupted, and the next question is answered."""
    panel = KernelPanel(kernel)
    request = panel.ask("Tell me a long story about the sea.", options={"max_tokens": 1000})
    panel.wait("answer", request)
    panel.say({"type": "stop", "request": request})
    last = panel.ended(request)
    assert last["metadata"]["jupyter_localllm"]["complete"] is False
    assert text_of(last)
    long = "".join(f"Line {i}: the number is {i * 7919 % 1000}.\n" for i in range(350))
    reading = panel.ask("Which?", attachments=[{"kind": "cell", "id": "c", "source": long, "outputs": ""}])
    panel.until(lambda m: m["type"] == "state" and any(one["state"] == "reading" for one in m["queue"]))
    panel.say({"type": "stop", "request": reading})
    assert text_of(panel.ended(reading)) == ""
    assert "Tokyo" in text_of(panel.ended(panel.ask("What is the capital of Japan?", "Other")))


def test_two_comms_of_one_kernel(kernel: Kernel) -> None:
    """Both see the question and its answer; one that is closed takes nothing from the other."""
    one, two = KernelPanel(kernel), KernelPanel(kernel)
    request = one.ask("What is the capital of Japan?", options={"max_tokens": 16})
    answer = one.ended(request)
    two.told += [m["content"]["data"] for m in one.cells if m["msg_type"] == "comm_msg"]
    assert two.ended(request) == answer
    two.close()
    assert "Tokyo" in text_of(one.ended(one.ask("What is the capital of Japan?", "b", options={"max_tokens": 16})))


def test_cells_and_the_panel_share_a_conversation(kernel: Kernel) -> None:
    """`%%llm --chat NAME` goes on from the panel, and the panel from the cell; the panel sees the cell's turn."""
    panel = KernelPanel(kernel)
    kernel.good("%%llm --chat trip --max-tokens 8\nMy name is Ada.", "a")
    panel.ended(panel.ask("What is my name?", "trip", options={"max_tokens": 8}))
    history = kernel.good("%llm history trip").stdout
    assert history.index("My name is Ada.") < history.index("What is my name?")
    turns = panel.value("open", conversation="trip")["turns"]
    assert [turn["question"] for turn in turns] == ["My name is Ada.", "What is my name?"]


def test_an_answer_from_a_variable_is_cited(kernel: Kernel) -> None:
    """With a frame attached the answer cites the row."""
    kernel.good("import pandas as pd\ndf = pd.DataFrame({'City': ['Oslo', 'Rome'], 'Population': [717710, 2755309]})")
    panel = KernelPanel(kernel)
    (told,) = panel.value("variables", prefix="df", limit=3)
    assert (told["type"], told["shape"], told["defined_in"][:3]) == ("DataFrame", "2 \u00d7 2", "In[")
    request = panel.ask("What is the Population of Rome?", attachments=[{"kind": "variable", "name": "df"}])
    answer = panel.ended(request)
    assert "2755309" in text_of(answer)
    (citation,) = answer["data"]["application/vnd.jupyter-localllm.answer+json"]["citations"]
    assert (citation["source"], citation["locator"]["rows"]) == ("df", [1])


def test_malformed_messages_change_nothing(kernel: Kernel) -> None:
    """All samples at once, through a real comm; then a question is answered."""
    panel = KernelPanel(kernel)
    samples = [one for one in SAMPLES["refused"] if not any(mark in str(one) for mark in ("$half", "100000"))]
    for sample in samples:  # the others cannot be sent, or ipykernel drops them
        panel.say(expand(sample["message"]))
    panel.value("models", request="after")
    assert [m["code"] for m in panel.told if m["type"] == "refused"] == [sample["code"] for sample in samples]
    state = next(m for m in panel.told if m["type"] == "welcome")
    again = KernelPanel(kernel)
    assert {name: again.told[0][name] for name in ("conversations", "queue", "settings")} == {
        name: state[name] for name in ("conversations", "queue", "settings")
    }


def test_a_restart_closes_everything(kernel: Kernel) -> None:
    """After a restart there is no target before the extension is loaded, and then a new session without turns."""
    panel = KernelPanel(kernel)
    panel.ask("Tell me a story.", options={"max_tokens": 500})
    panel.wait("answer")
    kernel.restart()
    without = KernelPanel(kernel, hello=False)
    while not without.closed:
        without.listen(60)
    kernel.good("%load_ext jupyter_localllm")
    again = KernelPanel(kernel)
    assert again.told[-1]["conversations"] == []
    assert again.told[-1]["queue"] == []


def test_unloading_the_extension_closes_the_comms(kernel: Kernel) -> None:
    """The panel is told, and can come back after the extension is loaded again."""
    panel = KernelPanel(kernel)
    kernel.start("%unload_ext jupyter_localllm")
    while not panel.closed:
        panel.listen(60)
    kernel.good("%load_ext jupyter_localllm")
    assert KernelPanel(kernel).told[-1]["type"] in ("welcome", "state")


@with_subshells
def test_a_cell_stands_in_the_queue(kernel: Kernel) -> None:
    """While a cell is answered, the panel sees it and its conversation."""
    panel = KernelPanel(kernel)
    cell = kernel.start("%%llm --chat trip --max-tokens 300\nTell me a long story about the sea.", "a")
    state = panel.until(lambda m: m["type"] == "state" and bool(m["queue"]))
    assert (state["queue"][0]["kind"], state["queue"][0]["conversation"]) == ("cell", "trip")
    interrupt(kernel, panel, cell)
    panel.until(lambda m: m["type"] == "state" and not m["queue"])


def test_on_the_main_shell_it_waits_for_the_cell(kernel: Kernel) -> None:
    """A kernel without subshells says so; a message that came beside a cell is answered after it, none is lost."""
    panel = KernelPanel(kernel, subshell=False, hello=False)
    cell = kernel.start("import time\ntime.sleep(2)")
    panel.say(HELLO)
    assert panel.wait("welcome")["subshells"] is SUBSHELLS
    assert panel.cell_is_over(cell)
    request = panel.ask("What is the capital of Japan?", options={"max_tokens": 16})
    assert "Tokyo" in text_of(panel.ended(request))
