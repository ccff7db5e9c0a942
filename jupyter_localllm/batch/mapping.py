"""Rows in, answers out: ``llm.map`` without the model."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union

from jupyter_localllm.batch.data import Data, open_data
from jupyter_localllm.batch.progress import Meter, Progress, Reporter
from jupyter_localllm.batch.run import Ask, InTurn, Outcome, RowPrompt, Runner, is_of_the_run, reworded, run
from jupyter_localllm.batch.shape import TEXT, Shape
from jupyter_localllm.batch.template import RowTemplate, fitted
from jupyter_localllm.batch.together import Together
from jupyter_localllm.errors import LocalLLMError, UsageError, close_match, first_line

__all__ = [
    "CUT",
    "OnError",
    "RowError",
    "answer_all",
    "check_on_error",
    "map_rows",
    "place_of",
    "runner_for",
    "warn_of_cut",
    "with_errors",
]

_WARNED = 3  # rows that a warning names

OnError = Union[Literal["raise", "record"], Callable[["RowError"], object]]


@dataclass(frozen=True)
class RowError:
    """A row that could not be answered.

    Parameters
    ----------
    position : int
        0-based: ``data.iloc[position]``, ``data[position]``.
    label : object
        The row's label in the index; None if it has none but its position.
    error : LocalLLMError
    """

    position: int
    label: Any
    error: LocalLLMError

    @property
    def where(self) -> str:
        """The row in words: ``"row 7 (label 'EU')"``."""
        return place_of(self.position, self.label)

    def plain(self) -> dict[str, Any]:
        """As JSON values, which may stand in a file's metadata."""
        return {
            "row": self.position,
            "label": None if self.label is None else str(self.label),
            "error": type(self.error).__name__,
            "message": self.error.message,
        }


def place_of(position: int, label: Any) -> str:
    """A row in words.

    Examples
    --------
    >>> place_of(7, "EU"), place_of(7, None)
    ("row 7 (label 'EU')", 'row 7')
    """
    if label is None:
        return f"row {position}"
    # Quotes around a text only: numpy's repr of 7 is np.int64(7).
    return f"row {position} (label {label!r})" if isinstance(label, str) else f"row {position} (label {label})"


def map_rows(
    template: str,
    data: Any,
    ask: Ask | Runner,
    *,
    column: str | None = None,
    variables: Mapping[str, Any] | None = None,
    on_error: OnError = "raise",
    progress: Callable[[Progress], object] | None = None,
    first_line: int = 1,
    model: str = "",
    resumes: bool = True,
    width: int = 1,
    shape: Shape = TEXT,
    skips: bool = False,
) -> Any:
    """Put each row into a template and ask; see `jupyter_localllm.LocalLLM.map` for all but these.

    Parameters
    ----------
    ask : callable or Runner
        Gives the events of the answer to the parts of a prompt; called once for each different prompt, in threads of
        its own if `width` is above 1. A `Runner` has them answered in its own way.
    model : str
        Its name, for `progress`.
    resumes : bool
        Whether what is finished would be found again, so that an error may say so.
    width : int
        Rows that are asked at the same time, at most.
    shape : Shape, optional
        What the answers are.
    skips : bool, optional
        Do not ask for rows whose values are missing.
    """
    check_on_error(on_error)
    rows = open_data(data, column)
    plan = fitted(template, rows, variables or {}, first_line=first_line, skips=skips)
    errors: list[RowError] = []
    answers: list[Any] = []
    if plan is not None:
        runner = runner_for(ask, width) if callable(ask) else ask
        note = errors.append if on_error == "record" else on_error
        meter = Meter(rows.total, model)
        with Reporter(meter, progress) as reporter:
            answers = answer_all(plan, rows, runner, on_error=note, reporter=reporter, resumes=resumes, shape=shape)
        warn_of_cut(meter.progress())
    made = rows.like(answers, shape)
    return with_errors(made, errors) if on_error == "record" else made


def runner_for(ask: Ask, width: int) -> Runner:
    """What has prompts answered here: one after the other, or so many at a time."""
    return InTurn(ask) if width <= 1 else Together(ask, width)


def answer_all(
    template: RowTemplate,
    rows: Data,
    runner: Runner,
    *,
    on_error: Literal["raise"] | Callable[[RowError], object] = "raise",
    reporter: Reporter,
    resumes: bool = True,
    shape: Shape = TEXT,
) -> list[Any]:
    """Have all rows answered, in their order.

    Parameters
    ----------
    template : RowTemplate
    rows : Data
    runner : Runner
        Closed in the end, whatever happens.
    on_error : "raise" or callable
    reporter : Reporter
    resumes : bool
        Whether what is finished would be found again, so that an error may say so.
    shape : Shape, optional

    Returns
    -------
    list
        The values of the answers; None where there is none.
    """
    answers: list[Any] = [None] * (rows.total or 0)
    came = 0
    steps = run(_prompts(template, rows), runner)
    with contextlib.closing(steps):  # closing cancels what is in flight, whatever happens here
        for step in steps:
            if isinstance(step, Outcome):
                if step.error is not None:
                    failure = RowError(step.position, rows.label(step.position), step.error)
                    _failed(failure, on_error, _after(rows, resumes))
                came = max(came, step.position + 1)
                answers.extend([None] * (came - len(answers)))
                answers[step.position] = None if step.result is None else shape.value(step.result)
            reporter.step(step)
    if rows.total not in (None, came):
        warnings.warn(f"the data said that there are {rows.total:,} rows, and gave {came:,}", RuntimeWarning, 4)
    return answers[:came]


def check_on_error(on_error: OnError) -> None:
    """Refuse what nobody knows.

    Raises
    ------
    UsageError
    """
    if not callable(on_error) and on_error not in ("raise", "record"):
        near = close_match(str(on_error), ("raise", "record"))
        raise UsageError(f"on_error cannot be {on_error!r}", near or 'Choose "raise", "record", or a function.')


def _prompts(template: RowTemplate, rows: Data) -> Iterator[RowPrompt]:
    for row in rows.rows(template.names):
        if template.passes_over(row):
            yield RowPrompt(row.position, skipped=True)
            continue
        try:
            prompt = RowPrompt(row.position, template.render(row))
        except LocalLLMError as error:
            prompt = RowPrompt(row.position, error=error)
        yield prompt


CUT = "cut off, at max_tokens or where the window was full"
"""What a warning of answers that are not whole says."""


def warn_of_cut(progress: Progress) -> None:
    """Warn once of texts that are not whole."""
    if count := progress.notes.get("length", 0):
        what = "1 answer is" if count == 1 else f"{count:,} answers are"
        warnings.warn(f"{what} {CUT}", RuntimeWarning, stacklevel=4)


def _failed(failure: RowError, on_error: Literal["raise"] | Callable[[RowError], object], after: str) -> None:
    """Tell a failure, or raise it with what to do after it."""
    error = failure.error
    if is_of_the_run(error):
        raise error
    if callable(on_error):
        on_error(failure)
        return
    rest = 'on_error="record" (--on-error record) notes such a row and goes on with the others.'
    hint = " ".join(part for part in (rest, after) if part)
    raise reworded(error, f"{failure.where}: {error.message}", f"{error.hint}\n{hint}".lstrip()) from error


def _after(rows: Data, resumes: bool) -> str:
    if rows.single_use:
        return "The iterator is used up so far; a list could be gone through again."
    return "The rows that are finished are in the cache: a rerun goes on from there." if resumes else ""


def with_errors(answers: Any, errors: list[RowError]) -> Any:
    """Hang recorded errors on what can carry them, in the order of the rows; warn of them where nothing can.

    Parameters
    ----------
    answers : object
        What a map gives back.
    errors : list of RowError
    """
    errors = sorted(errors, key=lambda error: error.position)
    if type(getattr(answers, "attrs", None)) is dict:
        answers.attrs["errors"] = [error.plain() for error in errors]
    elif errors:
        shown = [f"  {error.where}: {first_line(error.error.message)}" for error in errors[:_WARNED]]
        rest = [f"  and {len(errors) - _WARNED:,} more"] if len(errors) > _WARNED else []
        warnings.warn(
            "\n".join(
                (
                    f"{len(errors):,} {'row' if len(errors) == 1 else 'rows'} failed:",
                    *(*shown, *rest),
                    "on_error=failed.append, where failed is a list, keeps them all.",
                )
            ),
            RuntimeWarning,
            stacklevel=4,
        )
    return answers
