"""What a map leaves behind when its process is killed, and what a long one takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress, RowError, map_rows
from jupyter_localllm.errors import ContextOverflow, SourceError
from jupyter_localllm.types import Done, Event, Part, Result
from tests.contracts import wait_for

MAP = """
import sys
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.engine.scripted import ScriptedEngine

def script(job):
    question = job.prompt.messages[-1].content
    with open(sys.argv[1], "a") as file:
        file.write(question + "\\n")
    return "re: " + question

engine = ScriptedEngine(script, delay_ms=float(sys.argv[3]))
llm = LocalLLM.from_engine(engine, cache_dir=sys.argv[2], n_parallel=1)
llm.map("{{ value }}", [f"text {i}" for i in range(400)])
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """A rerun asks again for no more than the last second's rows and the one in flight."""
    asked, answers = tmp_path / "asked", tmp_path / "answers"
    command = [sys.executable, "-c", MAP, str(asked), str(answers)]  # and the milliseconds of a word

    def count() -> int:
        return len(asked.read_text().splitlines()) if asked.exists() else 0

    with subprocess.Popen([*command, "5"]) as first:
        wait_for(lambda: count() >= 150)  # 20 ms each
        first.send_signal(signal.SIGKILL)
    before = count()
    assert before < 400
    subprocess.run([*command, "0"], check=True, timeout=120)
    again = count() - before
    assert 400 - before <= again <= 400 - before + 75


@pytest.mark.parametrize("count", [4_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_rows_in_bounded_memory(count: int) -> None:
    """Beside the answers, what a row leaves behind is a fraction of a kilobyte; rows and prompts are not kept."""

    def ask(parts: tuple[Part, ...]) -> Iterator[Event]:
        yield Done(Result("yes " + "".join(part.text for part in parts)[-6:]))

    def rows() -> Iterator[dict[str, str]]:
        for number in range(count):
            yield {"text": f"{'words ' * 400}{number:06}"}  # 2.4 KB each

    map_rows("{{ text }}", [{"text": "what is loaded once"}], ask)
    tracemalloc.start()
    try:
        answers = map_rows("{{ text }}", rows(), ask)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answers[-1] == f"yes {count - 1:06}"
    assert len(answers) == count
    assert most < 1e6 + 700 * count


def test_progress_tells_tokens_a_second(make: Callable[..., LocalLLM]) -> None:
    """Beside rows a second and the time left."""
    said: list[Progress] = []
    make("one two three", delay_ms=15, n_parallel=1).map(
        "{{ value }}", list("abcdefghijklmnopqrst"), progress=said.append
    )
    known = [progress for progress in said if progress.tokens_per_second]
    assert known
    assert known[-1].tokens_per_second == pytest.approx(3 * known[-1].rows_per_second, rel=0.2)


def test_a_disk_that_fills_up(make: Callable[..., LocalLLM], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, all rows are answered, and what was on the disk stays there for the next run."""
    from jupyter_localllm import runtime
    from jupyter_localllm.cache.store import Store
    from jupyter_localllm.cache.trouble import Unavailable

    real, said = Store.write_all, []

    def write_all(self: Store, rows: list[tuple[str, bytes]]) -> None:
        if self.counts()[0] >= 256:
            raise Unavailable("The disk of the cache is full.")
        real(self, rows)

    monkeypatch.setattr(Store, "write_all", write_all)
    monkeypatch.setattr(runtime.current(), "on_notice", said.append)
    texts = [f"text {i}" for i in range(600)]
    llm = make(n_parallel=1)
    assert llm.map("{{ value }}", texts) == [f"re: {text}" for text in texts]
    assert said == ["The disk of the cache is full. Answers are not kept."]
    assert llm.answers.stats().entries == 256
    monkeypatch.undo()
    again: list[Progress] = []
    assert make(n_parallel=1).map("{{ value }}", texts, progress=again.append) == [f"re: {text}" for text in texts]
    assert again[-1].cached == 256


def test_rows_that_are_too_large(make: Callable[..., LocalLLM]) -> None:
    """One megabyte in a cell and a prompt beyond the window are those rows' errors, with their places and figures."""
    texts = [f"text {i}" for i in range(80)]
    texts[70], texts[71] = "word " * 200_000, "w" * 5_000_000
    failed: list[RowError] = []
    answers = make(n_ctx=4096, max_tokens=50).map("{{ value }}", texts, on_error=failed.append)
    assert [i for i, answer in enumerate(answers) if answer is None] == [70, 71]
    told = {error.position: error.error for error in failed}
    assert isinstance(told[70], ContextOverflow)
    assert "4,096" in told[70].message
    assert isinstance(told[71], SourceError)
    with pytest.raises(ContextOverflow, match=r"^row 70: "):
        make(n_ctx=4096, max_tokens=50).map("{{ value }}", texts[:71])
