"""What is kept of columns for the next question."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_localllm.answering.evidence import Evidence, Limits
from jupyter_localllm.answering.gathering import gather
from jupyter_localllm.sources.column_words import ColumnWords
from jupyter_localllm.sources.frame import FrameKind
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.kept_columns import KeptColumns, bytes_of
from jupyter_localllm.sources.select import Kept

MAKERS = [pd.DataFrame, pl.DataFrame, pa.table]
DATA = {
    "city": [f"Town{n} am Fluss" for n in range(50)],
    "region": [["north", "south"][n % 2] for n in range(50)],
    "people": [n * 100 for n in range(50)],
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Labels of the columns whose words are read."""
    labels: list[str] = []
    plain = ColumnWords._read.__func__  # type: ignore[attr-defined]

    def counted(cls: type[ColumnWords], column: Any) -> ColumnWords:
        labels.append(column.label)
        found: ColumnWords = plain(cls, column)
        return found

    monkeypatch.setattr(ColumnWords, "_read", classmethod(counted))
    return labels


def asked(data: Any, kept: Kept, question: str = "How many people has Town7?") -> Evidence:
    """One question over one table."""
    return gather(question, [FrameKind().snapshot(data, "towns")], Limits(kept=kept))


def test_moments_of_pyarrow_in_pandas() -> None:
    """Columns as ``read_parquet(dtype_backend="pyarrow")`` makes them have hashes like others."""
    days = [dt.datetime(2024, 5, 1, n) for n in range(24)]
    frame = pa.table({"town": [f"Town{n}" for n in range(24)], "founded": days}).to_pandas(types_mapper=pd.ArrowDtype)
    evidence = asked(frame, Kept(), "When was Town7 founded?")
    assert "2024-05-01 07:00" in str(result(evidence))


def result(evidence: Evidence) -> Any:
    """What came out."""
    assert evidence.reading is not None
    return evidence.reading.outcome.value


@pytest.mark.parametrize("make", MAKERS)
def test_the_second_question_reads_nothing(make: Any, read: list[str]) -> None:
    """Nor does one over a frame that was made anew with the same content, under whatever name."""
    kept = Kept()
    assert result(asked(make(DATA), kept)) == 700
    assert read == ["city", "region"]
    again = {"place" if name == "city" else name: list(cells) for name, cells in DATA.items()}
    assert result(asked(make(again), kept, "How many people has Town8?")) == 800
    assert read == ["city", "region"]


@pytest.mark.parametrize("make", MAKERS)
def test_only_the_column_that_changed_is_read_again(make: Any, read: list[str]) -> None:
    """Columns that are added, renamed or moved leave the others known."""
    kept = Kept()
    asked(make(DATA), kept)
    read.clear()
    changed = {"mayor": [f"Ada{n} Berg" for n in range(50)], **DATA, "region": ["east"] * 50}
    assert result(asked(make(changed), kept, "How many people has Town8?")) == 800
    assert read == ["mayor", "region"]


CHANGES: list[tuple[Callable[[Any], Any], Any]] = [
    (lambda df: df.__setitem__("people", df["people"] + 1), 701),
    (lambda df: df.loc.__setitem__((7, "people"), 5), 5),
    (lambda df: df["people"].array.__setitem__(7, 6), 6),
    (lambda df: df.__delitem__("region"), 700),
    (lambda df: df.insert(0, "id", range(50)), 700),
]


@pytest.mark.parametrize(("change", "answer"), CHANGES)
def test_a_frame_that_was_changed_in_place_gives_the_new_answer(change: Callable[[Any], Any], answer: Any) -> None:
    """What is kept is of the old content."""
    kept = Kept()
    data = pd.DataFrame(DATA)
    assert result(asked(data, kept)) == 700
    change(data)
    assert result(asked(data, kept)) == answer


def test_an_array_behind_a_frame_that_was_written_to_gives_the_new_answer() -> None:
    """Numbers and texts, though the frame and its buffers stay the same objects."""
    numbers = np.array(DATA["people"])
    names = np.array(DATA["city"], dtype=object)
    columns = {"city": pd.Series(names, dtype=object, copy=False), "people": pd.Series(numbers, copy=False)}
    data = pd.DataFrame(columns, copy=False)
    kept = Kept()
    assert result(asked(data, kept)) == 700
    numbers[7], names[8] = 12, "Sonnberg"
    assert (data["people"][7], data["city"][8]) == (12, "Sonnberg")
    assert result(asked(data, kept)) == 12
    assert result(asked(data, kept, "How many people has Sonnberg?")) == 800
    data.loc[9, "city"] = "Talheim"
    assert result(asked(data, kept, "How many people has Talheim?")) == 900
    shared = np.array(DATA["people"])
    frame = pl.DataFrame({"city": DATA["city"], "people": shared})
    assert result(asked(frame, kept)) == 700
    shared[7] = 13
    assert result(asked(frame, kept)) == frame["people"][7]


@pytest.mark.parametrize("make", MAKERS)
def test_statistics_follow_the_content(make: Any) -> None:
    """Figures of groups are of the numbers as they are now."""
    kept = Kept()
    before = asked(make(DATA), kept, "Describe the table")
    after = asked(make({**DATA, "people": [1] * 50}), kept, "Describe the table")
    means = [p.text for e in (before, after) for p in e.passages if p.locator.operation == "mean(people) by region"]
    assert means == [
        "Mean of people by region: north: 2400; south: 2500",
        "Mean of people by region: north: 1; south: 1",
    ]


def test_objects_behind_a_hundred_texts_are_read_anew() -> None:
    """A column whose first cells are texts gives the new answer when its last ones have changed."""
    grades: list[Any] = ["n/a"] * 40 + [str(x % 7) for x in range(80)] + [x % 7 for x in range(280)]
    data = pd.DataFrame({"name": [f"P{n}" for n in range(400)], "grade": pd.Series(grades, dtype=object)})
    kept, question = Kept(), "What is the mean grade?"
    known = [int(grade) for grade in grades if grade != "n/a"]
    assert result(asked(data, kept, question)) == pytest.approx(sum(known) / len(known))
    data.loc[300:, "grade"] = 50
    known[260:] = [50] * 100
    assert result(asked(data, kept, question)) == pytest.approx(sum(known) / len(known))


OBJECTS: list[list[Any]] = [
    [None] * 100 + list(range(1, 9)),
    ["a\ud800"] + ["b"] * 107,
    [["a\ud800"]] + ["b"] * 107,
    ["s"] * 100 + [1, 1.5, True, None, [1], {"a": 1}, dt.date(2024, 1, 1), "x"],
]


TYPES = [
    *((cells, object) for cells in OBJECTS),
    (OBJECTS[1], "string[python]"),
    *((c, "category") for c in OBJECTS[:2]),
]


@pytest.mark.parametrize(("cells", "dtype"), TYPES)
def test_a_column_of_any_objects_spoils_no_question(cells: list[Any], dtype: Any) -> None:
    """Neither about the other columns nor about itself, nor the passages of the whole."""
    column = pd.Series(cells, dtype=object)
    if dtype == "category":
        column = pd.Series(pd.Categorical(column, categories=pd.Index(column.dropna().unique(), dtype=object)))
    data = pd.DataFrame({"town": [f"T{n}" for n in range(108)], "what": column.astype(dtype), "n": range(108)})
    assert result(asked(data, Kept(), "What is the n of T7?")) == 7
    asked(data, Kept(), "How many rows have the what b?")
    snapshot = FrameKind().snapshot(data, "towns")
    assert "\\ud800" in "".join(p.text for p in snapshot.passages()) or "\ud800" not in str(cells[0])
    assert all(p.text.encode() for p in snapshot.passages())


def test_columns_of_other_indexes_stand_beside_each_other() -> None:
    """What was kept of a frame with one index serves one with another: rows are known by their place."""
    kept = Kept()
    texts = {**DATA, "people": [f"{n * 100} people" for n in range(50)]}
    question = "What is the mean of people in the region north?"
    first = result(asked(pd.DataFrame(texts), kept, question))
    backwards = pd.DataFrame(texts, index=range(50, 0, -1))
    assert result(asked(backwards, kept, question)) == first == 2400
    fewer = pd.DataFrame({**texts, "region": ["north", "south", "south", "south", "south"] * 10}, index=[7] * 50)
    assert result(asked(fewer, kept, question)) == 2250


def test_the_least_recently_used_goes_first() -> None:
    """Never more bytes than the limit; a value that is larger than that is not kept at all."""
    kept = KeptColumns(most_bytes=10_000)
    made: list[str] = []

    def make(name: str, size: int) -> bytes:
        return kept.get("content", name, lambda: made.append(name) or bytes(size))  # type: ignore[func-returns-value]

    for name in ("one", "two", "one", "three", "one"):
        assert len(make(name, 4_000)) == 4_000
        assert kept.bytes <= 10_000
    assert made == ["one", "two", "three"]
    make("two", 4_000)
    assert made == ["one", "two", "three", "two"]
    make("large", 20_000)
    make("large", 20_000)
    assert made[-2:] == ["large", "large"]
    assert len(kept) == 2
    kept.clear()
    assert (len(kept), kept.bytes) == (0, 0)


@pytest.mark.parametrize("make", MAKERS)
def test_the_limit_is_kept_by_questions(make: Any) -> None:
    """A limit that is too small for a table costs time, and nothing else."""
    kept = Kept()
    kept.columns = KeptColumns(most_bytes=2_000)
    for _ in range(2):
        assert result(asked(make(DATA), kept)) == 700
        assert kept.columns.bytes <= 2_000


def test_bytes_are_about_right() -> None:
    """Of lists and dicts of texts, of arrays and of series of each library."""
    texts = [f"a text with the number {n}" for n in range(20_000)]
    whole = sum(map(sys.getsizeof, texts)) + 8 * len(texts)
    assert bytes_of(texts) == pytest.approx(whole, rel=0.1)
    assert bytes_of({text: (text,) for text in texts}) > whole
    assert bytes_of(np.zeros(1_000)) >= 8_000
    words = ColumnWords({text: tuple(text.split()) for text in texts})
    assert bytes_of(words) > whole
    assert bytes_of(["short"] * 555 + ["x" * 10_000_000]) > 10_000_000
    assert bytes_of({"x" * 10_000_000: 1} | {str(n): n for n in range(555)}) > 10_000_000
    for make in MAKERS:
        column = FrameKind().snapshot(make({"x": texts}), "it").table.columns[0]
        assert bytes_of(column.series) >= 20 * len(texts)


def test_a_value_that_holds_itself_is_weighed() -> None:
    """As is one that is nested deeply, or that holds another one again and again."""
    loop: list[Any] = ["x" * 1_000]
    loop.append({"loop": loop})
    assert 1_000 < bytes_of(loop) < 5_000
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep, deep]
    assert bytes_of(deep) > 0


def test_two_threads_may_ask_at_once() -> None:
    """Both get the value."""
    kept = KeptColumns()
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(kept.get("content", "name", lambda: 7))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [7] * 4
    assert len(kept) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_its_parents_thread() -> None:
    """The lock may be held by a thread that the child does not have."""
    kept = KeptColumns()
    kept.get("content", "name", lambda: 7)
    with kept._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if kept.get("content", "name", lambda: 8) == 7 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # ends it if it waits
            kept.clear()
            os._exit(len(kept))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_clears_what_is_kept() -> None:
    """Indexes as well as columns, though a thread of its parent holds both."""
    kept = Kept()
    asked(pd.DataFrame(DATA), kept)
    with kept._lock, kept.columns._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # ends it if it waits
            kept.clear()
            os._exit(len(kept.columns) + kept.bytes)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(kept.columns)


def test_it_is_told_what_is_read() -> None:
    """Column by column, so that the person sees it, and may leave."""
    told: list[str] = []
    large = pl.DataFrame({"city": ["Arlen", "Bredo"] * 60_000, "people": range(120_000)})
    FrameSnapshot.keep_in(FrameKind().snapshot(large, "towns"), KeptColumns(), told.append)
    assert told == [f"reading column {name} of towns (120,000 rows x 2 columns)" for name in ("city", "people")]


def test_a_dropped_snapshot_is_gone_and_what_is_kept_does_not_hold_it() -> None:
    """The frame's own memory is the notebook's."""
    import gc
    import weakref

    kept = KeptColumns()
    snapshot = FrameKind().snapshot(pl.DataFrame(DATA), "towns")
    snapshot.keep_in(kept)
    snapshot.values.read(snapshot.table.columns[0])
    column = weakref.ref(snapshot.table.columns[0])
    assert len(kept)
    gc.disable()
    try:
        del snapshot
        assert column() is None
    finally:
        gc.enable()
