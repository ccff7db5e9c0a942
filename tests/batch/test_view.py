"""What people see of a map: figures, the head of the outcome, and nothing that a cell or a model can make live."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from jupyter_localllm.batch.data import open_data
from jupyter_localllm.batch.head import Head, Witness
from jupyter_localllm.batch.mapping import RowError
from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.batch.view import Finished, moving_html, moving_plain, stopped_plain
from jupyter_localllm.errors import ContextOverflow


def head_of(data: Any, answers: list[str | None], names: set[str] | None = None, column: str | None = None) -> Head:
    witness = Witness(open_data(data, column))
    list(witness.rows(names))
    return Head.of(witness, answers, "answer")


def finished(progress: Progress, head: Head | None = None, **more: Any) -> Finished:
    return Finished(progress, head or Head((), (), 0), "The answers are the column `answer` of `x`.", **more)


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(total=100, model="m"), "0 of 100 rows · m"),
        (Progress(total=1, model="m", stage="loading m"), "0 of 1 row · loading m · m"),
        (Progress(done=7, model="m"), "7 rows · m"),
        (Progress(done=1200, total=7200, rows_per_second=120.4), "1,200 of 7,200 rows · 120 rows/s · 50 s left"),
        (Progress(done=1, total=9, rows_per_second=0.01), "1 of 9 rows · 0.01 rows/s · 13 min 20 s left"),
        (Progress(done=5, total=9, failed=1, cached=3), "5 of 9 rows · 1 failed · 3 cached"),
    ],
)
def test_the_moving_line(progress: Progress, line: str) -> None:
    """Rows done and all, speed, time left, failures, model."""
    assert moving_plain(progress) == line
    assert line in moving_html(progress)


def test_a_model_name_is_text() -> None:
    """Not even the name of a file can become an element."""
    assert "<b>" not in moving_html(Progress(model="<b>x</b>", stage="<b>"))


def test_stopped() -> None:
    """How far it came, and what to know."""
    assert stopped_plain(Progress(done=3, total=9), "Rerun.") == "Stopped: 3 of 9 rows finished. Rerun."


@pytest.mark.parametrize(
    ("progress", "summary"),
    [
        (Progress(done=3, total=3, model="m"), "3 rows answered by m."),
        (Progress(done=1, total=1, model="m"), "1 row answered by m."),
        (Progress(done=3, total=3, failed=1, model="m"), "2 of 3 rows answered by m, 1 failed."),
        (Progress(total=0), "No rows: nothing was asked."),
    ],
)
def test_summary(progress: Progress, summary: str) -> None:
    """The outcome in a sentence."""
    assert finished(progress).summary == summary


def test_the_outcome_does_not_differ_between_runs() -> None:
    """Times and the state of the cache are not in what is saved."""
    head = head_of(["a"], ["b"])
    first = Progress(done=1, total=1, model="m", elapsed_s=9.0, rows_per_second=2.0, tokens=30)
    second = Progress(done=1, total=1, model="m", elapsed_s=0.1, cached=1)
    assert finished(first, head).plain() == finished(second, head).plain()
    assert finished(first, head).html() == finished(second, head).html()


def test_the_head_says_what_it_leaves_out() -> None:
    """The first rows of how many, and no more columns than fit; the label of the index first."""
    frame = pd.DataFrame({f"c{number}": range(25) for number in range(8)}, index=[f"r{row}" for row in range(25)])
    head = head_of(frame, ["x" * 100] * 25, names={*frame.columns})
    assert head.titles == ("", "c0", "c1", "c2", "c3", "c4", "c5", "answer")
    assert len(head.cells) == 10
    assert head.cells[1][:2] == ("r1", "1")
    assert head.remark(60) == "First 10 of 25 rows; 2 more columns not shown; long cells are cut."
    assert head.remark(300) == "First 10 of 25 rows; 2 more columns not shown."


def test_the_head_has_the_columns_that_were_asked_about() -> None:
    """A column that is there as `value` too stands once, under its own name."""
    frame = pd.DataFrame({"text": ["a"], "other": ["b"]})
    assert head_of(frame, ["c"], names={"value", "text"}, column="text").titles == ("", "text", "answer")
    assert head_of(["a"], ["c"]).titles == ("", "value", "answer")
    assert head_of([{"text": "a", "n": 1}], ["c"]).titles == ("", "text", "n", "answer")


def test_the_plain_head() -> None:
    """Columns of equal width, one line for each row; a failed row has a dash."""
    head = head_of(["good\nday", "bad"], ["yes", None])
    assert head.plain() == "   value     answer\n0  good day  yes\n1  bad       -"
    assert head.remark(60) == ""


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_nothing_comes_alive() -> None:
    """Cells, answers, labels, column names and errors are text, with control characters gone."""
    hostile = "<script>window.pwned=1</script><img src=x onerror=pwned()>\x1b]0;t\x07$\\href{x}$"
    frame = pd.DataFrame({hostile: [hostile, hostile]}, index=[hostile, "b"])
    errors = (RowError(1, hostile, ContextOverflow(hostile)),)
    outcome = finished(
        Progress(done=2, total=2, failed=1, model=hostile),
        head_of(frame, [hostile, None]),
        errors=errors,
        remarks=(hostile,),
    )
    elements = Elements(outcome.html())
    assert elements.found == {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert elements.attributes == {"class", "style"}
    assert "mathjax_ignore" in outcome.html()
    assert "\x1b" not in outcome.html() + outcome.plain()


def test_marks() -> None:
    """Errors by row, a few of many; answers that are cut off or go round in circles, counted."""
    errors = tuple(RowError(row, None, ContextOverflow(f"too long\nby {row}")) for row in range(7))
    outcome = finished(Progress(done=9, failed=7, notes={"length": 1, "loop": 2, "cache": 3}), errors=errors)
    assert outcome.marks() == [
        *(f"row {row}: too long" for row in range(5)),
        "… and 2 rows more",
        "1 answer is cut off: raise --max-tokens for more",
        "2 answers repeat themselves",
    ]


def test_an_object_without_a_text() -> None:
    """A cell whose str() fails does not lose the outcome of a long map."""

    class Mute:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert head_of([Mute()], ["a"]).cells == (("0", "<Mute: RuntimeError>", "a"),)
