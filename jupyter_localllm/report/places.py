"""Where a report goes: a page, a PDF, the executed notebook, and what programs read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jupyter_localllm.errors import UsageError, close_match

__all__ = ["FORMAT", "Places", "places_of", "titled"]

FORMAT: Final = "jupyter_localllm report"
"""What stands under ``format`` in ``report.json``."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_UNSAFE = re.compile(r"[^\w.\-+ ]+")
_LONGEST = 80
_KINDS = {".html": "html", ".htm": "html", ".pdf": "pdf"}
_SPECIAL: Final = "row"  # {row} is the row's number


@dataclass(frozen=True)
class Places:
    """The files of one run.

    Parameters
    ----------
    notebook : Path
        The executed notebook.
    json : Path
    html, pdf : Path or None
    """

    notebook: Path
    json: Path
    html: Path | None = None
    pdf: Path | None = None

    def all(self) -> tuple[Path, ...]:
        """All that are written."""
        return tuple(path for path in (self.html, self.pdf, self.notebook, self.json) if path is not None)


def places_of(
    source: Path,
    outs: Sequence[str],
    notebook: str | None,
    summary: str | None,
    runs: Sequence[Mapping[str, Any]],
    *,
    numbered: bool = False,
) -> list[Places]:
    """The files of each run.

    Parameters
    ----------
    source : Path
        The notebook that is run; none of the files may be it.
    outs : sequence of str
        The names of ``--out``, with ``{name}`` for a parameter and ``{row}`` for the number of a row.
    notebook, summary : str or None
        Those of ``--notebook`` and ``--json``; else they stand beside the first of `outs`.
    runs : sequence of Mapping
        All parameters of each run, with the defaults that are known.
    numbered : bool
        Whether names without a placeholder get the run's number.

    Raises
    ------
    UsageError
        A name ends in something else, a placeholder is no parameter, two files are the same, or one is not ours to
        replace.
    """
    if not outs and notebook is None:
        raise UsageError(
            "nothing says where the report goes", "--out report.html, --out report.pdf, or --notebook FILE"
        )
    asked = _kinds(outs)
    width = len(str(len(runs)))
    made = []
    for number, values in enumerate(runs, start=1):
        known = {**values, _SPECIAL: f"{number:0{width}}"}
        named = {kind: _filled(name, known, numbered) for kind, name in asked.items()}
        given = {
            kind: _filled(name, known, numbered)
            for kind, name in (("notebook", notebook), ("json", summary))
            if name is not None
        }
        made.append(_beside(source, named, given))
    _refuse_same(source, made)
    return made


def _kinds(outs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in outs:
        kind = _KINDS.get(Path(name).suffix.lower())
        if kind is None:
            raise UsageError(f"--out {name} is neither a page nor a PDF", "Names end with .html or .pdf.")
        if kind in found:
            raise UsageError(f"--out {found[kind]} and --out {name} are of one kind", "Give one of each.")
        found[kind] = name
    return found


def _filled(name: str, values: Mapping[str, Any], numbered: bool) -> Path:
    """A name with values in its placeholders; a value cannot lead into another folder."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            there = f"There is {', '.join(f'{{{one}}}' for one in values)}."
            raise UsageError(f"{name}: {found[0]} is no parameter of this run", close_match(found[1], values) or there)
        return _UNSAFE.sub("_", str(values[found[1]]))[:_LONGEST].strip(" .") or "_"

    path = Path(_PLACEHOLDER.sub(value, name)).expanduser()
    if numbered and not _PLACEHOLDER.search(name):
        path = path.with_name(f"{path.stem}-{values[_SPECIAL]}{path.suffix}")
    return path


def titled(title: str, values: Mapping[str, Any]) -> str:
    """A title with values in its placeholders; braces that name no parameter stay.

    Examples
    --------
    >>> titled("Sales in {region} {draft}", {"region": "EU"})
    'Sales in EU {draft}'
    """
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), title)


def _beside(source: Path, named: Mapping[str, Path], given: Mapping[str, Path]) -> Places:
    first = named.get("html") or named.get("pdf") or given["notebook"]
    notebook = given.get("notebook") or first.with_suffix(".ipynb")
    if "notebook" not in given and _same(notebook, source):
        notebook = first.with_name(f"{first.stem}.executed.ipynb")
    places = Places(notebook, given.get("json") or first.with_suffix(".json"), named.get("html"), named.get("pdf"))
    if "notebook" not in given:
        _refuse_foreign(places.notebook, "--notebook", lambda held: "papermill" in held.get("metadata", {}))
    if "json" not in given:
        _refuse_foreign(places.json, "--json", lambda held: held.get("format") == FORMAT)
    return places


def _refuse_foreign(path: Path, option: str, ours: Any) -> None:
    """What stands where nobody told us to write, and is not from us, stays."""
    if not os.path.exists(path):  # nor does one that cannot be: `order` tells why
        return
    try:
        held = json.loads(path.read_bytes())
    except (OSError, ValueError):
        held = None
    if not (isinstance(held, dict) and ours(held)):
        raise UsageError(f"{path} is there already, and is not of an earlier report", f"Name another with {option}.")


def _refuse_same(source: Path, made: Sequence[Places]) -> None:
    seen: dict[str, int] = {}
    for number, places in enumerate(made, start=1):
        for path in places.all():
            if _same(path, source):
                raise UsageError(f"{path} is the notebook that is to be run", "It would be lost; name another file.")
            real = os.path.normcase(os.path.realpath(path))
            if seen.get(real) == number:
                raise UsageError(f"{path} is named for two different files", "Give each a name of its own.")
            if real in seen:
                raise UsageError(
                    f"runs {seen[real]} and {number} would both write {path}",
                    "A placeholder must tell them: {row} does.",
                )
            seen[real] = number


def _same(one: Path, other: Path) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))
