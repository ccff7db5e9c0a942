"""From what is asked for to the runs to make; all that can be wrong with it is found before the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_localllm.errors import UsageError
from jupyter_localllm.report.collect import read_notebook
from jupyter_localllm.report.gates import Gates
from jupyter_localllm.report.needed import bleach
from jupyter_localllm.report.one import Order
from jupyter_localllm.report.parameters import checked, declared, settled
from jupyter_localllm.report.places import Places, places_of, titled
from jupyter_localllm.report.run import Job, kernel_of

__all__ = ["Request", "orders"]


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Parameters
    ----------
    notebook : Path
    parameters : Mapping
        Of every run; a `Word` is not settled yet.
    rows : sequence of Mapping or None
        Parameters of one run each; None for a single run.
    outs : sequence of str
        Names of pages (``.html``, ``.pdf``), with ``{name}`` for a parameter.
    executed, summary : str or None
        Names of the executed notebook and of ``report.json``; beside the first of `outs` if None.
    gates : Gates
    code : bool
        Whether pages show the code.
    title : str or None
        With ``{name}`` for a parameter.
    settings : Mapping of str to str
        Settings for the kernel, by name.
    kernel : str or None
        The notebook's if None.
    timeout : float or None
        Most seconds for a cell.
    folder : Path or None
        Where the kernel works; the notebook's folder if None, as in JupyterLab.
    """

    notebook: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] | None = None
    outs: Sequence[str] = ()
    executed: str | None = None
    summary: str | None = None
    gates: Gates = field(default_factory=Gates)
    code: bool = False
    title: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    kernel: str | None = None
    timeout: float | None = None
    folder: Path | None = None


def orders(request: Request) -> list[Order]:
    """The runs to make.

    Raises
    ------
    UsageError
        Something cannot be as it is asked for: the notebook, a parameter, a name of a file, the kernel.
    DependencyMissing
        A package is not installed, or nothing here makes a PDF.
    """
    notebook = read_notebook(request.notebook)
    kernel, language = kernel_of(notebook, request.kernel)
    known = declared(notebook, language)
    runs = [settled(values, known) for values in _runs(request)]
    notes = [checked(values, known) for values in runs]
    defaults = {name: value for name, value in (known.defaults or {}).items() if value is not None}
    places = places_of(
        request.notebook,
        request.outs,
        request.executed,
        request.summary,
        [{**defaults, **values} for values in runs],
        numbered=request.rows is not None,
    )
    folder = _folder(request)
    _check_places(places)
    return [
        Order(
            Job(
                request.notebook, notebook, values, place.notebook, folder,
                kernel, language, request.settings, request.timeout,
            ),
            place, request.gates, request.code, request.title and titled(request.title, {**defaults, **values}), told,
        )
        for values, place, told in zip(runs, places, notes, strict=True)
    ]  # fmt: skip


def _runs(request: Request) -> list[dict[str, Any]]:
    if request.rows is None:
        return [dict(request.parameters)]
    return [{**request.parameters, **row} for row in request.rows]


def _folder(request: Request) -> Path:
    folder = (request.folder or request.notebook.parent).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} for the kernel to work in", "Name another with --cwd.")
    return folder


def _check_places(places: Sequence[Places]) -> None:
    for path in (path for place in places for path in place.all()):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            other = path.exists() and not path.is_file()
        except FileExistsError:
            raise UsageError(f"{path} cannot be written: {path.parent} is no folder", "Name another place.") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error}", "Name another place.") from None
        if other:
            raise UsageError(f"{path} cannot be written: it is no regular file", "Name another place.")
    if any(place.html is not None or place.pdf is not None for place in places):
        bleach()
    if any(place.pdf is not None for place in places):
        from jupyter_localllm.report.pdf import check

        check()  # before hours of work, not after
