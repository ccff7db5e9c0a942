"""Figures: of one prompt, of one case, and what they come to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jupyter_localllm.bench.meters import Energy

__all__ = ["Row", "Sample", "Spread", "early_and_late", "spread_of"]

_THROTTLED = 0.9  # so much of the early speed is left, and less is worth a word
_UNTOLD = Energy(None, "")
_ENOUGH = 6  # prompts for early and late figures: two in each third


@dataclass(frozen=True)
class Sample:
    """One prompt that was answered. Times in milliseconds by the clock on the wall, speeds in tokens a second.

    Parameters
    ----------
    ttft_ms, latency_ms : float
        From the question to the first piece of text, and to the end.
    prompt_tokens, cached_tokens, completion_tokens : int
    prompt_tokens_per_second, tokens_per_second : float
        As the engine measures them; where it does not, from the times above.
    finish_reason : str
    remote : str
        The address that was asked, if it is not on this machine.
    told : Mapping
        All timings that came with the answer, those that a server reports of itself among them.
    """

    ttft_ms: float
    latency_ms: float
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    prompt_tokens_per_second: float
    tokens_per_second: float
    finish_reason: str = "stop"
    remote: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """Median, and the values that 90 % and 99 % of the samples do not exceed."""

    p50: float
    p90: float
    p99: float


@dataclass(frozen=True)
class Row:
    """One case: what was measured, and what came of it. What could not be measured is None.

    Parameters
    ----------
    label : str
        The model, and what differs between the cases.
    model, backend, quantization : str
    n_ctx : int or None
        Window in tokens.
    settings : Mapping
        What this case sets.
    first_load_ms : float or None
        Loading as it came first, with checks and, on a new machine, calibration.
    load_ms : float or None
        Loading once more, with the file in the system's memory.
    samples : tuple of Sample
    resident_bytes, video_bytes : int or None
        What the model takes in memory, and on GPUs.
    energy : Energy
        Of the measured prompts together.
    seconds : float
        That they took.
    quality : Mapping or None
        Right and asked, for each kind of the fixed questions: ``{"cited": [7, 8], …}``.
    answers : tuple of Mapping
        What was answered to the fixed questions.
    notes : tuple of str
        What should be known of these figures.
    error : str
        Why there are none, or not all.
    """

    label: str
    model: str = ""
    backend: str = ""
    quantization: str = ""
    n_ctx: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    first_load_ms: float | None = None
    load_ms: float | None = None
    samples: tuple[Sample, ...] = ()
    resident_bytes: int | None = None
    video_bytes: int | None = None
    energy: Energy = _UNTOLD
    seconds: float = 0.0
    quality: Mapping[str, Any] | None = None
    answers: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def ttft_ms(self) -> Spread | None:
        """Milliseconds to the first piece of text."""
        return spread_of([sample.ttft_ms for sample in self.samples])

    @property
    def latency_ms(self) -> Spread | None:
        """Milliseconds to the end of the answer."""
        return spread_of([sample.latency_ms for sample in self.samples])

    @property
    def tokens_per_second(self) -> float | None:
        """The median of the answers that were long enough to tell."""
        return _median([s.tokens_per_second for s in self.samples if s.completion_tokens > 1])

    @property
    def prompt_tokens_per_second(self) -> float | None:
        """The median over the prompts."""
        return _median([s.prompt_tokens_per_second for s in self.samples])

    @property
    def early_late(self) -> tuple[float, float] | None:
        """Tokens a second in the first third of the prompts and in the last."""
        return early_and_late([s.tokens_per_second for s in self.samples if s.completion_tokens > 1])

    @property
    def throttled(self) -> bool:
        """Whether the speed fell in the course of the measurement."""
        both = self.early_late
        return both is not None and both[1] < _THROTTLED * both[0]

    @property
    def joules_per_token(self) -> float | None:
        """Energy for each token that was written, reading the prompts included."""
        tokens = sum(sample.completion_tokens for sample in self.samples)
        return None if self.energy.joules is None or not tokens else self.energy.joules / tokens

    @property
    def quality_share(self) -> float | None:
        """Right answers of all the fixed questions, from 0 to 1."""
        if not self.quality:
            return None
        right, asked = (sum(pair[i] for pair in self.quality.values()) for i in (0, 1))
        return right / asked if asked else None

    def server_ms(self, what: str) -> float | None:
        """The median of what a server reports of its own work (load, prompt, generation, total)."""
        return _median([sample.told.get(f"server_{what}_ms", 0.0) for sample in self.samples])

    def figures(self) -> dict[str, Any]:
        """The figures of the case, flat: for tables and frames."""
        ttft, latency, both = self.ttft_ms, self.latency_ms, self.early_late
        return {
            "case": self.label,
            "model": self.model,
            "quantization": self.quantization,
            "backend": self.backend,
            "n_ctx": self.n_ctx,
            "n": len(self.samples),
            "first_load_ms": self.first_load_ms,
            "load_ms": self.load_ms,
            "ttft_ms_p50": ttft and ttft.p50,
            "ttft_ms_p90": ttft and ttft.p90,
            "ttft_ms_p99": ttft and ttft.p99,
            "latency_ms_p50": latency and latency.p50,
            "latency_ms_p90": latency and latency.p90,
            "latency_ms_p99": latency and latency.p99,
            "prompt_tokens_per_second": self.prompt_tokens_per_second,
            "tokens_per_second": self.tokens_per_second,
            "early_tokens_per_second": both and both[0],
            "late_tokens_per_second": both and both[1],
            **{f"server_{what}_ms": self.server_ms(what) for what in ("load", "prompt", "generation", "total")},
            "resident_bytes": self.resident_bytes,
            "video_bytes": self.video_bytes,
            "joules_per_token": self.joules_per_token,
            "quality": self.quality_share,
            **{f"quality_{kind}": pair[0] / pair[1] for kind, pair in (self.quality or {}).items() if pair[1]},
            "error": self.error,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {**self.figures(), **asdict(self), "figures": self.figures()}


def spread_of(values: Sequence[float]) -> Spread | None:
    """The spread of samples, by nearest rank: each of its numbers was measured; None without samples.

    Examples
    --------
    >>> spread_of([4.0, 1.0, 3.0, 2.0])
    Spread(p50=2.0, p90=4.0, p99=4.0)
    """
    ordered = sorted(values)
    if not ordered:
        return None
    return Spread(*(ordered[max(0, math.ceil(share * len(ordered)) - 1)] for share in (0.5, 0.9, 0.99)))


def early_and_late(values: Sequence[float]) -> tuple[float, float] | None:
    """The medians of the first third and of the last; None for fewer than six samples.

    Examples
    --------
    >>> early_and_late([10, 10, 9, 8, 5, 5])
    (10.0, 5.0)
    """
    if len(values) < _ENOUGH:
        return None
    third = len(values) // 3
    return float(statistics.median(values[:third])), float(statistics.median(values[-third:]))


def _median(values: Sequence[float]) -> float | None:
    known = [value for value in values if value > 0]
    return float(statistics.median(known)) if known else None
