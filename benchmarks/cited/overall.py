"""Rows over all answers of a run, and the time to the first words."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.cited.asking import Asked, Run
from benchmarks.cited.scores import gate, share
from benchmarks.spread import percentile
from jupyter_localllm.types import Revised, Token

__all__ = ["claims", "readings", "times"]

_MIX = ("lookups", "statistics", "questions")


def claims(run: Run) -> dict[str, Any]:
    """Marks, numbers and claims marked supported, over all answers from tables and the text so far."""
    asked = [a for row in run.asked.values() for a in row if "marks" in a.scores]

    def of(name: str) -> dict[str, Any]:
        return share((a.scores[name] for a in asked), seed=run.seed)

    return {
        "valid marks": gate(of("marks"), at_least=1.0),
        "numbers of supported claims that stand in what they cite": of("numbers"),
        "supported claims that are entailed": gate(of("entailed"), at_least=0.98),
        "supported claims that could not be judged": sum(a.scores["unjudged"] for a in asked),
        "answers": len(asked),
        "by row": {row: share(a.scores["entailed"] for a in asked if a.row == row) for row in run.asked},
    }


def readings(run: Run) -> dict[str, Any]:
    """Of answers that say how the question was read, the share that is right; over the rows of the mix."""
    rows = {name: list(run.asked.get(name, [])) for name in _MIX}
    return {
        "all": _readings([a for asked in rows.values() for a in asked], run.seed, gated=True),
        **{name: _readings(asked, run.seed, gated=False) for name, asked in rows.items() if asked},
    }


def _readings(asked: list[Asked], seed: int, *, gated: bool) -> dict[str, Any]:
    read = [a for a in asked if a.answer.reading and not a.answer.abstained]
    right = share((a.right for a in read), seed=seed)
    return {
        "right where not abstained": gate(right, at_least=0.9) if gated else right,
        "abstained": share((a.answer.abstained for a in asked), seed=seed),
        "read and not abstained": share((bool(a.answer.reading) and not a.answer.abstained for a in asked), seed=seed),
    }


def big_frame(rows: int, seed: int) -> Any:
    """A frame of orders: a key of its own in each row, names, categories, numbers and dates."""
    import pandas as pd

    rng = random.Random(seed)
    syllables = ["ba", "do", "fi", "ka", "lu", "mer", "no", "ri", "sto", "tan", "ve", "zo"]

    def name() -> str:
        return "".join(rng.choice(syllables) for _ in range(3)).capitalize()

    cities, products = [name() for _ in range(60)], [f"{name()} {i}" for i in range(40)]
    return pd.DataFrame(
        {
            "order": [f"A{i:05d}" for i in range(rows)],
            "customer": [f"{name()} {name()}" for _ in range(rows)],
            "city": rng.choices(cities, k=rows),
            "product": rng.choices(products, k=rows),
            "region": rng.choices(["north", "south", "east", "west"], k=rows),
            "price": [round(rng.uniform(1, 900), 2) for _ in range(rows)],
            "units": [rng.randint(1, 40) for _ in range(rows)],
            "shipped": pd.date_range("2021-01-01", periods=rows, freq="h").strftime("%Y-%m-%d"),
        }
    )


def time_questions(frame: Any, n: int, seed: int) -> list[str]:
    """Lookups and statistics in turn."""
    rng = random.Random(seed)
    forms: list[Callable[[], str]] = [
        lambda: f"What is the price of {rng.choice(list(frame['order']))}?",
        lambda: f"What is the mean price where region is {rng.choice(['north', 'south', 'east', 'west'])}?",
        lambda: f"{rng.choice(list(frame['customer']))}: which product?",
        lambda: f"How many rows have city {rng.choice(list(frame['city']))}?",
        lambda: f"Wie lautet city von {rng.choice(list(frame['order']))}?",
        lambda: "Which product has the highest total units?",
    ]
    return [forms[i % len(forms)]() for i in range(n)]


def times(
    stream: Callable[..., Iterable[Any]], *, rows: int, n: int, seed: int, bar_ms: float = 1500.0
) -> dict[str, Any]:
    """Milliseconds from the question to the first words of the answer, the frame known already.

    Parameters
    ----------
    stream : callable
        Gives the events of an answer; the first ``Token`` or ``Revised`` with text counts.
    """
    frame = big_frame(rows, seed)
    first, last = [], []
    for question in ["How many rows are there?", *time_questions(frame, n, seed)]:
        begun = time.perf_counter()
        seen = None
        for event in stream(question, sources={"orders": frame}):
            if seen is None and isinstance(event, (Token, Revised)) and event.text:
                seen = time.perf_counter()
        last.append((time.perf_counter() - begun) * 1000)
        first.append(last[-1] if seen is None else (seen - begun) * 1000)
        print(f"time: {first[-1]:.0f} ms, whole {last[-1]:.0f} ms: {question}", file=sys.stderr, flush=True)
    warm = first[1:]
    worst = max(warm)
    return {
        "what": f"question to first words over {rows:,} rows, ms",
        "cold_ms": round(first[0], 1),
        "p50_ms": round(percentile(warm, 0.5), 1),
        "p95_ms": round(percentile(warm, 0.95), 1),
        "worst_ms": round(worst, 1),
        "whole answer p50_ms": round(percentile(last[1:], 0.5), 1),
        "whole answer worst_ms": round(max(last[1:]), 1),
        "n": len(warm),
        "gate": {"at_most_ms": bar_ms, "kept": worst <= bar_ms},
    }
