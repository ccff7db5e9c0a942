"""Measuring: one case after the other, each with a handle of its own."""

from __future__ import annotations

import contextlib
import gc
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from jupyter_localllm.bench.measured import Row, Sample
from jupyter_localllm.bench.meters import EnergyMeter, Nvml, resident_bytes, video_bytes
from jupyter_localllm.bench.plan import Plan
from jupyter_localllm.bench.prompts import prompt_number
from jupyter_localllm.bench.quality import KINDS, assess, questions
from jupyter_localllm.config.masked import masked
from jupyter_localllm.engine.backends import BackendSettings, target_of
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.errors import EngineError, LocalLLMError
from jupyter_localllm.models import read_header
from jupyter_localllm.models.kinds import quantization_of
from jupyter_localllm.types import Done, Result, Status, Token

__all__ = ["Subject", "measure"]

Tell = Callable[[Status], object]


class Subject(Protocol):
    """What is measured: a handle of `jupyter_localllm.LocalLLM`."""

    model: str

    @property
    def engine(self) -> Engine | None: ...  # noqa: D102
    def loading(self) -> Generator[Status, None, None]: ...  # noqa: D102
    def unload(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102
    def stream(self, prompt: Any, **options: Any) -> Generator[Any, None, None]: ...  # noqa: D102
    def generate(self, prompt: Any, **options: Any) -> Result: ...  # noqa: D102
    def ask(self, question: str, sources: Mapping[str, Any] | None = None, **options: Any) -> Any: ...  # noqa: D102
    def extract(self, schema: Any, prompt: Any, **options: Any) -> Any: ...  # noqa: D102


def measure(plan: Plan, make: Callable[[Mapping[str, Any]], Subject], tell: Tell) -> Iterator[Row]:
    """Measure each case of a plan.

    Parameters
    ----------
    plan : Plan
    make : callable
        From a case's settings to a handle with an engine that nobody else uses; it is closed afterwards.
    tell : callable
        Gets a `Status` whenever there is something to tell.

    Yields
    ------
    Row
        What goes wrong in a case is its row's error, and the next case follows. After an interrupt there is a row of
        what was measured of its case, and then the interrupt is raised again.
    """
    varied = _varied(plan)
    for number, case in enumerate(plan.cases):
        course = _Course(plan, case, number, tell)
        try:
            subject = make(case)
        except Exception as error:
            yield replace(course.row, label=_label(str(case.get("model", "")), case, varied), error=_told(error))
            continue
        course.row = replace(course.row, label=_label(subject.model, case, varied), model=masked(subject.model))
        try:
            course.run(subject)
        except Exception as error:  # a backend's bug costs its row, not the rows of hours
            course.row = replace(course.row, error=_told(error))
        except KeyboardInterrupt:
            stopped = f"interrupted after {len(course.samples)} of {plan.n} prompts"
            yield course.finished(stopped)
            raise
        finally:
            subject.close()
        yield course.finished()


class _Course:
    """One case, step by step: whatever happens, what was measured so far can be had."""

    def __init__(self, plan: Plan, case: Mapping[str, Any], number: int, tell: Tell) -> None:
        self._plan, self._number, self._tell = plan, number, tell
        self.row = Row("", settings=masked(dict(case)))
        self.samples: list[Sample] = []

    def run(self, subject: Subject) -> None:
        """Load twice, warm up, measure, and ask the fixed questions."""
        nvml = Nvml.open()
        gc.collect()  # what an earlier case left would be let go meanwhile, and be taken from the memory of this one
        before, video_before = resident_bytes(), video_bytes(nvml)
        self._load(subject)
        for i in range(self._plan.warmup):
            self._say(f"warming up, {i + 1} of {self._plan.warmup}", i)
            _ask(subject, prompt_number(self._plan.n + i, self._plan.prompts), self._plan.max_tokens)
        meter, begun = EnergyMeter(nvml=nvml), time.perf_counter()
        try:
            for i in range(self._plan.n):
                self._say(f"prompt {i + 1} of {self._plan.n}", self._plan.warmup + i)
                self.samples.append(_ask(subject, prompt_number(i, self._plan.prompts), self._plan.max_tokens))
                meter.sample()
        finally:
            self.row = replace(self.row, energy=meter.read(), seconds=time.perf_counter() - begun)
        self._look(subject, before, video_before, nvml)
        if self._plan.quality:
            steps = itertools.count(self._plan.warmup + self._plan.n)
            quality = assess(subject, lambda what: self._say(what, next(steps)))
            notes = (*self.row.notes, *quality.notes)
            self.row = replace(self.row, quality=quality.scores, answers=quality.answers, notes=notes)

    def finished(self, error: str = "") -> Row:
        """What there is."""
        row = replace(self.row, samples=tuple(self.samples), error=error or self.row.error)
        return replace(row, notes=(*row.notes, *_notes(row, self._plan)))

    def _load(self, subject: Subject) -> None:
        first = self._timed(subject)
        self.row = replace(self.row, first_load_ms=first)
        if not self._plan.warmup:  # whoever wants no warm-up wants the first load only
            return
        subject.unload()
        self.row = replace(self.row, load_ms=self._timed(subject))

    def _timed(self, subject: Subject) -> float:
        begun = time.perf_counter()
        for status in subject.loading():
            self._say(status.text or status.stage, 0)
        return (time.perf_counter() - begun) * 1000

    def _look(self, subject: Subject, before: int, video_before: int | None, nvml: Nvml | None) -> None:
        """What the engine says of itself, and the memory that it took."""
        engine = subject.engine
        if engine is None or not engine.loaded:
            return
        info = engine.info()
        details, video = dict(info.details), video_bytes(nvml)
        path, child = str(details.get("path", "")), ", child" if "pid" in details else ""
        # An engine that renders by itself is a server, whose memory is not ours.
        resident = None if info.renders else max(0, resident_bytes(details.get("pid")) - before)
        self.row = replace(
            self.row,
            n_ctx=info.n_ctx,
            backend=_backend(subject.model, path) + child,
            quantization=str(details.get("quantization", "")) or _quantization(path),
            resident_bytes=resident,
            video_bytes=None if video is None or video_before is None else max(0, video - video_before),
        )

    def _say(self, what: str, step: int) -> None:
        cases, steps = len(self._plan.cases), self._plan.warmup + self._plan.n
        steps += sum(len(questions()[kind]["items"]) for kind in KINDS) if self._plan.quality else 0
        which = f" ({self._number + 1} of {cases})" if cases > 1 else ""
        self._tell(Status("bench", f"{self.row.label}{which}: {what}", (self._number + step / steps) / cases))


def _ask(subject: Subject, prompt: str, max_tokens: int) -> Sample:
    """One prompt, timed by the clock on the wall."""
    begun, first, result = time.perf_counter(), 0.0, None
    with closing(subject.stream(prompt, max_tokens=max_tokens, cache="off", schema="")) as events:
        for event in events:
            if isinstance(event, Token) and not first:
                first = time.perf_counter()
            elif isinstance(event, Done):
                result = event.result
    end = time.perf_counter()
    if result is None:
        raise EngineError("the generation was stopped before it was done")
    usage, timings = result.usage, result.timings
    ttft, latency = ((first or end) - begun) * 1000, (end - begun) * 1000
    read = usage.prompt_tokens - usage.cached_prompt_tokens
    return Sample(
        ttft_ms=ttft,
        latency_ms=latency,
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_prompt_tokens,
        completion_tokens=usage.completion_tokens,
        prompt_tokens_per_second=timings.prompt_tokens_per_second or _rate(read, ttft),
        tokens_per_second=timings.tokens_per_second or _rate(usage.completion_tokens - 1, latency - ttft),
        finish_reason=result.finish_reason,
        remote=result.provenance.remote,
        told=asdict(timings),
    )


def _told(error: Exception) -> str:
    """An error in a row; of what is not ours its kind, too."""
    kind = "" if isinstance(error, LocalLLMError) else f"{type(error).__name__}: "
    return kind + str(masked(str(error)))


def _rate(tokens: int, milliseconds: float) -> float:
    return tokens / milliseconds * 1000 if tokens > 0 and milliseconds > 0 else 0.0


def _notes(row: Row, plan: Plan) -> Iterator[str]:
    both = row.early_late
    if both is not None and row.throttled:
        fell = f"the speed fell from {both[0]:.1f} to {both[1]:.1f} tokens/s"
        yield f"{fell}: this machine throttles, or others worked on it"
    short = sum(sample.finish_reason == "stop" for sample in row.samples)
    if short:
        ended = f"{short} of {len(row.samples)} answers ended before {plan.max_tokens} tokens"
        yield f"{ended}: their latencies are shorter"
    if remote := {sample.remote for sample in row.samples if sample.remote}:
        yield f"the prompts went to another machine: {', '.join(sorted(remote))}"
    if row.samples and row.energy.joules is None and row.energy.source:
        yield f"no energy: {row.energy.source}"


def _varied(plan: Plan) -> list[str]:
    """The settings that are not the same in all cases, the model first."""
    names = list(dict.fromkeys(name for case in plan.cases for name in case))
    return [name for name in names if len({repr(case.get(name)) for case in plan.cases}) > 1]


def _label(model: str, case: Mapping[str, Any], varied: list[str]) -> str:
    """The model, and what differs between the cases."""
    name = Path(model).stem if model.lower().endswith(".gguf") else model
    case = masked(dict(case))
    more = [f"{name}={case[name]}" for name in varied if name in case and name != "model"]
    return ", ".join(part for part in (masked(name), *more) if part)


def _backend(model: str, path: str) -> str:
    """The scheme of a backend's model, or who runs a file; empty for an engine that somebody made."""
    with contextlib.suppress(LocalLLMError):
        target = target_of(model, BackendSettings())
        if target is not None:
            return target.scheme
    return "llama.cpp" if path.lower().endswith(".gguf") else ""


def _quantization(path: str) -> str:
    """Of a GGUF; empty for what is none."""
    with contextlib.suppress(LocalLLMError, OSError):
        return quantization_of(read_header(path)) if path.lower().endswith(".gguf") else ""
    return ""
