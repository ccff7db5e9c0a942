"""A notebook, run from its first cell to its last, and what came of it."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm.config.layers import ENVIRONMENT_PREFIX
from jupyter_localllm.errors import UsageError, close_match
from jupyter_localllm.report.needed import papermill
from jupyter_localllm.report.progress import Watch, first_words
from jupyter_localllm.report.stopping import Stopper
from jupyter_localllm.show.plain import clean

if TYPE_CHECKING:
    from jupyter_localllm.report.engine import Session

__all__ = ["Failure", "Job", "Run", "kernel_of", "run", "where"]

_LANGUAGE = "python"
_DEFAULT_KERNEL = "python3"
_DIED = "It may have been out of memory, or been ended by somebody."


@dataclass(frozen=True)
class Job:
    """What is to be run, and how.

    Parameters
    ----------
    source : Path
    notebook : NotebookNode
        As it was read from `source`; it is not changed.
    parameters : Mapping
    saved : Path
        Where the executed notebook goes, from the first cell on.
    folder : Path
        Where the kernel works.
    kernel, language : str
        The kernel's name, and what its parameters are written in.
    settings : Mapping of str to str
        Settings of ours for the kernel, by name: they reach it by its environment.
    timeout : float or None
        Most seconds for a cell.
    """

    source: Path
    notebook: Any
    parameters: Mapping[str, Any]
    saved: Path
    folder: Path
    kernel: str = _DEFAULT_KERNEL
    language: str = _LANGUAGE
    settings: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None

    def environment(self) -> dict[str, str]:
        """The kernel's."""
        ours = {f"{ENVIRONMENT_PREFIX}{name.upper()}": value for name, value in self.settings.items()}
        return {**os.environ, **ours}


@dataclass(frozen=True)
class Failure:
    """Why a run did not come to its end.

    Parameters
    ----------
    name, message : str
        The error's.
    cell : int or None
        0-based place of the cell; None if it was none, but the kernel that did not start.
    cell_id, source : str
        The cell's, the latter its first line.
    execution_count : int or None
    """

    name: str
    message: str
    cell: int | None = None
    cell_id: str = ""
    source: str = ""
    execution_count: int | None = None


@dataclass(frozen=True)
class Run:
    """What came of it.

    Parameters
    ----------
    notebook : NotebookNode
        With the outputs that it has; as it stands at `Job.saved`.
    started : datetime
    seconds : float
    failure : Failure or None
    signal : int or None
        The signal that ended it.
    unsaved : str
        Why the notebook could not be saved; empty if it is.
    """

    notebook: Any
    started: datetime
    seconds: float
    failure: Failure | None = None
    signal: int | None = None
    unsaved: str = ""


def kernel_of(notebook: Any, asked: str | None) -> tuple[str, str]:
    """The kernel that runs a notebook: what is asked for, what the notebook names, or Python's. And its language.

    Raises
    ------
    UsageError
        It is not installed, or the notebook's language has none.
    """
    papermill()
    from jupyter_client.kernelspec import KernelSpecManager

    language = notebook.metadata.get("language_info", {}).get("name", _LANGUAGE)
    name = asked or notebook.metadata.get("kernelspec", {}).get("name")
    if not name and language.lower() != _LANGUAGE:
        raise UsageError(f"the notebook is in {language}, and names no kernel", "--kernel NAME")
    name, manager = name or _DEFAULT_KERNEL, KernelSpecManager()
    here = manager.find_kernel_specs()
    if name not in here:
        told = (
            close_match(name, here)
            or f"--kernel takes one of: {', '.join(sorted(here)) or 'none; pip install ipykernel'}"
        )
        raise UsageError(f"there is no kernel {name!r} here", told)
    return name, manager.get_kernel_spec(name).language or language


def run(job: Job, watch: Watch, *, grace_s: float | None = None) -> Run:
    """Run a notebook. Whatever happens in it is told in what comes back.

    Parameters
    ----------
    job : Job
    watch : Watch
    grace_s : float, optional
        How long an interrupted cell may take to end.

    Raises
    ------
    KeyboardInterrupt
        A second interrupt came before the first had its effect; the kernel is ended.
    """
    library = papermill()
    from jupyter_localllm.report.engine import ENGINE, Session

    stopper = Stopper(job.timeout) if grace_s is None else Stopper(job.timeout, grace_s=grace_s)
    session = Session(job.saved, job.environment(), job.folder, watch, stopper)
    started, clock = datetime.now(timezone.utc), time.monotonic()
    broken: BaseException | None = None
    with stopper.signals():
        try:
            library.execute_notebook(
                job.notebook,
                None,  # the session saves it
                parameters=dict(job.parameters),
                engine_name=ENGINE,
                kernel_name=job.kernel,
                language=job.language,
                progress_bar=False,
                session=session,
            )
        except KeyboardInterrupt as error:
            if stopper.signal is None:
                raise
            broken = error
        except Exception as error:  # a cell failed, the run is to end, or the kernel does not start, or died
            broken = error
    seconds = time.monotonic() - clock
    if session.manager is not None:
        _without_markers(session.manager.nb)
    failure = _failure(session.manager, stopper, broken) if stopper.signal is None else None
    return Run(_kept(job, session, failure), started, seconds, failure, stopper.signal, str(session.unsaved or ""))


def _kept(job: Job, session: Session, failure: Failure | None) -> Any:
    """The notebook as it stands on disk."""
    if session.manager is None:
        return _unrun(job, session)
    notebook = session.manager.nb
    _say_in_cell(notebook, failure)
    notebook.metadata.papermill.update(input_path=str(job.source), output_path=str(job.saved))
    session.manager.save()
    return notebook


def _unrun(job: Job, session: Session) -> Any:
    """A notebook that never began, without the outputs of an earlier day: they must not be taken for this run's."""
    notebook = copy.deepcopy(job.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata["papermill"] = {"status": "pending"}
    notebook.metadata["papermill"] = {"exception": True, "parameters": dict(job.parameters)}
    session.save(notebook)
    return notebook


def _without_markers(notebook: Any) -> None:
    """Without the cells that papermill adds to point at an error: ours are told by their places."""
    from papermill.execute import remove_error_markers

    remove_error_markers(notebook)


def _failure(manager: Any, stopper: Stopper, broken: BaseException | None) -> Failure | None:
    if manager is None or manager.failed is None:
        # of cells: those that are tagged to raise errors, and went on
        return None if broken is None or _is_of_cells(broken) else Failure(type(broken).__name__, clean(str(broken)))
    cell = manager.nb.cells[manager.failed]
    errors = [output for output in cell.get("outputs", ()) if output.output_type == "error"]
    if stopper.timed_out:
        name, message = "TimeoutError", f"it took more than the {stopper.timeout:g} s of --timeout, and was interrupted"
    elif errors:
        name, message = errors[-1].ename, errors[-1].evalue
    else:
        name, message = type(broken).__name__, f"{broken}. {_DIED}".lstrip(". ")
    return Failure(
        clean(name),
        clean(message).strip(),
        manager.failed,
        cell.get("id", ""),
        first_words(cell.source),
        cell.get("execution_count"),
    )


def _is_of_cells(error: BaseException) -> bool:
    return isinstance(error, papermill().PapermillExecutionError)


def _say_in_cell(notebook: Any, failure: Failure | None) -> None:
    """A cell that its kernel left without a word says why it has no output."""
    if failure is None or failure.cell is None:
        return
    from nbformat.v4 import new_output

    cell = notebook.cells[failure.cell]
    if any(output.output_type == "error" for output in cell.outputs) and failure.name != "TimeoutError":
        return
    told = f"{failure.name}: {failure.message}"
    cell.outputs.append(new_output("error", ename=failure.name, evalue=failure.message, traceback=[told]))  # type: ignore[no-untyped-call]


def where(failure: Failure, cells: int) -> str:
    """Where a run ended, in words.

    Examples
    --------
    >>> where(Failure("ValueError", "no", 4, "", "int(x)", 3), 12)
    'cell 5 of 12 (In [3]: int(x))'
    """
    if failure.cell is None:
        return "the kernel"
    count = "" if failure.execution_count is None else f"In [{failure.execution_count}]: "
    return f"cell {failure.cell + 1} of {cells} ({count}{failure.source})"
