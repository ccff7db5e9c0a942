"""`%%llm --tools` in a real kernel: a person is asked, and an interrupt stops a function."""

from __future__ import annotations

import time

from tests.kernel_client import Cell, Kernel

SETUP = """
import json, time
import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.engine.scripted import ScriptedEngine
ran = []
def price(item: str) -> float:
    "The price of an item, in euros."
    ran.append(item)
    return 12.0
@jl.tool(safe=True)
def wait() -> str:
    "Wait for a long time."
    print("waiting", flush=True)
    time.sleep(300)
def ask(*script):
    runtime.current().own = jl.LocalLLM.from_engine(ScriptedEngine(list(script)))
tea = json.dumps({"name": "price", "arguments": {"item": "tea"}})
"""


def with_a_person(kernel: Kernel, code: str, says: str) -> tuple[str, Cell]:
    """Run a cell as a front end that answers a question; gives the question, too."""
    message = kernel.client.session.msg(
        "execute_request",
        {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True},
    )
    message["metadata"]["cellId"] = "cell"
    kernel.client.shell_channel.send(message)
    question = kernel.client.get_stdin_msg(timeout=60)["content"]["prompt"]
    kernel.client.input(says)
    return question, kernel.finish(str(message["header"]["msg_id"]))


def test_the_person_below_the_cell_is_asked(kernel: Kernel) -> None:
    """Yes runs the function, no does not, and the model is told."""
    kernel.good(SETUP)
    kernel.good("ask(tea, 'The price of tea is 12 euros.')")
    question, cell = with_a_person(kernel, "%%llm --tools price\nWhat does tea cost?", "y")
    assert 'Run price(item="tea")?' in question
    assert cell.text == "The price of tea is 12 euros [1]."
    kernel.good("ask(tea, 'I cannot say.')")
    _, cell = with_a_person(kernel, "%%llm --tools price --cache off\nWhat does tea cost?", "n")
    assert cell.answers[0]["calls"][0]["status"] == "declined"
    assert kernel.good("print(ran)").stdout == "['tea']\n"


def test_a_front_end_that_takes_no_input_is_nobody(kernel: Kernel) -> None:
    """As nbclient and papermill: refused, and nothing ran."""
    kernel.good(SETUP)
    kernel.good("ask(tea, 'The price of tea is 12 euros.')")
    error = kernel.run("%%llm --tools price\nWhat does tea cost?", "cell").error
    assert error is not None
    assert error["ename"] == "ToolNotConfirmed"
    assert "--yes" in str(error["traceback"])
    assert kernel.good("print(ran)").stdout == "[]\n"


def test_an_interrupt_stops_the_function(kernel: Kernel) -> None:
    """The cell ends at once, and the next one is answered."""
    kernel.good(SETUP)
    kernel.good("ask(json.dumps({'name': 'wait', 'arguments': {}}), 'Waited.')")
    request = kernel.start("%%llm --tools wait\nWait.", "cell")
    cell = kernel.finish(request, until=lambda cell: "waiting" in cell.stdout)
    time.sleep(0.2)
    kernel.manager.interrupt_kernel()
    cell = kernel.finish(request, cell, timeout=30)
    assert cell.error is not None
    assert cell.error["ename"] == "KeyboardInterrupt"
    kernel.good("ask('Yes.')")
    assert kernel.good("%%llm\nThere?", "next").text == "Yes."
