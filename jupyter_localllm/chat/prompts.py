"""From what a panel asks to what the model reads."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.chat.from_panel import Ask, Cell, Failure, Variable
from jupyter_localllm.chat.variables import described, is_module, resolve
from jupyter_localllm.constrain import Regex
from jupyter_localllm.show.plain import clean
from jupyter_localllm.sources.syntax import syntax_of
from jupyter_localllm.types import Part

__all__ = ["Question", "corrected", "question_of", "sources_of"]

_TASKS = {
    "explain": "Explain in plain words why this Python cell failed and what its author should look at.",
    "explain a cell": "Explain in plain words what this Python cell does.",
    "fix": "Correct this Python cell. Answer with the whole corrected cell in one code block, and nothing else.",
}
_EXPLAINED = 400  # tokens: an explanation is a paragraph or two, and small models do not know when to end one
_LONGEST_TRACEBACK = 3_000
_FENCED = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<code>.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Question:
    """A question as the model gets it.

    Parameters
    ----------
    text : str
        What the person typed, or the task in words.
    parts : tuple of Part
        The whole prompt.
    sources : Mapping of str to object
        What the answer is to be made from and to cite; empty for a question without variables.
    options : Mapping
        What the task sets, unless the person did.
    """

    text: str
    parts: tuple[Part, ...]
    sources: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def question_of(ask: Ask, variables: Mapping[str, Any]) -> Question:
    """Make the prompt.

    Raises
    ------
    UsageError
        A variable is not there.
    """
    typed = ask.text.strip()
    if ask.task != "chat":
        return _about_a_cell(ask, typed, variables)
    if any(isinstance(one, Variable) for one in ask.attachments):
        return Question(typed, (Part("text", typed),), sources_of(ask, variables))
    parts: list[Part] = []
    for one in ask.attachments:
        parts += _shown(one)
    return Question(typed, (*parts, Part("text", typed)))


def sources_of(ask: Ask, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables by name, and the cells beside them, as sources."""
    from jupyter_localllm.sources.passages_code import HeldCode
    from jupyter_localllm.sources.passages_text import text_size

    found: dict[str, Any] = {}
    for number, one in enumerate(ask.attachments, 1):
        if isinstance(one, Variable):
            found[one.name] = resolve(one.name, variables)
            continue
        name = f"cell {number}"
        found[name] = HeldCode(name, text_size(one.source), (), one.source)
        said = clean(one.outputs if isinstance(one, Cell) else one.traceback).strip()
        if said:
            found[f"output of {name}"] = said
    return found


def corrected(answer: str) -> str | None:
    r"""The cell that an answer to the task ``fix`` proposes: its first code block, or all of it if that is code.

    Examples
    --------
    >>> corrected("Here:\\n```python\nx = 1\n```\nDone.")
    'x = 1'
    >>> corrected("I cannot do that.") is None
    True
    """
    block = _FENCED.search(answer)
    if block is not None:
        return block["code"].strip("\n") or None
    text = answer.strip()
    return text if text and syntax_of(text) is not None else None


def _about_a_cell(ask: Ask, typed: str, variables: Mapping[str, Any]) -> Question:
    cells = [one for one in ask.attachments if isinstance(one, (Cell, Failure))]
    failed = any(isinstance(one, Failure) for one in cells)
    task = _TASKS[ask.task if failed or ask.task == "fix" else "explain a cell"]
    names = [name for one in cells if isinstance(one, Failure) for name in _known(one, variables)]
    names += [one.name.partition(".")[0] for one in ask.attachments if isinstance(one, Variable)]
    parts = [Part("text", f"{task}\n\n")]
    for one in cells:
        parts += _shown(one)
    if names:
        lines = "\n".join(f"- {described(name, variables)}" for name in dict.fromkeys(names))
        parts += [Part("text", "Variables:\n"), Part("variables", lines), Part("text", "\n\n")]
    if typed:
        parts.append(Part("text", typed))
    options = {"max_tokens": _EXPLAINED} if ask.task == "explain" else _one_block(cells)
    return Question(typed or task, tuple(parts), options=options)


def _known(one: Failure, variables: Mapping[str, Any]) -> list[str]:
    """The names that say something: variables, and what the code reads without their being there."""
    absent = _unbound(one.source)
    there = [name for name in one.variables if name in variables or name in absent]
    return [name for name in there if not is_module(variables.get(name))]


def _unbound(source: str) -> set[str]:
    """Names that code reads and nowhere binds, without those that Python has of its own."""
    tree = syntax_of(source)
    if tree is None:  # a magic command, or a mistake
        return set()
    nodes = list(ast.walk(tree))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    # Functions, classes, handlers and patterns have what they bind in `name`, and the rest of a mapping in `rest`.
    bound |= {str(getattr(node, "name", None)) for node in nodes} | {str(getattr(node, "rest", None)) for node in nodes}
    return read - bound - set(dir(builtins))


def _one_block(cells: Sequence[Cell | Failure]) -> dict[str, Any]:
    """An answer of one code block and nothing else, where constraints are installed and the code has no backticks.

    Small models go on to explain what they did: without that they take half the time.
    """
    if importlib.util.find_spec("llguidance") is None or any("`" in one.source for one in cells):
        return {}
    return {"constraint": Regex(r"```python\n(?:[^`]|\n)*\n```")}


def _shown(one: Cell | Failure | Variable) -> list[Part]:
    """A cell or an error between fences."""
    if isinstance(one, Variable):
        return []
    said = clean(one.outputs).strip() if isinstance(one, Cell) else _shortened(clean(one.traceback).strip())
    parts = _fenced("Cell:", "cell", one.source.strip("\n"), "python")
    if said:
        parts += _fenced("Output:" if isinstance(one, Cell) else "Error:", "output", said, "")
    return parts


def _fenced(head: str, label: str, text: str, language: str) -> list[Part]:
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return [Part("text", f"{head}\n{fence}{language}\n"), Part(label, text), Part("text", f"\n{fence}\n\n")]


def _shortened(traceback: str) -> str:
    """The beginning and the end, where the line and the error stand; the middle is other people's frames."""
    if len(traceback) <= _LONGEST_TRACEBACK:
        return traceback
    head, tail = traceback[: _LONGEST_TRACEBACK // 4], traceback[-3 * _LONGEST_TRACEBACK // 4 :]
    return f"{head}\n… ({len(traceback) - len(head) - len(tail):,} characters left out) …\n{tail}"
