"""One partition of a collection, on the worker that holds it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import distributed

from jupyter_localllm.batch.cluster.tally import COUNTED
from jupyter_localllm.batch.cluster.work import Work
from jupyter_localllm.batch.cluster.worker import asking, resident, there
from jupyter_localllm.batch.data import open_data
from jupyter_localllm.batch.mapping import RowError, answer_all
from jupyter_localllm.batch.progress import Meter, Progress, Reporter
from jupyter_localllm.batch.run import is_of_the_run, reworded
from jupyter_localllm.batch.shape import Shape
from jupyter_localllm.batch.template import RowTemplate
from jupyter_localllm.constrain.typed import Typed
from jupyter_localllm.errors import LocalLLMError

__all__ = ["Asked", "Report", "answer_partition", "answers_of", "first_of", "given_up", "report_of"]

_TELL_SECONDS = 0.5  # between two words of a partition on how far it is


@dataclass(frozen=True)
class Report:
    """What comes back of a partition."""

    rows: int
    errors: tuple[RowError, ...]
    progress: Progress


@dataclass(frozen=True)
class Asked:
    """What a partition's task must know, beside its rows."""

    work: Work
    template: RowTemplate | None
    column: str | None
    records: bool
    topic: str
    typed: Typed | None


def answer_partition(asked: Asked, number: int, partition: Any) -> tuple[Any, Report]:
    """Answer a partition's rows; a task of the cluster."""
    rows = open_data(partition if hasattr(partition, "iloc") else list(partition), asked.column)
    errors: list[RowError] = []
    last: list[Progress] = [Progress()]
    worker = distributed.get_worker()

    def tell(progress: Progress) -> None:
        last[0] = progress
        worker.log_event(asked.topic, {"partition": number, **{name: getattr(progress, name) for name in COUNTED}})

    answers: list[Any] = []
    shape = Shape.of(asked.typed)
    if asked.template is not None and rows.total:
        try:
            with asking(asked.work) as runner, Reporter(Meter(rows.total), tell, _TELL_SECONDS) as reporter:
                answers = answer_all(
                    asked.template,
                    rows,
                    runner,
                    on_error=errors.append if asked.records else "raise",
                    reporter=reporter,
                    shape=shape,
                )
        except LocalLLMError as error:
            if is_of_the_run(error):
                raise there(error, resident().address) from None
            raise reworded(error, f"partition {number}, {error.message}", error.hint) from None
    return rows.like(answers, shape), Report(rows.total or 0, tuple(errors), last[0])


def given_up(asked: Asked, partition: Any, error: LocalLLMError) -> tuple[Any, Report]:
    """A partition whose rows have all failed; a task of the cluster."""
    rows = open_data(partition if hasattr(partition, "iloc") else list(partition), asked.column)
    count = rows.total or 0
    errors = tuple(RowError(position, rows.label(position), error) for position in range(count))
    report = Report(count, errors, Progress(done=count, failed=count))
    return rows.like([None] * count, Shape.of(asked.typed)), report


def first_of(partition: Any, count: int) -> Any:
    """The first rows of a partition, as data of its kind."""
    return partition.iloc[:count] if hasattr(partition, "iloc") else list(itertools.islice(partition, count))


def answers_of(pair: tuple[Any, Report]) -> Any:
    """The answers alone; a task of the cluster."""
    return pair[0]


def report_of(pair: tuple[Any, Report]) -> Report:
    """The report alone; a task of the cluster."""
    return pair[1]
