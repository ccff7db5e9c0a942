"""What it costs and what it brings to send the rows of a map to other processes.

Informational: no figure here is a gate. Everything runs on one machine, so a model that decodes on its processor cannot
get faster by more processes; what can is told by an engine that takes its time without a processor, as one on another
machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.stub_server import serving
from benchmarks.timed import ANSWER, DELAY, Timed
from jupyter_localllm import LocalLLM
from jupyter_localllm.cache import AnswerCache, AnswerKey, Entry, answer_key
from jupyter_localllm.types import Message, Provenance, Result, Sampling, Token

__all__ = ["committing", "main"]

_QUESTION = "In one sentence: what is {{ value }} known for?"


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """So many worker processes of two threads; None for none."""
    if not workers:
        yield None
        return
    from distributed import Client, LocalCluster

    with (
        warnings.catch_warnings(),
        LocalCluster(n_workers=workers, threads_per_worker=2, dashboard_address=":0") as made,
        Client(made, set_as_default=False) as client,
    ):
        client.wait_for_workers(workers)
        yield client


def rows_per_second(llm: LocalLLM, rows: list[str], client: Any, **options: Any) -> float:
    """Of a map over rows that are asked for the first time; the workers have their models by then."""
    llm.map(_QUESTION, [f"warming {i}" for i in range(16)], client=client, cache="off", **options)
    begun = time.perf_counter()
    llm.map(_QUESTION, rows, client=client, cache="off", **options)
    return len(rows) / (time.perf_counter() - begun)


def sent(what: str, token_ms: float, rows: int, counts: tuple[int, ...], folder: Path) -> list[dict[str, Any]]:
    """Rows a second of an engine that takes a given time, in the kernel (0) and on so many workers."""
    os.environ[DELAY] = str(token_ms)
    lines = []
    for workers in counts:
        with cluster(workers) as client:
            llm = Timed(cache_dir=str(folder), n_parallel=8)
            rate = rows_per_second(llm, [f"thing {i}" for i in range(rows)], client)
        lines.append({"what": what, "workers": workers, "rows": rows, "rows_per_second": round(rate, 1)})
    return lines


def decoded(rows: int, counts: tuple[int, ...], folder: Path) -> list[dict[str, Any]]:
    """The same of the embedded model, all on this machine's processor."""
    lines = []
    for workers in counts:
        with cluster(workers) as client, contextlib.closing(LocalLLM(cache_dir=str(folder))) as llm:
            rate = rows_per_second(llm, [f"place {i}" for i in range(rows)], client, max_tokens=24)
        what = "SmolLM2-135M, all processes on this machine"
        lines.append({"what": what, "workers": workers, "rows": rows, "rows_per_second": round(rate, 2)})
    return lines


def served(folder: Path) -> list[dict[str, Any]]:
    """Rows a second of a server that takes 160 ms for each request and any number at a time."""
    lines = []
    with serving(lambda _body: ANSWER, seconds=0.16) as url:
        for open_at_once in (1, 8, 32):
            llm = LocalLLM(model=f"openai:stub@{url}", n_parallel=open_at_once, cache_dir=str(folder))
            rate = rows_per_second(llm, [f"thing {i}" for i in range(40 * open_at_once)], None)
            what = "a server that takes 160 ms for a request, any number at a time"
            lines.append({"what": what, "n_parallel": open_at_once, "rows_per_second": round(rate, 1)})
    return lines


def committing(folder: Path, count: int = 2000) -> list[dict[str, Any]]:
    """Microseconds of a row's answer in the cache: a transaction each, and in groups."""
    cache = AnswerCache(folder / "committing")
    pairs = [(key, _entry(key)) for key in map(_key, range(2 * count))]
    cache.put(*pairs[0])
    begun = time.perf_counter()
    for pair in pairs[1:count]:
        cache.put(*pair)
    each = (time.perf_counter() - begun) / (count - 1)
    begun = time.perf_counter()
    for start in range(count, 2 * count, 256):
        cache.put_all(pairs[start : start + 256])
    grouped = (time.perf_counter() - begun) / count
    cache.close()
    return [
        {"what": "an answer into the cache, a transaction each", "microseconds": round(each * 1e6)},
        {"what": "an answer into the cache, in groups", "microseconds": round(grouped * 1e6)},
    ]


def _key(number: int) -> AnswerKey:
    messages = [Message.of("system", "You are a helpful assistant."), Message.of("user", f"question {number}")]
    return answer_key(
        messages=messages, sampling=Sampling(), max_tokens=64, stop=(), model_sha256="ab" * 32, template_version="1"
    )


def _entry(key: AnswerKey) -> Entry:
    return Entry.of((Token("yes"),), Result("yes", provenance=Provenance(model="m", model_sha256="ab" * 32)), key)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--out", type=Path, help="write the JSON here, too")
    parser.add_argument("--rows", type=int, default=2000, help="rows for the engine that answers at once")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [
            *committing(folder),
            *sent("an engine that answers at once", 0.0, arguments.rows, (0, 1, 2), folder),
            *sent("an engine that takes 160 ms for a row, one row at a time", 20.0, 160, (0, 1, 2, 4), folder),
            *served(folder),
            *decoded(64, (0, 1, 2), folder),
        ]
    text = json.dumps(lines, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
