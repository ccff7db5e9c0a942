"""From a notebook to the page."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from jupyter_localllm.report.collect import KeptAnswer, collected, read_notebook
from jupyter_localllm.report.gates import figures
from jupyter_localllm.report.halted import halted
from jupyter_localllm.report.page.answers import Told, told
from jupyter_localllm.report.page.code import highlighted, lines_of
from jupyter_localllm.report.page.headings import Heading, Headings, contents
from jupyter_localllm.report.page.notes import Footnotes
from jupyter_localllm.report.page.outputs import Block, output
from jupyter_localllm.report.page.words import markdown
from jupyter_localllm.report.parameters import tellable
from jupyter_localllm.report.tidy import joined, tidied
from jupyter_localllm.show.listing import clipped, one_line
from jupyter_localllm.show.saved import encodable

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["html"]

_LONG_CODE = 12  # lines; longer code is folded in
_LONGEST_PARAMETER = 80
# Tags of cells, as Jupyter Book and nbconvert know them.
_NO_CELL = frozenset({"remove-cell", "remove_cell"})
_NO_INPUT = frozenset({"remove-input", "remove_input"})
_NO_OUTPUT = frozenset({"remove-output", "remove_output"})
_LEADS = re.compile(r"\A\s*<h[1-6][^>]*>")
_TITLE = re.compile(r"\A\s*<h1[^>]*>(?P<words>.*?)</h1>", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """A cell of the page: its place and what is shown of it."""

    anchor: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Model:
    """A model that answers came from."""

    name: str
    sha256: str
    versions: str


@dataclass
class _Making:
    """What is gathered on the way through a notebook."""

    kept: Mapping[tuple[int, int], KeptAnswer]
    code: bool
    notes: Footnotes = field(default_factory=Footnotes)
    headings: Headings = field(default_factory=Headings)
    answers: list[Told] = field(default_factory=list)

    def leave_out(self, cell: int) -> None:
        """Take the answers of a cell for the table of all answers only; their sources are not told."""
        for one in (kept for (at, _), kept in self.kept.items() if at == cell):
            self.answers.append(replace(told(one, len(self.answers) + 1, "", Footnotes()), shown=False))


def html(notebook: str | os.PathLike[str] | Mapping[str, Any], *, code: bool = False, title: str | None = None) -> str:
    """A notebook as one page of HTML.

    The page runs no script and fetches nothing, also of what stands in the notebook: HTML and Markdown are sanitized,
    pictures stand in the page. Cells with the tags ``remove-cell``, ``remove-input`` and ``remove-output`` are left out
    as told.

    Parameters
    ----------
    notebook : path, NotebookNode or Mapping
        As it was saved, with its outputs.
    code : bool
        Whether code, what cells wrote to standard error, and the frames of errors are shown.
    title : str or None
        The notebook's own title (metadata), or its first heading, or its name if None.

    Returns
    -------
    str

    Raises
    ------
    UsageError
        There is no such file, or it is no notebook.
    DependencyMissing
        nbformat or bleach is not installed.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> "<h1 id=" in html(new_notebook(cells=[new_markdown_cell("# Sales")]))
    True
    """
    read = tidied(read_notebook(notebook))
    making = _Making({(one.cell, one.output): one for one in collected(read)}, code)
    cells = [made for index, cell in enumerate(read["cells"]) if (made := _cell(index, cell, making)).blocks]
    head, cells = _headed(cells, title, read, making, _own_name(read, notebook))
    listed = contents(making.headings.found)
    page = _template().render(
        title=head.words,
        heading=head,
        language=_language(read),
        style=Markup(_style()),
        cells=cells,
        code=code,
        contents=listed if len(listed) > 1 else [],
        facts=_facts(read),
        answers=making.answers,
        halt=_halt(read, cells),
        summary=_summary(making.answers, making.kept.values()),
        notes=making.notes.listed,
        models=_models(making.kept.values()),
    )
    return encodable(page)


def _cell(index: int, cell: Mapping[str, Any], making: _Making) -> Cell:
    tags = frozenset(cell["metadata"].get("tags", ()))
    blocks: list[Block] = []
    if not tags & _NO_CELL:
        blocks = [*_blocks(index, cell, tags, making)]
    if tags & (_NO_CELL | _NO_OUTPUT):
        making.leave_out(index)
    return Cell(f"cell-{index + 1}", tuple(blocks))


def _blocks(index: int, cell: Mapping[str, Any], tags: frozenset[str], making: _Making) -> Iterator[Block]:
    source = cell["source"]
    if cell.get("cell_type") == "markdown":
        if source.strip():
            yield Block("words", making.headings.marked(markdown(source, cell["attachments"])))
    elif cell.get("cell_type") == "code":
        if making.code and source.strip() and not tags & _NO_INPUT:
            count = lines_of(source)
            short = count <= _LONG_CODE
            yield Block("code", highlighted(source), "Code" if short else f"Code, {count:,} lines", open=short)
        if not tags & _NO_OUTPUT:
            yield from _outputs(index, cell, making)


def _outputs(index: int, cell: Mapping[str, Any], making: _Making) -> Iterator[Block]:
    for number, one in enumerate(cell["outputs"]):
        kept = making.kept.get((index, number))
        if kept is not None:
            saved = joined(one["data"].get("text/html"))
            answer = told(kept, len(making.answers) + 1, saved, making.notes)
            making.answers.append(answer)
            yield Block("answer", answer=answer)
        elif (block := output(one, code=making.code)) is not None:
            marked = making.headings.marked(block.body) if block.kind == "words" else block.body
            yield Block(block.kind, marked, block.title)


# ---------------------------------------------------------------------------------------------------------------------
# What stands around the cells


def _headed(
    cells: list[Cell], title: str | None, read: Mapping[str, Any], making: _Making, name: str
) -> tuple[Heading, list[Cell]]:
    """The page's heading: a first heading of the notebook moves to the top, where it would stand twice otherwise."""
    given = title or one_line(str(read["metadata"].get("title") or ""))
    first = cells[0].blocks[0] if cells else Block("")
    match = _TITLE.match(str(first.body)) if first.kind == "words" else None
    found = making.headings.found[0] if making.headings.found else None
    if match is None or found is None or given not in ("", found.words):
        return Heading("top", given or _title(making, first, one_line(name)), 1), cells
    rest = Markup(str(first.body)[match.end() :])
    blocks = (*([Block("words", rest)] if rest.strip() else []), *cells[0].blocks[1:])
    return found, [*([Cell(cells[0].anchor, blocks)] if blocks else []), *cells[1:]]


def _title(making: _Making, first: Block, name: str) -> str:
    """A title for a notebook that gives none: a heading of the first level, or one that stands first, or its name."""
    found = making.headings.found
    top = next((heading.words for heading in found if heading.level == 1), "")
    leads = found[0].words if found and _LEADS.match(str(first.body)) else ""
    return top or leads or name or (found[0].words if found else "Report")


def _own_name(read: Mapping[str, Any], notebook: str | os.PathLike[str] | Mapping[str, Any]) -> str:
    """What the notebook is called: its file's name, of one that was run here the source's."""
    ran = read["metadata"].get("papermill")
    source = ran.get("input_path") if isinstance(ran, Mapping) else None
    if isinstance(source, str) and source:
        return PurePath(source).stem
    return "" if isinstance(notebook, Mapping) else Path(notebook).stem


def _halt(read: Mapping[str, Any], cells: list[Cell]) -> dict[str, str] | None:
    """Where the run ended, if it did before the notebook's end: what a reader must know first."""
    halt = halted(read["cells"])
    if halt is None:
        return None
    if halt.cell is None:
        return {"anchor": "", "cell": "", "told": "The notebook has not run."}
    error = f" ({one_line(halt.error)})" if halt.error else ""
    anchor = f"cell-{halt.cell + 1}"
    return {
        "anchor": anchor if any(cell.anchor == anchor for cell in cells) else "",
        "cell": f"cell {halt.cell + 1} of {len(read['cells']):,}",
        "told": f"{error}.{' What comes after it has not run.' if halt.more else ''}",
    }


def _facts(read: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the run was given, and when it was."""
    ran = read["metadata"].get("papermill")
    if not isinstance(ran, Mapping):
        return []
    given = ran.get("parameters")
    shown = tellable(given) if isinstance(given, Mapping) else {}
    told = [(one_line(str(name)), clipped(one_line(str(value)), _LONGEST_PARAMETER)) for name, value in shown.items()]
    ended = re.match(r"\d{4}-\d{2}-\d{2}", str(ran.get("end_time") or ""))
    return [*told, *([("run on", ended[0])] if ended else [])]


def _summary(answers: list[Told], kept: Any) -> list[tuple[str, bool]]:
    """What a reader should know at once: each a few words, and whether they are a warning."""
    every = list(kept)
    if not answers:
        return []
    count = len(answers)
    said = [(f"{count:,} answer{'s' * (count > 1)}", False)]
    counted = figures(every)
    asked = sum(one.cached is not None for one in every)
    if asked:
        said.append((f"{counted.cached:,} of {asked:,} from the cache", False))
    counts = (("supported", False), ("unsupported", True), ("stale", True), ("unchecked", False))
    for status, warns in counts:
        if number := getattr(counted, status):
            said.append((f"{number:,} claim{'s' * (number > 1)} {status}", warns))
    return [*said, *([(f"{counted.errors:,} with an error", True)] if counted.errors else [])]


def _models(kept: Any) -> list[Model]:
    found: dict[Model, None] = {}
    for one in kept:
        sha256, versions = one.record.get("model_sha256"), one.record.get("versions")
        if isinstance(sha256, str) and sha256 and isinstance(versions, Mapping):
            words = ", ".join(one_line(f"{name} {version}") for name, version in versions.items() if version)
            found[Model(one_line(one.model or ""), one_line(sha256), words)] = None
    return list(found)


def _language(read: Mapping[str, Any]) -> str:
    told = str(read["metadata"].get("lang") or "")
    return told if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", told) else "en"


@functools.lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((resources.files(__package__) / "page.html.j2").read_text("utf-8"))


@functools.lru_cache(maxsize=1)
def _style() -> str:
    return (resources.files(__package__) / "style.css").read_text("utf-8")
