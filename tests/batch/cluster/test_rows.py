"""`LocalLLM.map` with a client: ordinary data, answered by the processes of a cluster."""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.bag
import dask.dataframe
import pandas as pd
import polars as pl
import pytest
from distributed import Client, LocalCluster

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress, RowError
from jupyter_localllm.batch.cluster.partitions import first_rows
from jupyter_localllm.batch.cluster.rows import Files, OnCluster, sha256_there
from jupyter_localllm.batch.run import RowPrompt
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.errors import CacheMiss, ContextOverflow, EngineError, ModelNotFound, TemplateError, UsageError
from jupyter_localllm.types import Part, Result
from tests.contracts import wait_for

from .conftest import Scripted

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


def test_a_rerun_goes_on(llm: LocalLLM, client: Any, asked: Callable[[], dict[int, list[str]]]) -> None:
    """What came back is in this machine's cache; what an interrupt broke off is not asked any further."""
    texts = [f"text {i} of some words that take a while" for i in range(300)]

    heard = threading.Event()

    def interrupt() -> None:
        wait_for(lambda: sum(map(len, asked().values())) > 40)
        while not heard.is_set():  # Python drops an interrupt that comes while an object is cleared away
            _thread.interrupt_main()
            heard.wait(1.0)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        llm.map("{{ value }}", texts, client=client)
    heard.set()
    interrupter.join()
    wait_for(lambda: not any(client.processing().values()))
    broken_off = sum(map(len, asked().values()))
    assert broken_off < 250
    said: list[Progress] = []
    assert llm.map("{{ value }}", texts, client=client, progress=said.append) == [f"re: {text}" for text in texts]
    assert said[-1].cached > 0
    everything = sum(map(len, asked().values()))
    assert 0 <= everything - broken_off - (300 - said[-1].cached) <= 8  # what was in flight was let go
    assert llm.map("{{ value }}", texts, client=client, cache="require") == [f"re: {text}" for text in texts]
    assert sum(map(len, asked().values())) == everything


def test_rows_that_fail(llm: LocalLLM, client: Any) -> None:
    """As on one machine: the first one ends the map, or all are recorded."""
    frame = pl.DataFrame({"text": ["a", "fall", "word " * 5000, "b"]})
    with pytest.raises((EngineError, ContextOverflow), match=r"row [12]: "):
        llm.map("{{ text }}", frame, client=client)
    failed: list[RowError] = []
    answers = llm.map("{{ text }}", frame, client=client, on_error=failed.append)
    assert answers.to_list() == ["re: a", None, None, "re: b"]
    assert {(error.position, type(error.error)) for error in failed} == {(1, EngineError), (2, ContextOverflow)}
    with pytest.raises(CacheMiss, match="row 0: not in the cache"):
        llm.map("{{ text }}!", frame, client=client, cache="require")


def test_rows_that_kill(llm: LocalLLM, client: Any, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch on which every worker dies fails, and says so; the other rows are answered."""
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    texts = ["die", *(f"text {i}" for i in range(20))]
    failed: list[RowError] = []
    answers = llm.map("{{ value }}", texts, client=client, on_error=failed.append)
    lost = {error.position for error in failed}
    assert 0 in lost
    assert "died while this row and those asked with it" in failed[0].error.message
    assert [answers[i] for i in range(21) if i not in lost] == [f"re: {texts[i]}" for i in range(21) if i not in lost]
    client.wait_for_workers(2)


def test_what_is_wrong_is_told_first(
    llm: LocalLLM, client: Any, asked: Callable[[], dict[int, list[str]]], tmp_path: Path
) -> None:
    """Wrong names, options and clients, and what cannot be sent, before any row."""
    with pytest.raises(TemplateError, match="no variable `txet`"):
        llm.map("{{ txet }}", ["a"], client=client)
    with pytest.raises(UsageError, match="unknown option"):
        llm.map("{{ value }}", ["a"], client=client, max_token=1)
    with pytest.raises(UsageError, match="engine that was made here"):
        LocalLLM.from_engine(llm.engine).map("{{ value }}", ["a"], client=client)
    assert llm.map("{{ value }}", [], client=client) == []
    assert asked() == {}


def test_what_is_finished_is_kept_at_an_interrupt(llm: LocalLLM, client: Any) -> None:
    """Also what is still on the workers: a rerun does not ask it again."""
    kept: list[str] = []

    def keep(parts: tuple[Part, ...], result: Result) -> Result:
        kept.append(result.text)
        return result

    runner = OnCluster(client, llm._work(client, {"cache": "off"}), Files(lambda parts: None, keep))
    for number in range(8):
        assert not [step for step in runner.submit(RowPrompt(number, (Part("text", str(number)),))) if number < 7]
    wait_for(lambda: all(sent.future.status == "finished" for sent in runner._sent.values()))
    assert kept == []
    runner.close()
    assert sorted(kept) == [f"re: {number}" for number in range(8)]


def test_a_cluster_without_workers_is_told(llm: LocalLLM) -> None:
    """Before anything is asked, too; who waits can be let go."""
    data = dask.bag.from_sequence(["a", "b"], npartitions=2)
    with (
        LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as empty,
        Client(empty, set_as_default=False) as client,
    ):
        work = llm._work(client, {})
        for ask in (lambda: first_rows(client, data.to_delayed(), 1), lambda: sha256_there(client, work)):
            released = threading.Event()
            token = cancel_scope.set(released)
            timer = threading.Timer(0.5, released.set)
            timer.start()
            with pytest.warns(RuntimeWarning, match="no workers"), pytest.raises(EngineError, match="stopped"):
                ask()
            timer.join()
            cancel_scope.reset(token)


def test_workers_with_another_model(client: Any, tmp_path: Path) -> None:
    """Answers of different files are not mixed under one name."""
    folder = tmp_path / "different"
    folder.mkdir()
    llm = Scripted(model_dirs=[str(folder)], cache_dir=str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="a worker has another file"):
        llm.map("{{ value }}", TEXTS, client=client)
    texts = dask.dataframe.from_pandas(pd.Series([f"text {i} with some more words" for i in range(60)]), npartitions=6)
    with pytest.raises(UsageError, match="the workers have different files"):
        llm.map("{{ value }}", texts, client=client)


@pytest.mark.filterwarnings("ignore:.*cut off, at max_tokens")
@pytest.mark.model
def test_a_model_that_only_the_workers_have(tmp_path: Path, model_path: Path) -> None:
    """This machine learns from them which one it is, so that its cache can be used."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "elsewhere.gguf").symlink_to(model_path)
    place = {"JUPYTER_LOCALLLM_MODEL_DIRS": str(tmp_path / "there")}
    llm = LocalLLM(model="elsewhere", cache_dir=str(tmp_path / "cache"), max_tokens=4)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", env=place) as made,
        Client(made, set_as_default=False) as client,
    ):
        answers = llm.map("What is the capital of {{ value }}?", ["Japan", "Spain"], client=client)
    assert all(answers)
    assert llm.map("What is the capital of {{ value }}?", ["Japan", "Spain"], cache="require") == answers
    with pytest.raises(ModelNotFound):
        llm.map("What is the capital of {{ value }}?", ["Germany"])


@pytest.mark.filterwarnings("ignore:.*cut off, at max_tokens")
@pytest.mark.model
def test_the_real_model(client: Any, tmp_path: Path) -> None:
    """The workers answer what this kernel answers, and free text is what one machine writes."""
    llm = LocalLLM(cache_dir=str(tmp_path / "cache"), max_tokens=12)
    places = ["Japan", "Germany", "Spain", "Italy"]
    template = "What is the capital of {{ value }}? Answer with the city's name only."
    there = llm.map(template, places, client=client)
    assert llm.engine is None  # nothing was loaded here
    here = llm.map(template, places, cache="off")
    assert there == here
    assert "Tokyo" in there[0]
