"""``--over DATA``: one question for each row, and the answers beside the data."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress, RowError, fitted, open_data, refuse_single_use
from jupyter_localllm.batch.cluster import is_collection
from jupyter_localllm.batch.head import Head, Witness
from jupyter_localllm.batch.mapping import CUT
from jupyter_localllm.batch.surfaces import Surface, map_surface_for
from jupyter_localllm.batch.view import Finished
from jupyter_localllm.errors import UsageError
from jupyter_localllm.magics import place
from jupyter_localllm.magics.arguments import CellArguments
from jupyter_localllm.magics.dryrun import plan_text
from jupyter_localllm.magics.expressions import evaluated
from jupyter_localllm.magics.run import Asked
from jupyter_localllm.magics.variables import data_names
from jupyter_localllm.show.plain import clean

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Over", "run_over"]


def run_over(shell: InteractiveShell, handle: LocalLLM, asked: Asked) -> Any:
    """Run a ``%%llm --over`` cell.

    Parameters
    ----------
    shell : InteractiveShell
    handle : LocalLLM
    asked : Asked
        Its argument ``over`` is a variable's name, or an expression of the notebook's language; its body the template.

    Returns
    -------
    object
        Of a frame, a copy of it with a new column ``answer``; of a series, a frame of its values and their answers; of
        anything else, a list of the answers. None after ``--dry-run``.

    Raises
    ------
    UsageError
        The data are not there or have no rows, an option does not go with ``--over``, or the template uses nothing of
        a row.
    LocalLLMError
        A row failed; with ``--on-error record`` its answer is None instead.
    """
    arguments, variables = asked.arguments, asked.variables
    _refuse(arguments)
    hidden = shell.user_ns_hidden
    typical = [name for name in data_names(variables) if name not in hidden]  # to suggest: not In, Out and the like
    value = evaluated(str(arguments.over), variables, option="--over", typical=typical)
    over = _opened(value, handle, asked)
    if arguments.dry_run:
        print(clean(over.dry_run()))
        return None
    live = arguments.stream and handle.streaming and place.is_interactive(shell)
    return over.run(map_surface_for(shell, live=live))


@dataclass
class Over:
    """A map on its way."""

    handle: LocalLLM
    asked: Asked
    data: Witness
    progress: Progress = field(default_factory=Progress)
    errors: list[RowError] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What ``--over`` names."""
        return str(self.asked.arguments.over)

    @property
    def target(self) -> str:
        """What the outcome is bound to."""
        return self.asked.arguments.target or "_llm"

    def run(self, surface: Surface) -> Any:
        """Ask, show, and give the data with the answers beside them."""

        def tell(progress: Progress) -> None:
            self.progress = progress
            surface.update(progress)

        asked, arguments = self.asked, self.asked.arguments
        record = (arguments.on_error or self.handle.on_error) == "record"
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", f".*{CUT}")  # the outcome says so
                answers = self.handle.map(
                    asked.body,
                    **self.rows,
                    variables=asked.variables,
                    on_error=self.errors.append if record else "raise",
                    progress=tell,
                    first_line=asked.first_line,
                    **asked.options(),
                )
        except BaseException:
            if self.progress.done:
                with contextlib.suppress(Exception):  # the first error is the one to tell
                    surface.stop(self.progress, self._after())
            raise
        value, columns = self.beside(answers)
        if record and hasattr(value, "attrs"):
            value.attrs["errors"] = [error.plain() for error in self._failed()]
        surface.finish(self._finished(answers, columns))
        return value

    @property
    def rows(self) -> dict[str, Any]:
        """What is gone through, as ``llm.map`` takes it."""
        return {"data": self.data}

    def beside(self, answers: Any) -> tuple[Any, tuple[str, ...]]:
        """What is bound, and the names of its new columns."""
        return self.data.beside(answers)

    def head(self, answers: Any, columns: tuple[str, ...]) -> Head:
        """The first rows, with their answers."""
        return Head.of(self.data, answers, *(columns or self.data.shape.kinds))

    def _failed(self) -> list[RowError]:
        """In the order of the rows: they fail in any."""
        return sorted(self.errors, key=lambda error: error.position)

    def dry_run(self) -> str:
        """What the first row would ask, and how many there are."""
        refuse_single_use(self.data, self.name)
        asked = self.asked
        template = fitted(asked.body, self.data, asked.variables, first_line=asked.first_line)
        first = self.data.first()
        if template is None or first is None:
            return f"Dry run: {self.name} has no rows, so nothing would be asked."
        plan = self.handle.plan(template.render(first), **asked.options())
        judged = self.handle.map(asked.body, self.data, variables=asked.variables, dry_run=True, **asked.options())
        first_row = plan_text(plan, "only the rows that were timed are answered")
        return f"{self.name}: {judged}\n\nThe first row\n\n{first_row}"

    def _finished(self, answers: Any, columns: tuple[str, ...]) -> Finished:
        named = ", ".join(f"`{column}`" for column in columns)
        if not self.progress.done:
            where = ""
        elif len(columns) == 1:
            where = f"The answers are the column {named} of `{self.target}`."
        elif columns:
            where = f"The answers are the columns {named} of `{self.target}`."
        else:
            where = f"The answers are {self.kind} `{self.target}`."
        head = self.head(answers, columns)
        told = self.asked.told()
        return Finished(self.progress, head, where, tuple(self._failed()), tuple(self._remarks(columns)), **told)

    @property
    def kind(self) -> str:
        """What answers without columns are."""
        return "the list"

    @property
    def wanted(self) -> tuple[str, ...]:
        """What the new columns are called where the data has no such names."""
        return tuple(self.data.shape.kinds)

    def _remarks(self, columns: tuple[str, ...]) -> Iterator[str]:
        for column, wanted in zip(columns, self.wanted, strict=False):
            if column != wanted:
                yield f"The data had a column `{wanted}` already, so the new one is `{column}`."
        if self.progress.repeated:
            count = self.progress.repeated
            yield f"{count:,} {'prompt was' if count == 1 else 'prompts were'} another row's, too, and got its answer."
        if self.data.single_use:
            yield f"`{self.name}` was an iterator: it is used up now."

    def _after(self) -> str:
        if self.data.single_use:
            return f"`{self.name}` is an iterator: these rows are used up."
        if (self.asked.arguments.cache or self.handle.cache) == "use":
            return "They are in the cache: a rerun goes on from there."
        return ""


def _refuse(arguments: CellArguments) -> None:
    """Refuse the options that mean nothing for many rows."""
    if arguments.chat is not None or arguments.continue_:
        option = "--continue" if arguments.continue_ else "--chat"
        raise UsageError(f"{option} does not go with --over: each row is a question of its own", f"Leave {option} out.")
    if arguments.raw:
        raise UsageError(
            "--raw does not go with --over: without {{ }} all rows would be the same question", "Leave --raw out."
        )
    if arguments.format is not None:
        raise UsageError(
            "--format does not go with --over: the answers of a map are plain text in a column", "Leave --format out."
        )


def _opened(value: Any, handle: LocalLLM, asked: Asked) -> Over:
    arguments = asked.arguments
    try:
        if is_collection(value):
            from jupyter_localllm.magics.over_collection import OverCollection

            return OverCollection.of(value, handle, asked)
        return Over(handle, asked, Witness(open_data(value, arguments.column)))
    except UsageError as error:
        raise UsageError(f"--over {arguments.over}: {error.message}", error.hint) from None
