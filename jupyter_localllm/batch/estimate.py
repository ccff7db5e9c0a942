"""What a map would take: tokens and time, from a few of its rows.

Tokens of prompts are counted. Time is measured: the rows of the sample are asked, which is nothing lost, because their
answers are in the cache and the map finds them there.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jupyter_localllm.batch.data import Data, Row
from jupyter_localllm.batch.mapping import RowError
from jupyter_localllm.batch.run import Outcome, RowPrompt, Runner, is_of_the_run, run
from jupyter_localllm.batch.template import RowTemplate
from jupyter_localllm.batch.view import duration
from jupyter_localllm.errors import LocalLLMError, UsageError, first_line
from jupyter_localllm.types import Part

__all__ = ["SAMPLE", "Estimate", "Weight", "estimate", "refuse_single_use", "sampled"]

SAMPLE = 8
"""Rows that are looked at, spread over all."""

_BUDGET_SECONDS = 20.0


@dataclass(frozen=True)
class Weight:
    """What a prompt weighs.

    Parameters
    ----------
    text : str
        As the model reads it, for what prompts begin with alike.
    tokens : int
    max_tokens : int
        Most tokens of its answer.
    cached : bool
        Whether the answer is in the cache.
    """

    text: str
    tokens: int
    max_tokens: int
    cached: bool


@dataclass(frozen=True)
class Estimate:
    """What ``llm.map(…, dry_run=True)`` gives.

    Parameters
    ----------
    rows : int or None
        None if they are not counted.
    sampled : int
        Rows that it rests on.
    prompt_tokens : float
        Of a row's prompt, on average.
    shared_tokens : int
        What all prompts begin with; read once.
    answer_tokens : float or None
        Of a row's answer, on average; None if no row of the sample was asked.
    max_tokens : int
        Most tokens of an answer.
    row_seconds : float or None
        For a row, while several are decoded together; None if none was finished in time.
    cached : int
        Rows of the sample whose answers were in the cache.
    errors : tuple of RowError
        Rows of the sample that failed.
    model : str
    """

    rows: int | None
    sampled: int
    prompt_tokens: float
    shared_tokens: int
    answer_tokens: float | None
    max_tokens: int
    row_seconds: float | None
    cached: int = 0
    errors: tuple[RowError, ...] = ()
    model: str = ""

    @property
    def tokens(self) -> int | None:
        """Tokens of all prompts, what they share counted once, and of all answers."""
        if self.rows is None:
            return None
        each = max(0.0, self.prompt_tokens - self.shared_tokens) + (self.answer_tokens or 0.0)
        return round(self.shared_tokens + self.rows * each)

    @property
    def seconds(self) -> float | None:
        """Time for all rows."""
        return None if self.rows is None or self.row_seconds is None else self.rows * self.row_seconds

    def __str__(self) -> str:
        """A few lines for people."""
        if not self.sampled:
            return "No rows: nothing would be asked."
        rows = "Rows that are not counted" if self.rows is None else f"{self.rows:,} rows"
        if self.rows == 1:
            rows = "1 row"
        shared = f", {self.shared_tokens:,} of them the same in all" if self.shared_tokens else ""
        said = "not asked" if self.answer_tokens is None else f"about {self.answer_tokens:,.0f} tokens"
        lines = [
            f"{rows}, judged by {self.sampled}. Model {self.model}.",
            f"  prompts  about {self.prompt_tokens:,.0f} tokens each{shared}",
            f"  answers  {said}, {self.max_tokens:,} at most",
        ]
        if self.tokens is not None and self.answer_tokens is not None:
            lines.append(f"  in all   about {self.tokens:,} tokens")
        if self.seconds is not None:
            lines.append(f"  time     about {duration(self.seconds)}")
        elif self.row_seconds is not None:
            lines.append(f"  time     about {self.row_seconds:.2g} s a row")
        if self.cached:
            lines.append(f"  {self.cached} of the {self.sampled} were in the cache already.")
        lines += [f"  {error.where}: {first_line(error.error.message)}" for error in self.errors]
        return "\n".join(lines)


def refuse_single_use(data: Data, name: str = "the data") -> None:
    """Refuse what a look at some rows would use up.

    Raises
    ------
    UsageError
    """
    if data.single_use:
        raise UsageError(
            f"a dry run would use up the first rows of {name}, which can be gone through only once",
            f"Make a list of it first: rows = list({name if name.isidentifier() else '…'})",
        )


def sampled(data: Data, template: RowTemplate) -> Iterator[Row]:
    """Some rows, spread over all; of data whose length is not known the first ones."""
    refuse_single_use(data)
    count = SAMPLE if data.total is None else min(SAMPLE, data.total)
    wanted = {place * (data.total or count) // count for place in range(count)}
    last = max(wanted, default=-1)
    for row in data.rows(template.names):
        if row.position in wanted:
            yield row
        if row.position >= last:
            return


def estimate(
    template: RowTemplate,
    data: Data,
    runner: Runner | None,
    weigh: Callable[[tuple[Part, ...]], Weight],
    *,
    count: Callable[[str], int],
    share: float = 1.0,
    model: str = "",
) -> Estimate:
    """Weigh a sample of the rows, and time them.

    Parameters
    ----------
    template : RowTemplate
    data : Data
    runner : Runner or None
        Asks the sample; None: no row is asked, and no time told.
    weigh : callable
        Gives the weight of a prompt.
    count : callable
        Gives the tokens of a text.
    share : float, optional
        Of the time of a row, where several machines share the rows.
    """
    prompts: list[RowPrompt] = []
    weights: list[Weight] = []
    errors: list[RowError] = []
    for row in sampled(data, template):
        if template.passes_over(row):
            continue
        try:
            parts = template.render(row)
            weights.append(weigh(parts))
            prompts.append(RowPrompt(row.position, parts))
        except LocalLLMError as error:
            if is_of_the_run(error):
                raise
            errors.append(RowError(row.position, data.label(row.position), error))
    shared = _beginning([weight.text for weight in weights]) if len(weights) > 1 else ""
    new = [prompt for prompt, weight in zip(prompts, weights, strict=True) if not weight.cached]
    timed = _timed(new, runner, data) if runner is not None and new else _Timed()
    looked = len(weights) + len(errors)
    rate = timed.seconds / timed.finished * share * len(new) / len(weights) if timed.finished else None
    return Estimate(
        rows=data.total,
        sampled=looked,
        prompt_tokens=_mean([weight.tokens for weight in weights]),
        shared_tokens=count(shared) if shared else 0,
        answer_tokens=timed.tokens / timed.finished if timed.finished else None,
        max_tokens=max((weight.max_tokens for weight in weights), default=0),
        row_seconds=0.0 if weights and not new else rate,
        cached=len(weights) - len(new),
        errors=(*errors, *timed.errors),
        model=model,
    )


@dataclass(frozen=True)
class _Timed:
    seconds: float = 0.0
    finished: int = 0
    tokens: int = 0
    errors: tuple[RowError, ...] = ()


def _timed(prompts: Sequence[RowPrompt], runner: Runner, data: Data) -> _Timed:
    """Ask, for some seconds at most."""
    begun = time.perf_counter()
    finished = tokens = 0
    errors = []
    steps = run(prompts, runner)
    with contextlib.closing(steps):
        for step in steps:
            if isinstance(step, Outcome):
                finished += 1
                if step.error is not None:
                    if is_of_the_run(step.error):
                        raise step.error
                    errors.append(RowError(step.position, data.label(step.position), step.error))
                elif step.result is not None:
                    tokens += step.result.usage.completion_tokens
            if time.perf_counter() - begun > _BUDGET_SECONDS:
                break
    return _Timed(time.perf_counter() - begun, finished, tokens, tuple(errors))


def _beginning(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    low, high = min(texts), max(texts)  # in their order all others stand between these
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False))
    return low[: sum(1 for _ in same)]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
