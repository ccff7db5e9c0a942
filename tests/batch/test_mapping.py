"""`LocalLLM.map`, whole: rows in, answers out, in order, resumable."""

from __future__ import annotations

import _thread
import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress, RowError
from jupyter_localllm.errors import CacheMiss, ContextOverflow, ModelNotFound, TemplateError, UsageError
from jupyter_localllm.types import Job
from tests.contracts import wait_for

from .conftest import Echo

TEXTS = ["good", "bad", "good", "so so"]


@pytest.mark.usefixtures("width")
def test_a_frame(llm: LocalLLM, echo: Echo) -> None:
    """Each row is asked with its columns in place, and the answers come back under the same index."""
    frame = pd.DataFrame({"text": TEXTS, "stars": [5, 1, 5, 3]}, index=list("wxyz"))
    answers = llm.map("{{ text }} ({{ stars }})", frame)
    assert answers.to_dict() == {"w": "re: good (5)", "x": "re: bad (1)", "y": "re: good (5)", "z": "re: so so (3)"}
    assert answers.name == "answer"
    assert sorted(echo.asked) == ["bad (1)", "good (5)", "so so (3)"]
    assert list(frame.columns) == ["text", "stars"]


@pytest.mark.usefixtures("width")
@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (pd.Series(TEXTS, name="text"), list),
        (pl.Series(TEXTS), list),
        (pa.array(TEXTS), pa.Array.to_pylist),
        (TEXTS, list),
        (tuple(TEXTS), list),
        (iter(TEXTS), list),
    ],
)
def test_values(llm: LocalLLM, data: Any, plain: Callable[[Any], list[str]]) -> None:
    """Data without columns: the value is `value`."""
    data = iter(TEXTS) if isinstance(data, Iterator) else data  # it is used up, and the test runs twice
    assert plain(llm.map("{{ value }}", data)) == [f"re: {text}" for text in TEXTS]


@pytest.mark.usefixtures("width")
def test_a_column(llm: LocalLLM) -> None:
    """With a column, `value` is that one, of frames and of records."""
    records = [{"text": text} for text in TEXTS]
    for data in (pl.DataFrame(records), records):
        assert list(llm.map("{{ value }}", data, column="text")) == [f"re: {text}" for text in TEXTS]


@pytest.mark.usefixtures("width")
@pytest.mark.parametrize("data", [[], iter([]), pd.Series([], dtype=str), pl.DataFrame({"text": []}), pa.array([])])
def test_no_rows(make: Callable[..., LocalLLM], data: Any) -> None:
    """Nothing is asked, and the model is not even loaded."""
    llm = make()
    assert len(llm.map("{{ anything }}", data)) == 0
    assert llm.engine is not None
    assert not llm.engine.loaded


@pytest.mark.usefixtures("width")
@pytest.mark.parametrize("said", [2, 5])
def test_a_length_that_is_not_true(llm: LocalLLM, said: int) -> None:
    """As many answers as rows came, none of them made up; that it is strange is told."""

    class Rows:
        def __len__(self) -> int:
            return said

        def __iter__(self) -> Iterator[str]:
            return iter("abc")

    with pytest.warns(RuntimeWarning, match=f"said that there are {said} rows, and gave 3"):
        assert llm.map("{{ value }}", Rows()) == ["re: a", "re: b", "re: c"]


def test_missing_values(llm: LocalLLM) -> None:
    """Missing cells read as Python prints them."""
    texts = pd.Series([None, "x"], dtype=object)
    frame = pd.DataFrame({"a": texts, "b": [float("nan"), 1.0], "c": pd.array([pd.NA, 1], dtype="Int64")})
    assert llm.map("{{ a }} {{ b }} {{ c }}", frame).tolist() == ["re: None nan <NA>", "re: x 1.0 1"]


def test_cells_that_cannot_be_hashed(llm: LocalLLM) -> None:
    """Lists and dicts are values like others."""
    assert llm.map("{{ a }} {{ row }}", [{"a": [1, {"b": 2}]}]) == ['re: [1, {"b": 2}] {"a": [1, {"b": 2}]}']


def test_options_reach_the_engine(make: Callable[..., LocalLLM]) -> None:
    """Options are those of every question; the conversation of the notebook is not touched."""
    jobs: list[Job] = []
    llm = make(lambda job: jobs.append(job) or "yes")
    llm.map("{{ value }}", ["a"], temperature=0.5, max_tokens=7, stop=["x"], system="Be brief.")
    assert (jobs[0].sampling.temperature, jobs[0].max_tokens, jobs[0].stop) == (0.5, 7, ("x",))
    assert [message.content for message in jobs[0].prompt.messages] == ["Be brief.", "a"]
    assert list(llm.conversations) == []


@pytest.mark.usefixtures("width")
@pytest.mark.parametrize(
    ("template", "options", "says"),
    [
        ("{{ value }}", {"temprature": 1}, "unknown option 'temprature'"),
        ("{{ value }}", {"chat": "x"}, "outside of conversations"),
        ("{{ value }}", {"on_error": "recrod"}, "on_error cannot be 'recrod'"),
        ("{{ value }}", {"max_tokens": 0}, "max_tokens cannot be 0"),
        ("{{ valeu }}", {}, "no variable `valeu`"),
        ("value", {}, "nothing of a row"),
        ("", {}, "the template is empty"),
    ],
)
def test_what_is_wrong_is_told_before_the_first_row(
    llm: LocalLLM, echo: Echo, template: str, options: dict[str, Any], says: str
) -> None:
    """Nothing is asked when something holds for all rows; ``on_error`` does not hide it."""
    for on_error in ("raise", "record"):
        with pytest.raises(UsageError, match=says):
            llm.map(template, TEXTS, **{"on_error": on_error, **options})
    assert echo.asked == []


@pytest.mark.usefixtures("in_turn")
def test_a_row_too_long_stops_there_and_a_rerun_resumes(make: Callable[..., LocalLLM], echo: Echo) -> None:
    """The error names the row and its label; after it was mended, only what was not answered is asked."""
    frame = pd.DataFrame({"text": ["a", "long " * 100, "c"]}, index=["x", "y", "z"])
    llm = make(n_ctx=60)
    with pytest.raises(ContextOverflow, match=r"row 1 \(label 'y'\): the prompt has 10\d tokens") as caught:
        llm.map("{{ text }}", frame)
    assert "a rerun goes on from there" in caught.value.hint
    assert "--on-error record" in caught.value.hint
    assert echo.asked == ["a"]
    frame.loc["y", "text"] = "b"
    assert llm.map("{{ text }}", frame).tolist() == ["re: a", "re: b", "re: c"]
    assert echo.asked == ["a", "b", "c"]


def test_the_hint_promises_only_what_is_true(make: Callable[..., LocalLLM]) -> None:
    """Without a cache, or with an iterator, a rerun does not simply go on."""
    llm = make(n_ctx=60)
    for data, options in ((["a", "long " * 100], {"cache": "off"}), (iter(["a", "long " * 100]), {})):
        with pytest.raises(ContextOverflow) as caught:
            llm.map("{{ value }}", data, **options)
        assert "goes on from there" not in caught.value.hint
    assert "used up" in caught.value.hint


@pytest.mark.usefixtures("width")
def test_errors_are_recorded(make: Callable[..., LocalLLM], echo: Echo) -> None:
    """The others go on; pandas data carries the errors, as values that may stand in a parquet file."""
    frame = pd.DataFrame({"text": ["long " * 100, "b", "long " * 100]}, index=pd.date_range("2024-01-01", periods=3))
    answers = make(n_ctx=60).map("{{ text }}", frame, on_error="record")
    assert answers.tolist() == [None, "re: b", None]
    errors = answers.attrs["errors"]
    assert [(error["row"], error["label"], error["error"]) for error in errors] == [
        (0, "2024-01-01 00:00:00", "ContextOverflow"),
        (2, "2024-01-03 00:00:00", "ContextOverflow"),
    ]
    assert json.loads(json.dumps(answers.attrs)) == answers.attrs
    assert echo.asked == ["b"]


@pytest.mark.usefixtures("width")
def test_what_carries_no_errors_has_them_told(make: Callable[..., LocalLLM]) -> None:
    """Of a list or a polars series the reasons are warned of, the first ones by name, and how to get them all."""
    texts = ["long " * (100 + i) for i in range(5)] + ["b"]
    for data in (texts, pl.Series(texts)):
        with pytest.warns(
            RuntimeWarning, match=r"5 rows failed:\n  row 0: .*\n  row 1: .*\n.*\n  and 2 more\n.*failed\.append"
        ):
            answers = make(n_ctx=60).map("{{ value }}", data, on_error="record")
        assert list(answers) == [None] * 5 + ["re: b"]


@pytest.mark.usefixtures("width")
def test_without_errors_there_are_none(llm: LocalLLM) -> None:
    """`attrs["errors"]` is there to be asked whenever errors are recorded."""
    assert llm.map("{{ value }}", pd.Series(["a"]), on_error="record").attrs == {"errors": []}
    assert llm.map("{{ value }}", pd.Series(["a"])).attrs == {}


@pytest.mark.usefixtures("width")
def test_errors_of_any_data_go_to_a_function(make: Callable[..., LocalLLM]) -> None:
    """A function gets each error with its row, whatever the data."""
    failed: list[RowError] = []
    answers = make(n_ctx=60).map("{{ 1 / value }}{{ value }}", [0, 1], on_error=failed.append)
    assert answers == [None, "re: 1.01"]
    assert [(error.position, error.where, type(error.error)) for error in failed] == [(0, "row 0", TemplateError)]


@pytest.mark.usefixtures("width")
def test_an_error_of_all_rows_is_raised_whatever_is_recorded(tmp_path: Any) -> None:
    """A model that is not there is not noted once for each row."""
    llm = LocalLLM(model="no-such-model-anywhere", cache_dir=str(tmp_path))
    with pytest.raises(ModelNotFound):
        llm.map("{{ value }}", ["a", "b"], on_error="record")


@pytest.mark.usefixtures("width")
def test_require_works_row_by_row(llm: LocalLLM, echo: Echo) -> None:
    """What is in the cache is replayed, what is not is an error of its row."""
    llm.map("{{ value }}", ["a", "c"])
    answers = llm.map("{{ value }}", pd.Series(["a", "b", "c"]), cache="require", on_error="record")
    assert answers.tolist() == ["re: a", None, "re: c"]
    assert answers.attrs["errors"][0]["error"] == "CacheMiss"
    with pytest.raises(CacheMiss, match="row 1: not in the cache"):
        llm.map("{{ value }}", ["a", "b", "c"], cache="require")
    assert sorted(echo.asked) == ["a", "c"]


@pytest.mark.usefixtures("width")
def test_cache_modes(llm: LocalLLM, echo: Echo) -> None:
    """`refresh` and `off` ask anew, and equal rows still once."""
    for mode, asked in (("use", 1), ("use", 1), ("refresh", 2), ("off", 3)):
        assert llm.map("{{ value }}", ["a", "a"], cache=mode) == ["re: a", "re: a"]
        assert len(echo.asked) == asked


@pytest.mark.usefixtures("width")
def test_progress(llm: LocalLLM) -> None:
    """It is told at the beginning and in the end, with the figures."""
    told: list[Progress] = []
    llm.map("{{ value }}", ["a"])
    llm.map("{{ value }}", ["a", "b", "b"], progress=told.append)
    assert (told[0].done, told[0].total, told[0].model) == (0, 3, "scripted")
    last = told[-1]
    assert last.finished
    assert (last.done, last.cached, last.repeated, last.failed, last.tokens) == (3, 1, 1, 0, 2)
    assert last.provenance.model == "scripted"


@pytest.mark.usefixtures("in_turn")
def test_an_interrupt_is_obeyed_and_keeps_what_is_done(make: Callable[..., LocalLLM]) -> None:
    """Ctrl-C in the middle of a row stops the map; the rows before it are not asked again."""
    asked: list[str] = []

    def script(job: Job) -> str:
        asked.append(job.prompt.messages[-1].content)
        if asked[-1] == "slow" and len(asked) == 3:
            threading.Timer(0.2, _thread.interrupt_main).start()
            return "word " * 4000
        return "re: " + asked[-1]

    llm = make(script, delay_ms=5)
    with pytest.raises(KeyboardInterrupt):
        llm.map("{{ value }}", ["a", "b", "slow", "d"])
    assert llm.map("{{ value }}", ["a", "b", "slow", "d"]) == ["re: a", "re: b", "re: slow", "re: d"]
    assert asked == ["a", "b", "slow", "slow", "d"]


@pytest.mark.usefixtures("in_turn")
def test_an_endless_iterator_can_be_stopped(llm: LocalLLM, echo: Echo) -> None:
    """Rows are taken as they are asked, not all at once."""

    def rows() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        llm.map("{{ value }}", rows())
    assert echo.asked == ["1", "2"]


@pytest.mark.model
def test_the_real_model(tmp_path: Any) -> None:
    """Three rows by the real model, equal to three questions, and again out of the cache."""
    llm = LocalLLM(cache_dir=str(tmp_path), max_tokens=12)
    countries = pd.Series(["France", "Italy", "Spain"], index=[10, 20, 30])
    with pytest.warns(RuntimeWarning, match="cut off"):
        answers = llm.map("What is the capital of {{ value }}?", countries)
    assert answers.index.tolist() == [10, 20, 30]
    assert "Paris" in answers[10]
    for country, answer in zip(countries, answers, strict=True):
        assert llm.generate(f"What is the capital of {country}?", cache="require").text == answer
    with pytest.warns(RuntimeWarning, match="cut off"):
        again = llm.map("What is the capital of {{ value }}?", countries, cache="require")
    assert again.equals(answers)


def test_await(make: Callable[..., LocalLLM], echo: Echo) -> None:
    """`amap` gives what `map` gives; a task that is cancelled lets its rows go, and the finished ones are kept."""

    async def some() -> Any:
        return await make().amap("{{ value }}", pd.Series(["a", "b"]))

    assert asyncio.run(some()).tolist() == ["re: a", "re: b"]
    slow = make(delay_ms=20, n_parallel=2)

    async def cancelled() -> None:
        task = asyncio.create_task(slow.amap("{{ value }}", [f"text {i}" for i in range(100)]))
        while len(echo.asked) < 12:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    wait_for(lambda: slow.answers.stats().entries >= 8)
    assert len(echo.asked) < 30


def test_recorded_errors_say_what_is_wrong(make: Callable[..., LocalLLM]) -> None:
    """A message whose first line ends with a colon is told with its next one."""
    llm = make("seven")
    judged = str(llm.map("{{ value }}", ["a"], schema=int, dry_run=True))
    assert "row 0: the answer is no int: #: is no JSON" in judged
    with pytest.warns(RuntimeWarning, match="row 0: the answer is no int: #: is no JSON"):
        llm.map("{{ value }}", ["a"], schema=int, on_error="record")


def test_missing_values_are_passed_over(llm: LocalLLM, echo: Echo) -> None:
    """Asked as Python prints them, or not at all."""
    frame = pd.DataFrame({"a": ["x", None], "b": [float("nan"), 1.0]})
    assert llm.map("{{ a }}", frame, missing="skip").tolist() == ["re: x", None]
    assert llm.map("{{ a }} {{ b }}", frame, missing="skip").tolist() == [None, None]
    assert echo.asked == ["x"]
    llm.map("{{ b }}", frame)
    assert "nan" in echo.asked
    with pytest.raises(UsageError, match="missing cannot be 'no'"):
        llm.map("{{ a }}", frame, missing="no")


def test_texts_that_are_cut_are_told(make: Callable[..., LocalLLM]) -> None:
    """Once, with the number of rows, also of those that are repeated or come from the cache."""
    llm = make("one two three four", max_tokens=2)
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="3 answers are cut off") as told:
            llm.map("{{ value }}", ["a", "b", "a"])
        assert len(told) == 1
