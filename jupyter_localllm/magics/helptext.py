"""The help of ``%llm``, made from the tables of options and subcommands."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_localllm.magics.options import OPTIONS
from jupyter_localllm.magics.subcommands import FORMS

__all__ = ["help_text"]

_HEAD = """\
Ask the language model that lives in this kernel.

    %%llm [name <<] [options]          the lines below are the prompt
    %llm [name <<] [options] prompt    the rest of the line is the prompt
    %llm subcommand                    a line that is no subcommand as a whole is a prompt

%%localllm and %localllm are the same. The answer is bound to name, and always to _llm.
In the prompt, {{ expression }} puts a variable's value there; everything else stays as it is.
Quotes around an argument are removed; -- ends the options.
"""

_EXAMPLES = r"""Examples
    %llm What is the capital of Japan?
    answer = %llm --temperature 0.7 Name a colour.
    %llm --chat trip What's the best month for Lisbon?

    %%llm summary << --system "You write for managers." --max-tokens 200
    Summarise these sales in three sentences:
    {{ sales.describe() }}

    %%llm --over reviews --column text
    Is this review friendly? {{ value }}
"""


def help_text() -> str:
    """Make the text that ``%llm?`` and ``%llm help`` show."""
    options = [(option.usage, option.help) for option in OPTIONS]
    commands = [(form.usage, form.help) for form in FORMS]
    parts = (
        _HEAD,
        "Options\n" + _columns(options),
        "Subcommands of %llm\n" + _columns(commands),
        _EXAMPLES,
    )
    return "\n".join(parts)


def _columns(rows: Iterable[tuple[str, str]]) -> str:
    """Set rows in two columns; a wide first cell gets a line of its own."""
    lines = []
    for left, right in rows:
        lines.append(f"    {left:<30}{right}" if len(left) < 30 else f"    {left}\n{'':34}{right}")
    return "\n".join(lines) + "\n"
