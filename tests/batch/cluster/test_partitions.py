"""`LocalLLM.map` over collections of Dask: the rows stay where they are."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.bag
import dask.dataframe
import dask.distributed
import pandas as pd
import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Progress, RowError
from jupyter_localllm.errors import EngineError, TemplateError, UsageError
from tests.contracts import wait_for
from tests.shells import new_shell

FRAME = pd.DataFrame({"text": [f"text {i}" for i in range(40)], "stars": range(40)}, index=range(100, 140))


@pytest.fixture
def frame() -> Any:
    return dask.dataframe.from_pandas(FRAME, npartitions=5)


def test_a_frame(llm: LocalLLM, client: Any, frame: Any, asked: Callable[[], dict[int, list[str]]]) -> None:
    """The answers are a series of the same partitions, index and divisions, and equal those of one machine."""
    said: list[Progress] = []
    answers = llm.map("{{ text }} ({{ stars }})", frame, client=client, progress=said.append)
    assert isinstance(answers, dask.dataframe.Series)
    assert (answers.npartitions, answers.divisions, answers.name) == (5, frame.divisions, "answer")
    assert os.getpid() not in asked()
    assert len(asked()) == 2
    there = client.compute(frame.assign(answer=answers)).result()
    assert sum(map(len, asked().values())) == 40  # they are there, and are not asked again
    here = FRAME.assign(answer=llm.map("{{ text }} ({{ stars }})", FRAME))
    pd.testing.assert_frame_equal(there, here, check_dtype=False)
    assert (said[-1].done, said[-1].total, said[-1].finished) == (40, 40, True)


def test_a_worker_that_is_killed(
    llm: LocalLLM, client: Any, frame: Any, asked: Callable[[], dict[int, list[str]]]
) -> None:
    """Its partitions are run again by others, also when their answers were there already."""

    def kill() -> None:
        wait_for(lambda: len(asked()) == 2)
        os.kill(max(asked()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    answers = llm.map("{{ text }} and some words that take a while", frame, client=client, cache="off")
    killer.join()
    want = [f"re: {text} and some words that take a while" for text in FRAME["text"]]
    assert client.compute(answers).result().tolist() == want
    client.wait_for_workers(2)
    count = sum(map(len, asked().values()))
    os.kill(min(asked()), signal.SIGKILL)  # the one that has answered most
    assert client.compute(answers).result().tolist() == want
    assert sum(map(len, asked().values())) > count


def test_a_bag(llm: LocalLLM, client: Any) -> None:
    """Bags of records and of plain values give bags of answers."""
    bag = dask.bag.from_sequence([{"text": f"text {i}"} for i in range(9)], npartitions=3)
    answers = llm.map("{{ text }}", bag, client=client)
    assert isinstance(answers, dask.bag.Bag)
    assert client.compute(answers).result() == [f"re: text {i}" for i in range(9)]
    assert client.compute(answers.map(len)).result() == [10] * 9
    plain = dask.bag.from_sequence(["a", "b"], npartitions=2)
    said = llm.map("{{ value }}", plain, client=client)
    assert client.compute(said).result() == ["re: a", "re: b"]


def test_no_rows(llm: LocalLLM, client: Any, frame: Any) -> None:
    """Empty partitions are passed over; without a row nothing is asked."""
    few = llm.map("{{ text }}", frame[frame.stars > 38], client=client)
    assert client.compute(few).result().to_dict() == {139: "re: text 39"}
    none = llm.map("{{ text }}", frame[frame.stars > 100], client=client)
    assert client.compute(none).result().tolist() == []


def test_rows_that_fail(llm: LocalLLM, client: Any) -> None:
    """An error names the partition and the row; when they are recorded, their places are those among all rows."""
    texts = pd.Series(["a", "b", "c", "fall", "e", "fall"], index=list("uvwxyz"), name="text")
    series = dask.dataframe.from_pandas(texts, npartitions=3)
    with pytest.raises(EngineError, match=r"partition [12], row 1 \(label '[xz]'\)"):
        llm.map("{{ value }}", series, client=client)
    failed: list[RowError] = []
    made = llm.map("{{ value }}", series, client=client, on_error=failed.append)
    answers = client.compute(made).result()
    assert [(error.position, error.label) for error in failed] == [(3, "x"), (5, "z")]
    assert answers.dropna().tolist() == ["re: a", "re: b", "re: c", "re: e"]
    with pytest.warns(RuntimeWarning, match=r"2 rows failed:\n  row 3 \(label 'x'\): .*\n  row 5 \(label 'z'\): "):
        llm.map("{{ value }}", series, client=client, on_error="record")


def test_a_partition_that_kills_its_workers(
    llm: LocalLLM, client: Any, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where failures are recorded, its rows have failed and the others go on (but those which died with it)."""
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    texts = pd.Series(["a", "b", "die", "c", "d", "e"], index=list("uvwxyz"), name="text")
    kinds = {
        "series": dask.dataframe.from_pandas(texts, npartitions=3),
        "bag": dask.bag.from_sequence(texts.tolist(), npartitions=3),
    }
    for kind, data in kinds.items():
        failed: list[RowError] = []
        answers = client.compute(llm.map("{{ value }}", data, client=client, on_error=failed.append)).result()
        lost = {error.position: error.label for error in failed}
        assert {2, 3} <= lost.keys()
        assert "died" in failed[0].error.message
        assert [one for one in answers if not pd.isna(one)] == [
            f"re: {text}" for place, text in enumerate(texts) if place not in lost
        ]
        assert len(answers) == 6
        if kind == "series":
            assert (answers.index.tolist(), lost[2]) == (texts.index.tolist(), "w")
        client.wait_for_workers(1)  # on a busy machine Dask gives a worker up that died while it was started again


def test_a_variable_that_cannot_be_sent(llm: LocalLLM, client: Any) -> None:
    """It is named."""
    series = dask.dataframe.from_pandas(pd.Series(["a"]), npartitions=1)
    with pytest.raises(UsageError, match="the variable lock cannot be sent to the workers"):
        llm.map("{{ value }} {{ lock }}", series, client=client, variables={"lock": threading.Lock()})


def test_what_is_wrong_is_told_before_anything_is_asked(
    llm: LocalLLM, client: Any, frame: Any, asked: Callable[[], dict[int, list[str]]]
) -> None:
    """A name that no row has, an option that is none, a collection without a cluster or without rows."""
    with pytest.raises(TemplateError, match="no variable `txet`"):
        llm.map("{{ txet }}", frame, client=client)
    with pytest.raises(UsageError, match="unknown option"):
        llm.map("{{ text }}", frame, client=client, max_token=1)
    with pytest.raises(UsageError, match="needs a cluster"):
        llm.map("{{ text }}", frame)
    with pytest.raises(UsageError, match="has no rows to ask for"):
        llm.map("{{ text }}", frame.index, client=client)
    with pytest.raises(UsageError, match=r"client is a dask\.distributed\.Client, not str"):
        llm.map("{{ value }}", ["a"], client="tcp://10.0.0.1:8786")
    assert asked() == {}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Any]:
    with new_shell(tmp_path) as made:
        yield made


@pytest.mark.usefixtures("client")
def test_over(cluster: Any, frame: Any, llm: LocalLLM, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``--over`` gives the collection with the answers as a column, and shows its first rows."""
    from jupyter_localllm import runtime
    from jupyter_localllm.magics.run import run_cell

    runtime.current().own = llm
    with pytest.raises(UsageError, match="--over df: a DataFrame of dask needs a cluster"):
        run_cell(shell, "--over df", "{{ text }}", {"df": frame})
    with dask.distributed.Client(cluster):
        run_cell(shell, "said << --over df", "{{ text }}", {"df": frame.assign(answer=1)})
        made = shell.user_ns["said"]
        assert made.columns.tolist() == ["text", "stars", "answer", "answer_2"]
        assert made.compute()["answer_2"].tolist() == [f"re: text {i}" for i in range(40)]
        said = capsys.readouterr().out
        assert "40 rows answered by scripted. The answers are the column `answer_2` of `said`." in said
        assert "re: text 0" in said
        with pytest.raises(UsageError, match="not counted before"):
            run_cell(shell, "--over df --dry-run", "{{ text }}", {"df": frame})
