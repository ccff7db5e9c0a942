"""The parameters of a report: from words, from a file, from the rows of a table; and whether the notebook has them.

A word is what it looks like, by the rules of papermill's command line (``papermill -p NAME VALUE``). Where the notebook
has a text it stays one: 007 is a customer, 2015.10 a month, and neither is a number.
"""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_localllm.errors import UsageError, close_match
from jupyter_localllm.report.needed import papermill
from jupyter_localllm.sources.secrets import looks_secret

__all__ = [
    "Declared",
    "Word",
    "checked",
    "declared",
    "from_file",
    "from_rows",
    "from_words",
    "settled",
    "tellable",
    "typed",
]

_WORDS = {"True": True, "False": False, "None": None}
_TAG = "parameters"
_LANGUAGE = "python"
_SEPARATORS = (",", ";", "\t")  # spreadsheets of many countries write semicolons, for their numbers have commas


class Word(str):
    """A value as it was typed; what it stands for shows beside the notebook's own (`settled`)."""

    __slots__ = ()


def typed(text: str, default: Any = None) -> Any:
    """A word as the value that it writes: ``True``, ``None``, a whole number, a number, else the text itself.

    Source: the rules of ``papermill.cli`` (papermill 2), which has them to itself. Beside a default that is a text,
    every word is one; beside one that is True or False, ``true`` and ``false`` are these.

    Parameters
    ----------
    text : str
    default : object
        The notebook's own value; None if it is not known.

    Examples
    --------
    >>> typed("12"), typed("0.5"), typed("True"), typed("EU")
    (12, 0.5, True, 'EU')
    >>> typed("007", "001"), typed("false", True)
    ('007', False)
    """
    text = str(text)
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        text = text.capitalize() if text.lower() in ("true", "false") else text
    if text in _WORDS:
        return _WORDS[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def from_words(values: Iterable[Sequence[str]], raw: Iterable[Sequence[str]] = ()) -> dict[str, Any]:
    """Parameters of ``-p NAME VALUE``, each a `Word`, and of ``-r NAME VALUE``, which are texts.

    Raises
    ------
    UsageError
        One is given twice.
    """
    found: dict[str, Any] = {}
    for name, value in [*((name, Word(text)) for name, text in values), *((name, text) for name, text in raw)]:
        if name in found:
            raise UsageError(f"the parameter {name} is given twice", "Give each once, with -p or with -r.")
        found[name] = value
    return found


def from_file(path: Path) -> dict[str, Any]:
    """Parameters of a YAML or JSON file; dates stay texts.

    Raises
    ------
    UsageError
        The file cannot be read, or holds no parameters.
    DependencyMissing
        papermill is not installed.
    """
    papermill()
    import yaml
    from papermill.iorw import NoDatesSafeLoader

    try:
        content = yaml.load(_text(path), Loader=NoDatesSafeLoader)  # a safe loader, as its name says
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML: {' '.join(str(error).split())}", "") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no parameters", "One on each line: name: value")
    for name in content:
        if not isinstance(name, str):
            told = "YAML reads on, off, yes and no as True and False; quotes keep a name."
            raise UsageError(f"{path}: {name!r} is no name of a parameter", told)
    return content


def from_rows(path: Path) -> list[dict[str, Any]]:
    """Parameters of a CSV file: a heading of names, then a report in each row.

    Each value is a `Word`. An empty field is no value: the notebook's own stands. A row of such fields alone is none,
    as spreadsheets leave them below a table. Fields are separated as the heading's are: by commas, semicolons or tabs.

    Raises
    ------
    UsageError
        The file cannot be read, has no rows, or a row has more fields than the heading.
    """
    try:
        text = _text(path)
        separator = _separator(text)
        table = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True, delimiter=separator)
        heading, *lines = [line for line in table if any(field.strip() for field in line)]
    except (csv.Error, ValueError) as error:
        why = "it is empty" if isinstance(error, ValueError) else str(error)
        raise UsageError(
            f"{path} is no table: {why}", "A heading of parameters' names, then one row per run."
        ) from None
    names = [name.strip() for name in heading]
    if "" in names or len(set(names)) < len(names):
        raise UsageError(f"{path}: the heading has an empty name, or one twice: {', '.join(names)}", "")
    if not lines:
        raise UsageError(f"{path} has a heading and no row", "Each row below it is a run.")
    for number, fields in enumerate(lines, start=1):
        if len(fields) != len(names):
            raise UsageError(f"{path}, row {number}: {len(fields)} fields under {len(names)} names", "")
    return [{name: Word(text) for name, text in zip(names, line, strict=True) if text} for line in lines]


def _separator(text: str) -> str:
    """What stands between the names of a heading."""
    heading = next((line for line in text.splitlines() if line.strip()), "")
    return next((one for one in _SEPARATORS if one in heading), _SEPARATORS[0])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", "") from None
    except UnicodeError as error:
        told = "Save it as UTF-8; spreadsheets call that CSV UTF-8."
        raise UsageError(f"{path} cannot be read: it is not in UTF-8 ({error})", told) from None


@dataclass(frozen=True)
class Declared:
    """What a notebook says of its parameters.

    Parameters
    ----------
    cell : bool
        Whether a cell has the tag ``parameters``.
    defaults : Mapping or None
        Names in it, with their defaults where these are literals; None if the language is not one that can be read.
    """

    cell: bool
    defaults: Mapping[str, Any] | None = field(default_factory=dict)


def declared(notebook: Any, language: str = _LANGUAGE) -> Declared:
    """The parameters of a notebook: the names that its cell with the tag ``parameters`` assigns.

    Parameters
    ----------
    notebook : NotebookNode
    language : str
        Of its kernel.
    """
    cells = [cell for cell in notebook.cells if _TAG in cell.metadata.get("tags", ())]
    if not cells:
        return Declared(False)
    if language.lower() != _LANGUAGE:
        return Declared(True, None)
    try:
        return Declared(True, _assigned(cells[0].source))
    except SyntaxError:  # magics in it: papermill reads it line by line
        return Declared(True, dict.fromkeys(papermill().inspect_notebook(notebook)))


def _assigned(source: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        found.update(dict.fromkeys(names, _literal(statement.value) if len(names) == 1 else None))
    return found


def _literal(value: ast.expr | None) -> Any:
    try:
        return None if value is None else ast.literal_eval(value)
    except (ValueError, TypeError):
        return None


def settled(parameters: Mapping[str, Any], known: Declared) -> dict[str, Any]:
    """The parameters with each `Word` as the value that it stands for in this notebook.

    Raises
    ------
    UsageError
        A text is given for what is True or False in the notebook: any text but an empty one would count as true.
    """
    defaults = known.defaults or {}
    made = {
        name: typed(value, defaults.get(name)) if isinstance(value, Word) else value
        for name, value in parameters.items()
    }
    for name, value in made.items():
        if isinstance(defaults.get(name), bool) and isinstance(value, str):
            told = f"{name} is True or False in the notebook, and {tellable(made)[name]!r} is neither"
            raise UsageError(told, f"-p {name} True")
    return made


def checked(parameters: Mapping[str, Any], known: Declared) -> tuple[str, ...]:
    """Whether the notebook has these parameters.

    Parameters
    ----------
    parameters : Mapping
        `settled`.
    known : Declared

    Returns
    -------
    tuple of str
        What should be said of them: a value that is of another kind than the notebook's; a secret.

    Raises
    ------
    UsageError
        It has no cell of parameters, or not these.
    """
    if parameters and not known.cell:
        raise UsageError(
            f"the notebook has no cell with the tag {_TAG!r}: {', '.join(parameters)} would change nothing",
            f"Tag the cell that sets them with {_TAG!r} (JupyterLab: Property Inspector, Cell Tags).",
        )
    if known.defaults is None:
        return ()
    for name in parameters:
        if name not in known.defaults:
            there = f"Its cell of parameters sets {', '.join(known.defaults) or 'nothing'}."
            raise UsageError(f"the notebook has no parameter {name!r}", close_match(name, known.defaults) or there)
    shown, own = tellable(parameters), tellable(known.defaults)
    told = (
        _other_kind(name, value, known.defaults[name], shown[name], own[name]) for name, value in parameters.items()
    )
    secret = (
        f"{name} stands in the executed notebook, and on a page with code; a cell that reads it from the environment "
        "leaves it nowhere"
        for name in parameters
        if looks_secret(name)
    )
    return (*filter(None, told), *secret)


def _other_kind(name: str, value: Any, default: Any, shown: Any, own: Any) -> str:
    """A value that is of another kind than the notebook's own, in words with what may be shown; empty if it is not."""
    if isinstance(default, str) and isinstance(value, (bool, int, float)):
        return f'{name} is a text in the notebook ({own!r}), and {shown!r} is none; in a file, "…" keeps a text'
    if not isinstance(value, str):
        return ""
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        return f"{name} is a number in the notebook ({own!r}), and {shown!r} is a text"
    if isinstance(default, (list, tuple, set, dict)):
        kind = type(default).__name__
        return f"{name} is a {kind} in the notebook, and {shown!r} is a text; --parameters FILE can give a {kind}"
    return ""


def tellable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are told to people and programs: of one whose name speaks of a secret, the name alone.

    Examples
    --------
    >>> tellable({"region": "EU", "password": "x"})
    {'region': 'EU', 'password': '…'}
    """
    return {name: "…" if looks_secret(str(name)) else value for name, value in parameters.items()}
