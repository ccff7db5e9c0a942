"""Collections of Dask, asked where they lie: the rows stay on their workers, and the answers stay beside them.

The unit is a partition. Its task has all its rows answered by the model of the worker it runs on, through the same code
as a map in one kernel; what comes back is how far it is and what failed. Dask runs the partitions of a worker that is
lost again on others, and so it does later with answers that are lost.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cloudpickle
import dask
import distributed
from dask.delayed import delayed

from jupyter_localllm.batch.cluster.partition import (
    Asked,
    Report,
    answer_partition,
    answers_of,
    first_of,
    given_up,
    report_of,
)
from jupyter_localllm.batch.cluster.rows import NO_WORKERS, Workers, error_of, killed_workers, wait_for_task
from jupyter_localllm.batch.cluster.tally import Tally
from jupyter_localllm.batch.cluster.work import Work
from jupyter_localllm.batch.cluster.worker import register
from jupyter_localllm.batch.data import VALUE, open_data, unused_name
from jupyter_localllm.batch.mapping import OnError, RowError, check_on_error, warn_of_cut, with_errors
from jupyter_localllm.batch.progress import Progress, Reporter
from jupyter_localllm.batch.shape import Shape
from jupyter_localllm.batch.template import RowTemplate, fitted
from jupyter_localllm.constrain.typed import Typed
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import EngineError, LocalLLMError, UsageError
from jupyter_localllm.types import Status

__all__ = ["beside", "first_rows", "map_collection"]

_POLL_SECONDS = 0.05


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
    skips: bool = False,
) -> Any:
    """Ask once for each row of a Dask collection; see `jupyter_localllm.LocalLLM.map`.

    Parameters
    ----------
    data : dask.dataframe.DataFrame, dask.dataframe.Series or dask.bag.Bag
    client : distributed.Client
    work : Work
    typed : Typed, optional
        What the answers are.
    skips : bool, optional
        Do not ask for rows whose values are missing.

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
    fitting = fitted(template, head, variables or {}, first_line=first_line, skips=skips) if head.total else None
    _check_variables(fitting)
    topic = f"jupyter_localllm-map-{uuid.uuid4().hex[:12]}"
    asked = Asked(work, fitting, column, on_error != "raise", topic, typed)
    out = _sent(client, asked, parts)
    tally = Tally(len(parts), model)
    telling = Reporter(tally, progress)
    with telling, _taken_back(client, [*out.answers, *out.reports]), _heard(client, asked.topic, tally):
        told = _gathered(client, asked, out, tally, telling)
    warn_of_cut(tally.progress())
    if callable(on_error):
        for error in _placed(told):
            on_error(error)
    made = form.collection(out.answers)
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
        future = client.compute(delayed(first_of)(part, count))
        wait_for_task(client, future)
        rows = future.result()
        if len(rows):
            return rows
    return []


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
    names = {future.key[0] for future in answers}
    name = names.pop() if len(names) == 1 else f"{max(names)}-all"  # partitions that were given up have another one
    return Bag({(name, number): future for number, future in enumerate(answers)}, name, len(answers))


def _series(data: Any, answers: list[Any], shape: Shape) -> Any:
    from dask.dataframe import from_delayed

    meta = open_data(data._meta).like([], shape)
    with dask.config.set({"dataframe.convert-string": False}):  # it would make texts of lists, dates and None
        return from_delayed(answers, meta=meta, divisions=data.divisions, verify_meta=False)


def _check_variables(fitting: RowTemplate | None) -> None:
    """Refuse a variable that cannot be sent.

    Raises
    ------
    UsageError
        Names it.
    """
    with open(os.devnull, "wb") as nowhere:
        for name, value in fitting.variables.items() if fitting is not None else ():
            try:
                cloudpickle.dump(value, nowhere)
            except Exception as error:  # whatever the objects of others raise
                raise UsageError(
                    f"the variable {name} cannot be sent to the workers: {error}", "Give the text of it instead."
                ) from error


def _sent(client: Any, asked: Asked, parts: list[Any]) -> _Out:
    """Have all partitions answered."""
    # One copy of what is asked for all partitions; a task of its own would be lost with its worker.
    ask = delayed(answer_partition, pure=False)
    pairs = [ask(asked, number, part) for number, part in enumerate(parts)]
    name = f"{asked.topic}-answers"
    tasks = [delayed(answers_of)(pair, dask_key_name=(name, number)) for number, pair in enumerate(pairs)]
    tasks += [delayed(report_of)(pair) for pair in pairs]
    futures = client.compute(tasks)
    return _Out(parts, futures[: len(parts)], futures[len(parts) :])


@dataclass
class _Out:
    """What is on its way: the partitions, and the futures of their answers and reports."""

    parts: list[Any]
    answers: list[Any]
    reports: list[Any]


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


def _gathered(client: Any, asked: Asked, out: _Out, tally: Tally, telling: Reporter) -> list[Report]:
    """All reports, in the order of the partitions; raises the first error that comes.

    Where failures are recorded, a partition that kills its workers gets answers of None.
    """
    reports = out.reports
    numbers = {future.key: number for number, future in enumerate(reports)}
    arrived = distributed.as_completed(reports, with_results=True, raise_errors=False, loop=client.loop)
    found: dict[int, Report] = {}
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
            number = numbers[future.key]
            if asked.records and killed_workers(told) and future.key == reports[number].key:
                out.answers[number], again = _without_answers(client, asked, number, out.parts[number], error_of(told))
                numbers[again.key] = number
                arrived.add(again)
            elif isinstance(told, Report):
                found[number] = told
                tally.finish(number, told.progress)
            else:
                raise error_of(told)
        tally.listen()
        telling.step(Status("cluster", "" if workers.threads() else NO_WORKERS))
    return [found[number] for number in range(len(reports))]


def _without_answers(client: Any, asked: Asked, number: int, part: Any, error: LocalLLMError) -> tuple[Any, Any]:
    """Futures of a partition's answers, all None, and of its report."""
    pair = delayed(given_up, pure=False)(asked, part, error)
    told = delayed(answers_of)(pair, dask_key_name=(f"{asked.topic}-given-up", number))
    answers, report = client.compute([told, delayed(report_of)(pair)])
    return answers, report


def _placed(reports: list[Report]) -> Iterator[RowError]:
    """The errors with their places among all rows."""
    before = 0
    for report in reports:
        for error in sorted(report.errors, key=lambda error: error.position):
            yield replace(error, position=error.position + before)
        before += report.rows
