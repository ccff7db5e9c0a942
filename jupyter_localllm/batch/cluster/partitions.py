"""Collections of Dask, asked where they lie: the rows stay on their workers, and the answers stay beside them.

The unit is a partition. Its task has all its rows answered by the model of the worker it runs on, through the same code
as a map in one kernel; what comes back is how far it is and what failed. Dask runs the partitions of a worker that is
lost again on others, and so it does later with answers that are lost.
"""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import distributed
from dask.delayed import delayed

from jupyter_localllm.batch.cluster.rows import NO_WORKERS, Workers, error_of, wait_for_task
from jupyter_localllm.batch.cluster.tally import COUNTED, Tally
from jupyter_localllm.batch.cluster.work import Work
from jupyter_localllm.batch.cluster.worker import asking, register, resident, there
from jupyter_localllm.batch.data import VALUE, open_data, unused_name
from jupyter_localllm.batch.mapping import OnError, RowError, answer_all, check_on_error, with_errors
from jupyter_localllm.batch.progress import Meter, Progress, Reporter
from jupyter_localllm.batch.run import is_of_the_run, reworded
from jupyter_localllm.batch.shape import Shape
from jupyter_localllm.batch.template import RowTemplate, fitted
from jupyter_localllm.constrain.typed import Typed
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineError, LocalLLMError, UsageError
from jupyter_localllm.types import Status

__all__ = ["beside", "first_rows", "map_collection"]

_POLL_SECONDS = 0.05
_TELL_SECONDS = 0.5  # between two words of a partition on how far it is


@dataclass(frozen=True)
class _Report:
    """What comes back of a partition."""

    rows: int
    errors: tuple[RowError, ...]
    progress: Progress


@dataclass(frozen=True)
class _Asked:
    """What a partition's task must know, beside its rows."""

    work: Work
    template: RowTemplate | None
    column: str | None
    records: bool
    topic: str
    typed: Typed | None


def map_collection(
    template: str,
    data: Any,
    client: Any,
    work: Work,
    *,
    column: str | None = None,
    variables: Mapping[str, Any] | None = None,
    on_error: OnError = "raise",
    progress: Callable[[Progress], object] | None = None,
    first_line: int = 1,
    model: str = "",
    typed: Typed | None = None,
) -> Any:
    """Ask once for each row of a Dask collection; see `jupyter_localllm.LocalLLM.map`.

    Parameters
    ----------
    data : dask.dataframe.DataFrame, dask.dataframe.Series or dask.bag.Bag
    client : distributed.Client
    work : Work
    typed : Typed, optional
        What the answers are.

    Returns
    -------
    dask.dataframe.Series, dask.dataframe.DataFrame or dask.bag.Bag
        The answers, computed, in the memory of the workers: partitions, index and divisions as the data's.
    """
    check_on_error(on_error)
    form = _form_of(data, typed)
    parts = form.parts()
    register(client)
    head = open_data(first_rows(client, parts, 1), column)
    fitting = fitted(template, head, variables or {}, first_line=first_line) if head.total else None
    topic = f"jupyter_localllm-map-{uuid.uuid4().hex[:12]}"
    asked = _Asked(work, fitting, column, on_error != "raise", topic, typed)
    tally = Tally(len(parts), model)
    answers, reports = _sent(client, asked, parts)
    telling = Reporter(tally, progress)
    with telling, _taken_back(client, [*answers, *reports]), _heard(client, asked.topic, tally):
        told = _gathered(client, reports, tally, telling)
    if callable(on_error):
        for error in _placed(told):
            on_error(error)
    made = form.collection(answers)
    return with_errors(made, list(_placed(told))) if on_error == "record" else made


def beside(data: Any, answers: Any) -> tuple[Any, tuple[str, ...]]:
    """A collection with its answers beside it, and the names of the new columns; of a bag the answers alone.

    Parameters
    ----------
    data : dask.dataframe.DataFrame, dask.dataframe.Series or dask.bag.Bag
    answers : object
        What `map_collection` gave for it.
    """
    if not hasattr(data, "divisions"):
        return answers, ()
    frame = data if hasattr(data, "columns") and data.ndim > 1 else data.to_frame(name=str(data.name or VALUE))
    named = {name: answers[name] for name in answers.columns} if answers.ndim > 1 else {answers.name: answers}
    taken = [str(name) for name in frame.columns]
    columns = {}
    for name, column in named.items():
        free = unused_name(name, taken)
        taken.append(free)
        columns[free] = column
    return frame.assign(**columns), tuple(columns)


def first_rows(client: Any, parts: Iterable[Any], count: int) -> Any:
    """The first rows of the first partition that has any, as pandas or a list has them."""
    for part in parts:
        future = client.compute(delayed(_first_of)(part, count))
        wait_for_task(client, future)
        rows = future.result()
        if len(rows):
            return rows
    return []


# ---------------------------------------------------------------------------------------------------------------------
# On the workers


def _answer_partition(asked: _Asked, number: int, partition: Any) -> tuple[Any, _Report]:
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
    return rows.like(answers, shape), _Report(rows.total or 0, tuple(errors), last[0])


def _first_of(partition: Any, count: int) -> Any:
    """The first rows of a partition, as data of its kind."""
    return partition.iloc[:count] if hasattr(partition, "iloc") else list(itertools.islice(partition, count))


def _answers_of(pair: tuple[Any, _Report]) -> Any:
    return pair[0]


def _report_of(pair: tuple[Any, _Report]) -> _Report:
    return pair[1]


# ---------------------------------------------------------------------------------------------------------------------
# Here


@dataclass(frozen=True)
class _Form:
    """A kind of collection: how it is taken apart, and how answers become one."""

    parts: Callable[[], list[Any]]
    collection: Callable[[list[Any]], Any]


def _form_of(data: Any, typed: Typed | None) -> _Form:
    kind = type(data)
    if kind.__module__.startswith("dask.dataframe") and kind.__name__ in ("DataFrame", "Series"):
        return _Form(data.to_delayed, lambda answers: _series(data, answers, Shape.of(typed)))
    if kind.__module__.startswith("dask.bag") and kind.__name__ == "Bag":
        return _Form(data.to_delayed, _bag)
    raise UsageError(
        f"a {kind.__name__} of {kind.__module__.rpartition('.')[0] or 'dask'} has no rows to ask for",
        "Rows come from a DataFrame or Series of dask.dataframe, or a Bag: .to_dask_dataframe(), .to_series(),"
        " dask.bag.from_delayed(…).",
    )


def _bag(answers: list[Any]) -> Any:
    from dask.bag import Bag

    # As Client.persist makes one. Of futures, dask.bag.from_delayed keeps the keys alone, and Dask would let them go.
    name = answers[0].key[0]
    return Bag({future.key: future for future in answers}, name, len(answers))


def _series(data: Any, answers: list[Any], shape: Shape) -> Any:
    from dask.dataframe import from_delayed

    meta = open_data(data._meta).like([], shape)
    return from_delayed(answers, meta=meta, divisions=data.divisions, verify_meta=False)


def _sent(client: Any, asked: _Asked, parts: list[Any]) -> tuple[list[Any], list[Any]]:
    """Futures of the answers and of the reports, in the order of the partitions."""
    # One copy of what is asked for all partitions; a task of its own would be lost with its worker.
    ask = delayed(_answer_partition, pure=False)
    pairs = [ask(asked, number, part) for number, part in enumerate(parts)]
    name = f"{asked.topic}-answers"
    tasks = [delayed(_answers_of)(pair, dask_key_name=(name, number)) for number, pair in enumerate(pairs)]
    tasks += [delayed(_report_of)(pair) for pair in pairs]
    futures = client.compute(tasks)
    return futures[: len(parts)], futures[len(parts) :]


@contextlib.contextmanager
def _taken_back(client: Any, futures: list[Any]) -> Iterator[None]:
    """Take everything back if it is broken off."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            client.cancel(futures, force=True)
        raise


@contextlib.contextmanager
def _heard(client: Any, topic: str, tally: Tally) -> Iterator[None]:
    """Hear how far the partitions are while they run."""
    client.subscribe_topic(topic, lambda event: tally.words.put(event[1]))
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            client.unsubscribe_topic(topic)


def _gathered(client: Any, reports: list[Any], tally: Tally, telling: Reporter) -> list[_Report]:
    """All reports, in the order of the partitions; raises the first error that comes."""
    numbers = {future.key: number for number, future in enumerate(reports)}
    arrived = distributed.as_completed(reports, with_results=True, raise_errors=False, loop=client.loop)
    found: dict[int, _Report] = {}
    released = cancel_scope.get()
    workers = Workers(client)
    while len(found) < len(reports):
        if not arrived.has_ready():
            time.sleep(_POLL_SECONDS)
        if released is not None and released.is_set():
            raise EngineError("the map was stopped")
        if client.status != "running":
            raise EngineError(f"the client of the cluster is {client.status}", "Connect again, and run the map again.")
        for future, told in arrived.next_batch(block=False):
            if not isinstance(told, _Report):
                raise error_of(told)
            found[numbers[future.key]] = told
            tally.finish(numbers[future.key], told.progress)
        tally.listen()
        telling.step(Status("cluster", "" if workers.threads() else NO_WORKERS))
    return [found[number] for number in range(len(reports))]


def _placed(reports: list[_Report]) -> Iterator[RowError]:
    """The errors with their places among all rows."""
    before = 0
    for report in reports:
        for error in sorted(report.errors, key=lambda error: error.position):
            yield replace(error, position=error.position + before)
        before += report.rows
