"""papermill's engine as reports need it: kernels with an environment of their own, stops in order, saves that hold.

papermill hands what is in ``engine_kwargs`` to `ReportEngine.execute_notebook`; ours is a `Session`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

from jupyter_localllm.report.halted import ended_well
from jupyter_localllm.report.progress import Tracker, Watch, earlier_times, speed_of, summary_of
from jupyter_localllm.report.stopping import Stopper
from jupyter_localllm.report.written import write

__all__ = ["ENGINE", "ReportEngine", "Session"]

# nbclient's own 60 and 4 seconds end a report on a machine that is busy at night.
_START_S = 300
_OUTPUT_S = 60

ENGINE = "jupyter_localllm"
"""The name under which papermill knows it."""


@dataclass
class Session:
    """One run of a notebook: what it needs, and what comes of it while it runs.

    Parameters
    ----------
    saved : Path
        Where the notebook is kept, after each cell.
    environment : Mapping
        The kernel's.
    folder : Path
        Where the kernel works.
    watch : Watch
    stopper : Stopper
    """

    saved: Path
    environment: Mapping[str, str]
    folder: Path
    watch: Watch
    stopper: Stopper
    manager: Any = None
    unsaved: OSError | None = field(default=None)

    def save(self, notebook: Any) -> None:
        """Keep it; a full disk costs the saving, not the run, and the next save may do."""
        try:
            write(self.saved, nbformat.writes(notebook))  # type: ignore[no-untyped-call]
            self.unsaved = None
        except OSError as error:
            self.unsaved = error


class ReportEngine(NBClientEngine):  # type: ignore[misc]
    """Runs a notebook for a report."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, *args: Any, session: Session, **kwargs: Any) -> Any:
        """Run it; what papermill's own engine does, with our manager."""
        manager = session.manager = _Manager(nb, session)
        manager.notebook_start()
        try:
            client = _Client(
                manager,
                session,
                kernel_name=kernel_name,
                timeout=None,
                startup_timeout=_START_S,
                iopub_timeout=_OUTPUT_S,
                coalesce_streams=True,  # in how many pieces a cell's words come is a matter of time
                resources={"metadata": {"path": str(session.folder)}},
            )
            client.execute(env=dict(session.environment))
        except BaseException:
            manager.broke()
            raise
        finally:
            manager.notebook_complete()
        return manager.nb


class _Manager(NotebookExecutionManager):  # type: ignore[misc]
    """Keeps the notebook, and tells how far it is."""

    def __init__(self, nb: Any, session: Session) -> None:
        super().__init__(nb, progress_bar=False)
        self.session = session
        self.tracker = Tracker(nb.cells, earlier_times(session.saved))
        self.current: int | None = None
        self.failed: int | None = None

    def save(self, **kwargs: Any) -> None:
        """Save the notebook."""
        self.session.save(self.nb)
        self.last_save_time = self.now()

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """A cell begins."""
        self.current = cell_index or 0
        super().cell_start(cell, cell_index, **kwargs)
        self.tracker.begin(self.current)
        if cell.cell_type == "code":
            self.session.watch.at(self.tracker)

    def cell_exception(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """A cell has failed, or ended the notebook with ``SystemExit``, which papermill takes for a good end."""
        if not ended_well(cell):
            self.failed = cell_index
        super().cell_exception(cell, cell_index, **kwargs)

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """A cell is over."""
        self.tracker.end(cell_index or 0)
        super().cell_complete(cell, cell_index, **kwargs)

    def broke(self) -> None:
        """The run ended in the middle of a cell: the kernel died, or it was stopped."""
        if self.current is not None:
            self.cell_exception(self.nb.cells[self.current], self.current)


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Talks to the kernel."""

    def __init__(self, manager: _Manager, session: Session, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self.session = session
        self.on_cell_execute = self._begins
        self.on_cell_executed = self._ended

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start it; ipykernel would tell on the terminal how it is started and stopped."""
        if getattr(self.km, "ipykernel", False):
            self.extra_arguments += ["--log-level=CRITICAL"]
        super().start_new_kernel(**kwargs)

    def execute_cell(self, cell: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a cell, unless the run is to end."""
        self.session.stopper.refuse()
        try:
            return super().execute_cell(cell, *args, **kwargs)
        finally:
            self.session.stopper.is_over()

    async def _begins(self, **_: Any) -> None:
        self.session.stopper.begins(self)

    async def _ended(self, **_: Any) -> None:
        # The cell may have swallowed the interrupt, and ended well.
        self.session.stopper.refuse()

    def process_message(self, *args: Any, **kwargs: Any) -> Any:
        """Take what the kernel sends; a person is told of an answer."""
        output = super().process_message(*args, **kwargs)
        if line := summary_of(output):
            self.nb_man.tracker.tokens_per_second = speed_of(output) or self.nb_man.tracker.tokens_per_second
            self.session.watch.answered(line)
        return output


papermill_engines.register(ENGINE, ReportEngine)
