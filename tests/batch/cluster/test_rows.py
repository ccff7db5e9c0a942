"""`LocalLLM.map` with a client: ordinary data, answered by the processes of a cluster."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress
from tests.contracts import wait_for

TEXTS = [f"text {i % 40}" for i in range(50)]


def test_answers_are_those_of_one_machine(
    llm: LocalLLM, client: Any, asked: Callable[[], dict[int, list[str]]], notes: Path
) -> None:
    """Order, index and type are kept; every prompt is asked once, by both processes, with one engine in each."""
    series = pd.Series(TEXTS, index=range(100, 150))
    there = llm.map("{{ value }}", series, client=client)
    pd.testing.assert_series_equal(there, llm.map("{{ value }}", series, cache="off"))
    here = asked().pop(os.getpid())
    workers = {pid: texts for pid, texts in asked().items() if pid != os.getpid()}
    assert sorted(here) == sorted(text for texts in workers.values() for text in texts) == sorted(set(TEXTS))
    assert len(workers) == 2
    assert len(list(notes.glob("engine-*"))) == 3


def test_a_worker_that_is_killed(llm: LocalLLM, client: Any, asked: Callable[[], dict[int, list[str]]]) -> None:
    """Its rows are run again by others; nothing is lost and nothing is told twice."""
    said: list[Progress] = []

    def kill() -> None:
        wait_for(lambda: len(asked()) == 2)
        os.kill(max(asked()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    texts = [f"text {i} of some words that take a while" for i in range(120)]
    answers = llm.map("{{ value }}", texts, client=client, progress=said.append)
    killer.join()
    assert answers == [f"re: {text}" for text in texts]
    assert said[-1].done == 120
    assert said[-1].finished
