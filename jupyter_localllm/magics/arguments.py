r"""What stands on the line of ``%%llm`` and ``%llm``.

``[name <<] [options]`` and, for ``%llm`` only, the prompt: everything after the options, untouched. ``--`` ends the
options, so that a prompt may begin with a dash or be the name of a subcommand. Nothing here knows IPython.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from jupyter_localllm.errors import UsageError
from jupyter_localllm.magics.gather import Gathered
from jupyter_localllm.magics.options import is_option
from jupyter_localllm.magics.subcommands import Subcommand, near_subcommand, parse_subcommand
from jupyter_localllm.magics.words import next_word
from jupyter_localllm.types import CacheMode

__all__ = ["CellArguments", "Prompt", "Subcommand", "find_target", "parse_cell", "parse_line"]


@dataclass(frozen=True)
class CellArguments:
    """What a person asked for on the magic's line. `None` means: not given, the handle's setting holds.

    Parameters
    ----------
    target : str or None
        The name before ``<<``, to which the answer is bound.
    model, system, format, adapter : str or None
        As given.
    schema : str or None
        What the answer is to be: a name or an expression of the notebook, JSON, or a file.
    options : Mapping of str to object
        Settings by the name of their trait: ``temperature``, ``top_p``, ``top_k``, ``min_p``, ``repeat_penalty``,
        ``max_tokens``, ``seed``, ``stop`` (a tuple), and what ``--option`` named. Only what was given.
    continue_ : bool
        Go on with the conversation without a name.
    chat : str or None
        Go on with this conversation.
    over, column : str or None
        Map over this variable; its column.
    cite : tuple of str
        Answer from these variables: names, expressions, or ``name=expression``.
    tools : tuple of str
        Functions that the model may call: names or expressions.
    cache : {"use", "refresh", "off", "require"} or None
    on_error : {"raise", "record"} or None
    dry_run, raw, yes : bool
    stream : bool
        False after ``--no-stream``.
    help : bool
        Show the help and do nothing else; other fields mean nothing then.
    """

    target: str | None = None
    model: str | None = None
    system: str | None = None
    format: str | None = None
    schema: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    continue_: bool = False
    chat: str | None = None
    over: str | None = None
    column: str | None = None
    cite: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    adapter: str | None = None
    cache: CacheMode | None = None
    on_error: Literal["raise", "record"] | None = None
    dry_run: bool = False
    stream: bool = True
    raw: bool = False
    yes: bool = False
    help: bool = False


@dataclass(frozen=True)
class Prompt:
    """A ``%llm`` line that asks the model.

    Parameters
    ----------
    text : str
        The prompt, exactly as it stands on the line.
    arguments : CellArguments
        What stood before it.
    near : str
        The subcommand that the line almost is, as ``"cache export FILE"``; mostly empty. To be told beside the answer.
    """

    text: str
    arguments: CellArguments = CellArguments()
    near: str = ""


def parse_cell(line: str, *, settings: Collection[str] | None = None) -> CellArguments:
    """Read the line of ``%%llm``.

    Parameters
    ----------
    line : str
        What follows ``%%llm`` on its line.
    settings : collection of str, optional
        The names ``--option`` may take. Without it, any name passes.

    Returns
    -------
    CellArguments

    Raises
    ------
    UsageError
        An option is unknown, its value is missing or out of range, two options exclude each other, the name before
        ``<<`` cannot be assigned to, or something stands on the line that is no option.

    Examples
    --------
    >>> arguments = parse_cell("answer << --temperature 0.7 --system 'Be brief.'")
    >>> arguments.target, arguments.system, arguments.options
    ('answer', 'Be brief.', {'temperature': 0.7})
    """
    arguments, end = _leading(line, settings, spaced=True)
    word = next_word(line, end)
    if word is None or arguments.help:
        return arguments
    if "<<" in line[word.start :]:
        raise UsageError("name << stands first, with one name.", "As in: %%llm answer << --seed 7")
    hint = "Options begin with --; the prompt goes into the lines below, and a model's name after --model."
    raise UsageError(f"{word.text} on the line of %%llm is no option.", hint)


def parse_line(line: str, *, settings: Collection[str] | None = None) -> Subcommand | Prompt:
    """Read the line of ``%llm``: a subcommand if the whole line parses as one, else a prompt.

    An empty line, ``?``, ``-h`` and ``--help`` are the subcommand ``help``.

    Parameters
    ----------
    line : str
        What follows ``%llm`` on its line.
    settings : collection of str, optional
        The names ``--option`` may take.

    Returns
    -------
    Subcommand or Prompt

    Raises
    ------
    UsageError
        As `parse_cell`, or no prompt follows the options.

    Examples
    --------
    >>> parse_line("status")
    Subcommand(name='status', action='', value=None, options={})
    >>> parse_line("--seed 7 What's 2+2?").text
    "What's 2+2?"
    """
    if line.strip() in ("", "?"):
        return Subcommand("help")
    if (subcommand := parse_subcommand(line)) is not None:
        return subcommand
    arguments, end = _leading(line, settings)
    if arguments.help:
        return Subcommand("help")
    word = next_word(line, end)
    if word is None:
        raise UsageError("The prompt is missing.", "%llm asks what stands on its line: %llm What is a median?")
    return Prompt(line[word.start :], arguments, near_subcommand(line))


# ---------------------------------------------------------------------------------------------------------------------
# name <<

# What might be meant as a name; a quote or a bracket before << belongs to a prompt.
_TARGET: Final = re.compile(r"""\s*(?P<name>[^\s<"'`({]+)\s*<<(?=\s|$)""")


def find_target(line: str) -> tuple[str | None, int]:
    """Find ``name <<`` at the start of a line: the name as written, and where it ends (0 if there is none)."""
    match = _TARGET.match(line)
    return (match["name"], match.end()) if match else (None, 0)


def _checked_target(name: str | None) -> str | None:
    if name is None or (name.isidentifier() and not keyword.iskeyword(name)):
        return name
    why = "it is a word of Python" if keyword.iskeyword(name) else "it is not a plain name"
    hint = "As in: %%llm answer << --seed 7. A prompt that begins so comes after --, as in: %llm -- 1 << 3 is what?"
    raise UsageError(f"The answer cannot be bound to {name}: {why}.", hint)


# ---------------------------------------------------------------------------------------------------------------------
# Options


def _leading(line: str, settings: Collection[str] | None, *, spaced: bool = False) -> tuple[CellArguments, int]:
    """Read target and options; the second value is where they end."""
    name, position = find_target(line)
    target = _checked_target(name)
    gathered = Gathered(settings, spaced=spaced)
    while (word := next_word(line, position)) is not None and "help" not in gathered.fields:
        raw = line[word.start : word.end]
        if raw == "--":
            position = word.end
            break
        if not is_option(raw):
            break
        position = gathered.read(line, word)
    if "column" in gathered.fields and "over" not in gathered.fields:
        raise UsageError("--column needs --over.", "As in: %%llm --over df --column text")
    if "cite" in gathered.fields and "over" in gathered.fields:
        raise UsageError("--cite does not go with --over: sources are asked one question.", "Leave one of them out.")
    if "tools" in gathered.fields and "over" in gathered.fields:
        raise UsageError("--tools does not go with --over: rows are asked without tools.", "Leave one of them out.")
    if "cite" in gathered.fields and "schema" in gathered.fields:
        raise UsageError("--schema does not go with --cite: what is cited is a text.", "Leave one of them out.")
    if "tools" in gathered.fields and "schema" in gathered.fields:
        raise UsageError("--schema does not go with --tools.", "Ask with tools, then extract from the answer.")
    return CellArguments(target, options=gathered.options, **gathered.fields), position
