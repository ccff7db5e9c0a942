"""``%llm`` lines that end in a question mark."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from jupyter_localllm.magics import transformer
from tests.magics.conftest import RecordingMagics
from tests.shells import new_shell

OURS = {"llm", "localllm"}


@pytest.fixture
def asking(shell: InteractiveShell) -> Iterator[InteractiveShell]:
    transformer.install(shell, OURS.__contains__)
    yield shell
    transformer.remove(shell)


def call(name: str, line: str) -> str:
    return f"get_ipython().run_line_magic({name!r}, {line!r})\n"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%llm What is the capital of France?", call("llm", "What is the capital of France?")),
        ("%llm Really??", call("llm", "Really??")),
        ("%llm What's up?", call("llm", "What's up?")),
        ('%llm Who said "no?', call("llm", 'Who said "no?')),
        ("%llm $5 or €6?", call("llm", "$5 or €6?")),
        ("%llm 0777 is what?", call("llm", "0777 is what?")),
        ("%llm 日本の首都は?", call("llm", "日本の首都は?")),
        ("%llm status", call("llm", "status")),
        ("%llm models?", call("llm", "models?")),
        ("%llm", call("llm", "")),
        ("%llm\tWhat?", call("llm", "What?")),
        ("%localllm What?", call("localllm", "What?")),
        ("x = %llm What is 2+2?", "x = " + call("llm", "What is 2+2?")),
        ("x = %llm What's this?", "x = " + call("llm", "What's this?")),
        ("x: str = %llm why?", "x: str = " + call("llm", "why?")),
        ("a, b[0] = %llm hi?", "a, b[0] = " + call("llm", "hi?")),
        ("x = \\\n  %llm hi there?", "x = \\\n  " + call("llm", "hi there?")),
        ("%llm a \\\n  b?\ny = 1", call("llm", "a    b?") + "y = 1\n"),
        ("%llm open (\nprint(1)\n%llm really?", call("llm", "open (") + "print(1)\n" + call("llm", "really?")),
        ('%llm what is """ for?\ny = 1', call("llm", 'what is """ for?') + "y = 1\n"),
        (
            "for i in r:\n    %llm What's up?\n    y = 1",
            f"for i in r:\n    {call('llm', chr(87) + 'hat' + chr(39) + 's up?')}    y = 1\n",
        ),
        ("if a:\n\tx = %llm it's ok?", f"if a:\n\tx = {call('llm', chr(105) + 't' + chr(39) + 's ok?')}"),
        ('!echo "it\'s"\n%llm is it so?', "get_ipython().system('echo \"it\\'s\"')\n" + call("llm", "is it so?")),
    ],
)
def test_a_line_of_ours_is_a_prompt(asking: InteractiveShell, cell: str, expected: str) -> None:
    """A question mark, a quote, a bracket or a digit in a prompt is the prompt's own; nothing else changes."""
    assert asking.transform_cell(cell) == expected
    ast.parse(expected)


@pytest.mark.parametrize(
    "cell",
    [
        "%llm?",
        "%llm??",
        "%%llm?",
        "?llm",
        "?%llm",
        "llm?",
        "x = %llm?",
        "%foreign what is x?",
        "%llm-foo bar?",
        "%llms what?",
        "% llm what?",
        "s = '''\n%llm what?\n'''",
        "f'''{1}\n%llm what is it?\n'''",
        "# %llm what?",
        "x = 7 \\\n  %llm",
        "z = (10\n  %llm)",
        "x = y %llm",
        "f(a=1, b=c %llm)",
        "%%time\n%llm hi you?",
        "%%llm --raw\nWhat?",
        "%timeit 1 + 1",
        "x == 1",
        "print(1)",
        "",
    ],
)
def test_everything_else_is_ipythons(asking: InteractiveShell, cell: str) -> None:
    """Help, strings, comments, cell magics, the remainder operator and other magics are as without us."""
    assert asking.transform_cell(cell) == transformed_without_us(cell, asking)


def transformed_without_us(cell: str, shell: InteractiveShell) -> str:
    transformer.remove(shell)
    return shell.transform_cell(cell)


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("%llm What is the capital of France?", "complete"),
        ("%llm What's up?", "complete"),
        ("%llm open (", "complete"),
        ("x = %llm What's up?", "complete"),
        ("%llm a \\", "incomplete"),
        ("for i in r:\n    %llm What's up?", "incomplete"),
        ("for i in r:\n    %llm What's up?\n", "complete"),
        ("s = '''\n%llm what?", "incomplete"),
        ("%%llm\nWhat?", "incomplete"),
        ("%%llm\nWhat?\n\n", "complete"),
        ("%llm?", "complete"),
    ],
)
def test_a_console_knows_when_a_line_is_complete(asking: InteractiveShell, cell: str, status: str) -> None:
    """Enter sends a prompt with an open quote or bracket, and continues a line that ends in a backslash."""
    assert asking.input_transformer_manager.check_complete(cell)[0] == status


def test_a_foreign_llm_is_left_alone(shell: InteractiveShell) -> None:
    """While the name belongs to someone else, cells are as without us; and again ours when it comes back."""
    mine = False
    transformer.install(shell, lambda name: mine)
    plain = TransformerManager().transform_cell("%llm What is it?")
    assert shell.transform_cell("%llm What is it?") == plain
    mine = True
    assert shell.transform_cell("%llm What is it?") == call("llm", "What is it?")


def test_a_predicate_that_fails_costs_no_cell(shell: InteractiveShell) -> None:
    """An error in the predicate leaves cells as they are."""
    transformer.install(shell, lambda name: 1 / 0 > 0)
    assert shell.transform_cell("%llm status") == call("llm", "status")
    assert shell.transform_cell("y = 1") == "y = 1\n"


def test_installing_twice_and_removing(shell: InteractiveShell) -> None:
    """There is one of us at most, and none afterwards."""
    before = list(shell.input_transformer_manager.token_transformers)
    transformer.install(shell, OURS.__contains__)
    transformer.install(shell, OURS.__contains__)
    assert len(shell.input_transformer_manager.token_transformers) == len(before) + 1
    transformer.remove(shell)
    transformer.remove(shell)
    assert shell.input_transformer_manager.token_transformers == before


def test_transforming_again_changes_nothing(asking: InteractiveShell) -> None:
    """What was transformed is plain Python: IPython may pass it through again."""
    generator = random.Random(5)
    pieces = [
        "%llm ",
        "x = ",
        "What's",
        " up?",
        "\n",
        "    ",
        "for i in r:\n    ",
        '"""',
        "(",
        ")",
        "#",
        "\\\n",
        "1",
        "?",
    ]
    compared = 0
    for _ in range(400):
        cell = "".join(generator.choice(pieces) for _ in range(generator.randrange(1, 9)))
        try:
            once = asking.transform_cell(cell)
        except SyntaxError:  # IPython's own tokenizer refuses some indentation
            continue
        if "%" not in once and "?" not in once.replace("up?", ""):
            compared += 1
            assert asking.transform_cell(once) == once
    assert compared > 50


def test_running_cells_reaches_the_magic(asking: InteractiveShell, ours: RecordingMagics) -> None:
    """In a real shell, the prompt arrives to the letter, its answer is bound, and in loops too."""
    asking.register_magics(ours)
    cell = "x = %llm What's 2+2?\nfor i in range(2):\n    %llm Is {x} fine?\n"
    asking.run_cell(cell).raise_error()
    assert ours.calls == [("What's 2+2?", None), ("Is {x} fine?", None), ("Is {x} fine?", None)]
    assert asking.user_ns["x"] == "answer"


def test_a_terminal_shell_too(tmp_path: Path) -> None:
    """IPython in a terminal takes the same prompts."""
    with new_shell(tmp_path, TerminalInteractiveShell) as shell:
        ours = RecordingMagics(shell)
        shell.register_magics(ours)
        transformer.install(shell, OURS.__contains__)
        shell.run_cell("%llm What's the capital of France?").raise_error()
        assert ours.calls == [("What's the capital of France?", None)]


def test_a_kernel_too(kernel: Any) -> None:
    """A kernel takes the same prompts, and tells a console that they are complete."""
    cell = "x = %llm What's 2+2?\nfor i in [1]:\n    %llm Is it (so?"
    asked = {"calls": "calls", "x": "x"}
    content = kernel.execute(cell, user_expressions=asked, reply=True, timeout=60)["content"]
    assert content["status"] == "ok", content
    told = {name: value["data"]["text/plain"] for name, value in content["user_expressions"].items()}
    assert told == {"calls": """["What's 2+2?", 'Is it (so?']""", "x": "'answer'"}
    request = kernel.is_complete("%llm What's up?")
    reply = kernel.get_shell_msg(timeout=60)
    assert reply["parent_header"]["msg_id"] == request
    assert reply["content"]["status"] == "complete"
