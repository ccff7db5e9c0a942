"""How far a report is."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from jupyter_localllm.report.progress import Progress, Tracker, earlier_times, first_words, speed_of, summary_of
from tests.kernel_client import ANSWER


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cells(count: int) -> list[nbformat.NotebookNode]:
    made = [nbformat.v4.new_code_cell(f"# {number}", id=f"c{number}") for number in range(count)]
    return [nbformat.v4.new_markdown_cell("# Title"), *made]


def test_the_time_that_is_left() -> None:
    """Nothing is guessed from imports; then a cell takes what cells took; the time goes down within a cell."""
    clock = Clock()
    tracker = Tracker(cells(4), {}, clock=clock)
    tracker.begin(1)
    assert tracker.progress().text == "cell 2 of 5: # 0"
    clock.now = 1.0
    tracker.end(1)
    tracker.begin(2)
    assert tracker.progress().seconds_left is None
    clock.now = 4.0
    tracker.end(2)
    tracker.begin(3)
    tracker.tokens_per_second = 81.4
    progress = tracker.progress()
    assert (progress.seconds_left, progress.fraction) == (4.0, 0.5)
    assert progress.text == "cell 4 of 5, about 4 s left, 81.4 tokens/s: # 2"
    clock.now = 5.0
    assert tracker.progress().seconds_left == 3.0
    clock.now = 60.0
    assert tracker.progress().seconds_left == 2.0  # this cell is late, and the next one is still to come


def test_a_line_that_ends_with_a_colon() -> None:
    """The first line of a cell stands as it is; a cell without any has none."""
    assert Progress(1, 2, "if region == 'EU':", 0, 2).text == "cell 1 of 2: if region == 'EU':"
    assert Progress(1, 2, "", 0, 2).text == "cell 1 of 2"


def test_an_earlier_run_tells_from_the_beginning(tmp_path: Path) -> None:
    """What each cell took the last time is in the notebook of that time; a file that is none tells nothing.

    Nor does a time below zero, which papermill writes when the clock is set back in a cell, or one without an end.
    """
    file = tmp_path / "n.ipynb"
    kept = [{"id": "c0", "metadata": {"papermill": {"duration": 2.5}}}, {"id": "c1", "metadata": {}}, {"metadata": {}}]
    kept += [{"id": f"c{took}", "metadata": {"papermill": {"duration": took}}} for took in (-60.0, float("inf"))]
    file.write_text(json.dumps({"cells": kept}))
    assert earlier_times(file) == {"c0": 2.5}
    tracker = Tracker(cells(1), earlier_times(file), clock=Clock())
    tracker.begin(0)
    assert tracker.progress().seconds_left == 2.5
    for text in ("[]", "{}", "no", '{"cells": [1]}', '{"cells": 1}', '{"cells": [{"metadata": {"papermill": 1}}]}'):
        file.write_text(text)
        assert earlier_times(file) == {}
    assert earlier_times(tmp_path / "none") == {}


def test_a_notebook_without_cells() -> None:
    """It is done before it begins."""
    assert Tracker([], {}).progress().fraction == 1.0


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("\n\n  %%llm --cite df\nWhy?", "%%llm --cite df"),
        ("", ""),
        ("x" * 99, f"{'x' * 58} …"),
        ("a\x1b[31mb", "ab"),
        ("!curl http://me:pw@h/x?key=5", "!curl http://…@h/x?key=…"),
        ("api_key = 'x'\nregion = 'EU'", "api_key = …"),
        ("db_password: str='x'", "db_password: str=…"),
        ("region = 'EU'", "region = 'EU'"),
        ("password == x", "password == x"),
    ],
)
def test_the_first_line_of_a_cell(source: str, line: str) -> None:
    """Short, and nothing that moves a terminal's cursor, nor a value whose name speaks of a secret."""
    assert first_words(source) == line


def test_answers_in_a_line() -> None:
    """The line that the kernel sends first is told, cleaned, and nothing else of what cells show."""
    ours = {"jupyter_localllm": {"volatile": {"cached": False, "timings": {"tokens_per_second": 81.4}}}}
    line = {"data": {"text/plain": "llm m: 2 tokens:\x1b[2J Hi\nthere"}, "metadata": ours}
    assert summary_of(line) == "llm m: 2 tokens: Hi there"
    assert speed_of(line) == 81.4
    assert summary_of({"data": {"text/plain": "Hi", ANSWER: {}}, "metadata": ours}) == ""
    assert summary_of({"data": {"text/plain": "1"}, "metadata": {}}) == ""
    assert summary_of(None) == ""
    assert speed_of({"metadata": {"jupyter_localllm": {"volatile": {"cached": True, "timings": {}}}}}) == 0.0
    assert speed_of({"metadata": {"jupyter_localllm": {"rows": 2}}}) == 0.0
