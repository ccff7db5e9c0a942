"""How long one waits: for the first token, for a stopped request to be gone, beside other programs."""

from __future__ import annotations

import contextlib
import importlib.util
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.ours import SYSTEM, Answer, Bench, Missing, handle, timed
from benchmarks.peers import PEERS, Peer
from benchmarks.spread import alternate, percentile, row, spread
from benchmarks.texts import STORIES, sources
from jupyter_localllm import LocalLLM
from jupyter_localllm.types import Status, Token

__all__ = ["against_peers", "cancelling", "second_question"]

_SOURCES_TOKENS = 2000
_SAMPLES = 24  # of each kind of cancellation, at the least: a p95 of fewer says nothing
_OTHERS = 2


def second_question(bench: Bench) -> list[dict[str, Any]]:
    """Milliseconds to the first token of the second question over the same sources, and of the first one."""
    questions = ("Which year is named first?", "What is said about the mayor?")
    pairs = []
    with handle(bench, speculation=False) as llm:
        timed(llm.stream("Hello.", max_tokens=8, cache="off"))
        for i in range(bench.rounds):  # the order is given here; other sources each time
            text = sources(i, _SOURCES_TOKENS, llm.count_tokens)
            first, second = (
                timed(llm.stream(f"{text}\n\n{question}", max_tokens=8, cache="off")).first_ms for question in questions
            )
            pairs.append((second, first))
    return [
        row(
            "time to the first token, second question over the same 2,000 tokens of sources",
            "the first question over them",
            pairs,
            unit="ms",
            at_most=0.1,
        )
    ]


def cancelling(bench: Bench) -> list[dict[str, Any]]:
    """Milliseconds from closing a stream to an engine that is free for the next request.

    Free is when a short request, sent at once, has its answer, less what this request takes by itself in the same
    surroundings (median); its prompt is resident, so that is about one step.
    """
    samples = max(_SAMPLES, bench.rounds)
    cases: dict[str, tuple[list[float], float]] = {}
    with handle(bench, n_ctx=8192, speculation=False) as llm:
        _probe(llm)
        for others in (0, _OTHERS):
            with _company(llm, others):
                alone = sorted(_probe(llm) for _ in range(9))[4]
                for phase in ("prompt", "decode"):
                    raw = [_cancel(llm, phase, 1000 * others + i) for i in range(samples)]
                    name = f"in {phase}" + (f", beside {others} other sequences" if others else "")
                    cases[name] = raw, alone
    free = {name: [max(0.0, ms - alone) for ms in raw] for name, (raw, alone) in cases.items()}
    p95 = {name: percentile(values, 0.95) for name, values in free.items()}
    worst = max(p95.values())
    return [
        {
            "what": "from closing a stream to an engine that is free for the next request",
            "unit": "ms",
            "ours": {name: {**spread(values), "p95": round(p95[name], 1)} for name, values in free.items()},
            "with_the_next_request": {name: spread(raw) for name, (raw, _) in cases.items()},
            "the_next_request_alone": {name: round(alone, 1) for name, (_, alone) in cases.items()},
            "against": "the bar",
            "ratio": round(worst / 100, 3),
            "gate": {"p95_at_most_ms": 100, "kept": worst <= 100},
        }
    ]


def _probe(llm: LocalLLM) -> float:
    begun = time.perf_counter()
    llm.generate("Hi.", max_tokens=1, cache="off")
    return (time.perf_counter() - begun) * 1000


def _cancel(llm: LocalLLM, phase: str, seed: int) -> float:
    """One request that is stopped at a random moment."""
    rng = random.Random(seed)
    if phase == "prompt":
        stream = llm.stream(sources(seed, 3000, llm.count_tokens), max_tokens=8, cache="off")
        event = next(stream)
        while not (isinstance(event, Status) and event.stage == "prompt"):
            if isinstance(event, Token):
                raise RuntimeError("the engine does not tell that it reads a prompt of 3,000 tokens")
            event = next(stream)
    else:
        stream = llm.stream(STORIES[seed % 2], max_tokens=1000, cache="off")
        while not isinstance(next(stream), Token):
            pass
    time.sleep(rng.uniform(0.0, 1.0))
    begun = time.perf_counter()
    stream.close()
    _probe(llm)
    return (time.perf_counter() - begun) * 1000


@contextlib.contextmanager
def _company(llm: LocalLLM, count: int) -> Iterator[None]:
    """Other requests that decode meanwhile; what goes wrong with one of them is raised at the end."""
    leave, trouble = threading.Event(), []

    def work(number: int) -> None:
        try:
            while not leave.is_set():
                prompt = f"{number}. {STORIES[number % 2]}"
                for _ in llm.stream(prompt, max_tokens=1500, cache="off"):
                    if leave.is_set():
                        break
        except Exception as error:  # it is the measuring thread that must hear of it
            trouble.append(error)

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(0.5 if threads else 0.0)
    try:
        yield
    finally:
        leave.set()
        for thread in threads:
            thread.join(60)
    if trouble:
        raise RuntimeError(f"a sequence beside the cancelled ones failed: {trouble[0]}") from trouble[0]


def against_peers(bench: Bench) -> list[dict[str, Any]]:
    """Time to the first token of a prompt of 500 tokens that nobody has seen, and tokens/s of the 128 after it."""
    rows: list[dict[str, Any]] = []
    with handle(bench, speculation=False) as llm:
        timed(llm.stream("Hello.", max_tokens=8, cache="off"))
        for name, (modules, start) in PEERS.items():
            try:
                lacking = [module for module in modules if importlib.util.find_spec(module) is None]
                if lacking:
                    raise Missing(f"the modules {', '.join(lacking)}")
                peer = start(bench)
            except (Missing, RuntimeError) as missing:
                rows.append({"what": f"beside {name}", "missing": str(missing), "gate": "informational"})
                continue
            try:
                rows += _beside(bench, llm, name, peer)
            finally:
                peer.close()
    return rows


def _beside(bench: Bench, llm: LocalLLM, name: str, peer: Peer) -> list[dict[str, Any]]:
    def prompt(number: int) -> str:
        return sources(number, 500, llm.count_tokens) + "\n\n" + STORIES[0]

    own: list[Answer] = []
    other: list[dict[str, Any]] = []

    def ours() -> float:
        own.append(timed(llm.stream(prompt(len(own)), max_tokens=128, cache="off")))
        return own[-1].tokens_per_second

    def theirs() -> float:
        other.append(peer.ask(SYSTEM, prompt(len(other)), 128))
        return float(other[-1]["tokens_per_second"])

    peer.ask(SYSTEM, prompt(1000), 16)  # the first one warms up
    speeds = alternate(bench.rounds, ours, theirs)
    firsts = [(mine.first_ms, float(its["first_ms"])) for mine, its in zip(own, other, strict=True)]
    tokens = {"ours": own[-1].tokens, "reference": other[-1]["tokens"]}
    return [
        row("streamed tokens/s", name, speeds, unit="tokens/s", tokens=tokens) | _ahead(speeds, larger=True),
        row("time to the first token of a new prompt of 500 tokens", name, firsts, unit="ms")
        | _ahead(firsts, larger=False),
    ]


def _ahead(pairs: list[tuple[float, float]], *, larger: bool) -> dict[str, Any]:
    """The gate "ahead or equal"; equal is where the middle half of the ratios holds 1."""
    ratio = spread([ours / reference for ours, reference in pairs])
    edge = ratio["p75"] >= 1 if larger else ratio["p25"] <= 1
    return {"gate": {"ahead_or_equal": True, "kept": edge}}
