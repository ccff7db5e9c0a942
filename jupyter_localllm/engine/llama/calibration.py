"""Which settings suit this machine and model: what was measured, what follows from it, and how it is remembered.

The measuring is done by `jupyter_localllm.engine.llama.measure`, in a child process: nothing is risked in the kernel.
Does not import ``llama_cpp``.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jupyter_localllm.engine.children import command
from jupyter_localllm.types import Status

__all__ = ["Calibration", "Measured", "calibrate_in_child", "conclude", "thread_candidates"]

BUDGET_SECONDS = 4.0
LEAST_CPU_SHARE = 0.85  # an idle machine gives the threads nearly all the CPU time they ask for
USUAL_UBATCH = 512
_VERSION = 1
_MARGIN = 0.05  # so much better must a setting be than the default
_MOST_SPREAD = 0.25  # interquartile range of single steps, as part of the median

K = TypeVar("K")


@dataclass(frozen=True)
class Calibration:
    """The settings that suit a model on this machine, and what steps cost with them.

    Parameters
    ----------
    n_threads : int
        For decoding.
    n_threads_batch : int
        For prompts.
    flash_attn : bool
        Whether flash attention is on.
    n_ubatch : int
        Most tokens in one pass through the model.
    step_ms : Mapping of int to float
        Milliseconds of a step by its number of tokens, in a short context; empty if it is not known.
    prompt_tokens_per_second : float
        0 if it was not measured.
    measured_ms : float
        How long the measuring took.
    notes : tuple of str
        What was not measured, and why figures are not to be trusted.
    steady : bool
        Whether the machine had time for it. If not, the settings are the defaults, and it should not be remembered.

    Examples
    --------
    >>> found = Calibration(2, 2, True, 512, {1: 8.0}, 300.0, 3900.0)
    >>> Calibration.from_json(found.to_json()) == found
    True
    >>> Calibration.from_json("garbage") is None
    True
    """

    n_threads: int
    n_threads_batch: int
    flash_attn: bool
    n_ubatch: int
    step_ms: Mapping[int, float]
    prompt_tokens_per_second: float
    measured_ms: float
    notes: tuple[str, ...] = ()
    steady: bool = True

    def to_json(self) -> str:
        """One line, to be remembered."""
        return json.dumps({"version": _VERSION, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> Calibration | None:
        """Read what `to_json` wrote; None for anything else."""
        try:
            data = json.loads(text or "")
            if type(data) is not dict or data.pop("version", None) != _VERSION:
                return None
            steps = {int(n): _number(ms) for n, ms in data.pop("step_ms").items()}
            notes = tuple(str(note) for note in data.pop("notes"))
            found = cls(step_ms=steps, notes=notes, **data)
            counts = (found.n_threads, found.n_threads_batch, found.n_ubatch, *steps)
            _number(found.prompt_tokens_per_second), _number(found.measured_ms)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        whole = all(type(n) is int and 0 < n <= 1 << 20 for n in counts)
        return found if whole and type(found.flash_attn) is bool and type(found.steady) is bool else None


@dataclass(frozen=True)
class Measured:
    """Samples in milliseconds, by setting. What could not be measured in time is absent.

    Parameters
    ----------
    threads : Mapping of int to sequence of float
        A step of one token, by threads; the default is first.
    threads_batch : Mapping of int to sequence of float
        A piece of a prompt, by threads; the default is first.
    flash : Mapping of bool to sequence of float
        A step of one token behind some 512, with flash attention and without.
    flash_prompt : Mapping of bool to sequence of float
        A piece of a prompt behind some 512 tokens, with flash attention and without.
    prompt : Mapping of int to sequence of float
        A piece of a prompt, by its tokens.
    steps : Mapping of int to sequence of float
        A step, by its tokens.
    cpu_share : float or None
        CPU time that the threads got, of what they would get on an idle machine; None if that says nothing.
    elapsed_ms : float
    left_out : tuple of str
        What was not measured.
    """

    threads: Mapping[int, Sequence[float]]
    threads_batch: Mapping[int, Sequence[float]] = field(default_factory=dict)
    flash: Mapping[bool, Sequence[float]] = field(default_factory=dict)
    flash_prompt: Mapping[bool, Sequence[float]] = field(default_factory=dict)
    prompt: Mapping[int, Sequence[float]] = field(default_factory=dict)
    steps: Mapping[int, Sequence[float]] = field(default_factory=dict)
    cpu_share: float | None = None
    elapsed_ms: float = 0.0
    left_out: tuple[str, ...] = ()


def thread_candidates(physical: int, logical: int) -> tuple[int, ...]:
    """Numbers of threads that are worth trying, the default first.

    Examples
    --------
    >>> thread_candidates(2, 2), thread_candidates(8, 16)
    ((2,), (8, 4, 7, 16))
    """
    fewer = (physical // 2, physical - 1) if physical > 2 else ()
    return tuple(dict.fromkeys((physical, *fewer, max(physical, logical))))


def prefer(samples: Mapping[K, Sequence[float]], default: K) -> K:
    """The setting with the least median, if it is 5 % better than the default; the default if that was not measured.

    Examples
    --------
    >>> prefer({2: [10.0, 10.1, 30.0], 4: [9.0, 9.1, 9.0]}, 2), prefer({2: [10.0], 4: [9.6]}, 2)
    (4, 2)
    """
    medians = {setting: statistics.median(values) for setting, values in samples.items() if values}
    if default not in medians:
        return default
    best = min(medians, key=lambda setting: medians[setting])
    return best if medians[best] <= (1 - _MARGIN) * medians[default] else default


def conclude(measured: Measured) -> Calibration:
    """Choose settings from samples.

    Raises
    ------
    ValueError
        Not a single step was measured.
    """
    if not any(measured.threads.values()):
        raise ValueError("not a single step was measured")
    default = next(iter(measured.threads))
    if trouble := _trouble(measured):
        return Calibration(default, default, True, USUAL_UBATCH, {}, 0.0, measured.elapsed_ms, (trouble,), steady=False)
    threads = prefer(measured.threads, default)
    # A piece of a prompt that is half as long should take half the time: they are compared by token.
    by_token = {n: [ms / n for ms in samples] for n, samples in measured.prompt.items() if samples}
    ubatch = prefer(by_token, USUAL_UBATCH)
    prompt = by_token.get(ubatch) or by_token.get(max(by_token, default=0))
    costs = {1: measured.threads[threads], **measured.steps, **measured.prompt}
    return Calibration(
        n_threads=threads,
        n_threads_batch=prefer(measured.threads_batch, threads),
        flash_attn=_flash(measured),
        n_ubatch=ubatch,
        step_ms={n: round(statistics.median(samples), 4) for n, samples in sorted(costs.items()) if samples},
        prompt_tokens_per_second=round(1000 / statistics.median(prompt), 1) if prompt else 0.0,
        measured_ms=round(measured.elapsed_ms, 1),
        notes=tuple(f"not measured: {what}" for what in measured.left_out),
    )


def _flash(measured: Measured) -> bool:
    """On, unless decoding is faster without it and prompts are not slower."""
    if prefer(measured.flash, True):
        return True
    by_flash = {flash: samples for flash, samples in measured.flash_prompt.items() if samples}
    return len(by_flash) < 2 or prefer(by_flash, False)


def calibrate_in_child(
    path: str,
    *,
    n_threads: int = 0,
    n_gpu_layers: int = 0,
    budget_seconds: float = BUDGET_SECONDS,
    argv: Sequence[str] | None = None,
    timeout_seconds: float = 60.0,
) -> Generator[Status, None, Calibration | None]:
    """Measure a model in a child process; nothing that goes wrong there is an error here.

    Parameters
    ----------
    path : str
        The GGUF.
    n_threads : int
        The number of threads that was asked for, which is then not changed; 0 tries some.
    n_gpu_layers : int
        As the engine will load it.
    budget_seconds : float
        For measuring, beside the loading.
    argv : sequence of str, optional
        Another program for the child, for tests.
    timeout_seconds : float
        After which the child is ended: loading is slow here.

    Returns
    -------
    Calibration or None
        None if it could not be measured: the defaults do.
    """
    yield Status("checking", f"measuring once which settings suit {Path(path).name} on this machine")
    arguments = (path, str(n_threads), str(n_gpu_layers), str(budget_seconds))
    program = list(argv or command("jupyter_localllm.engine.llama.measure", *arguments))
    deadline = time.monotonic() + timeout_seconds
    with subprocess.Popen(
        program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            while time.monotonic() < deadline:
                try:  # short waits, so that an interrupt is heard
                    said = child.communicate(timeout=0.05)[0].decode("utf-8", "replace").strip()
                except subprocess.TimeoutExpired:
                    continue
                return Calibration.from_json(said.splitlines()[-1]) if said and child.returncode == 0 else None
            return None
        finally:
            child.kill()


def _trouble(measured: Measured) -> str:
    """Why the figures would mislead, or nothing."""
    share = measured.cpu_share
    if share is not None and share < LEAST_CPU_SHARE:
        return f"the machine was busy (the threads got {share:.0%} of the CPU time): defaults are used"
    single = sorted(next(iter(measured.threads.values())))
    if len(single) >= 4:
        low, middle, high = statistics.quantiles(single, n=4)
        if high - low > _MOST_SPREAD * middle:
            return f"steps of one token took {low:.1f} to {high:.1f} ms (quartiles): defaults are used"
    return ""


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        raise ValueError("not a duration")
    return float(value)
