"""The help of ``%llm``."""

from __future__ import annotations

import re

from jupyter_localllm.magics.arguments import parse_cell, parse_line
from jupyter_localllm.magics.helptext import help_text
from jupyter_localllm.magics.options import OPTIONS
from jupyter_localllm.magics.subcommands import FORMS


def test_everything_is_in_it() -> None:
    """Every option and subcommand is shown with its line of help."""
    text = help_text()
    for entry in (*OPTIONS, *FORMS):
        assert re.search(rf"^    {re.escape(entry.usage)}\s+{re.escape(entry.help)}$", text, re.MULTILINE)


def test_it_fits_a_page() -> None:
    """No line is wider than 100 characters, and the first one stands alone: ``%lsmagic`` and ``%quickref`` show it."""
    lines = help_text().splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].endswith(".")
    assert lines[1] == ""


def test_its_examples_work() -> None:
    """Every example parses, and is not taken for a subcommand."""
    examples = help_text().partition("Examples\n")[2]
    cells = re.findall(r"^    %%llm (.*)$", examples, re.MULTILINE)
    lines = re.findall(r"^    (?:\w+ = )?%llm (.*)$", examples, re.MULTILINE)
    assert len(cells) == 2
    assert len(lines) == 3
    for cell in cells:
        parse_cell(cell)
    for line in lines:
        assert type(parse_line(line)).__name__ == "Prompt"
