"""Settings are chosen from measurements, by rules that tables can check; and a real child measures."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.engine.llama.calibration import (
    Calibration,
    Measured,
    calibrate_in_child,
    conclude,
    prefer,
    thread_candidates,
)
from jupyter_localllm.types import Status
from tests.tiny_models import write_tiny_llama

GOOD = Calibration(2, 4, False, 256, {1: 8.0, 2: 12.5}, 300.0, 3900.0, ("not measured: x",))
MEASURED = Measured(
    threads={2: [10.0, 10.0, 10.0, 10.1]},
    threads_batch={2: [400.0]},
    flash={True: [12.0], False: [12.0]},
    prompt={128: [400.0], 512: [1600.0]},
    steps={2: [15.0], 32: [100.0]},
    cpu_share=0.98,
    elapsed_ms=1234.56,
)


@pytest.mark.parametrize(
    ("physical", "logical", "wanted"),
    [
        (1, 1, (1,)),
        (1, 2, (1, 2)),
        (2, 2, (2,)),
        (2, 4, (2, 4)),
        (4, 4, (4, 2, 3)),
        (3, 3, (3, 1, 2)),
        (8, 16, (8, 4, 7, 16)),
        (8, 4, (8, 4, 7)),
    ],
)
def test_threads_worth_trying(physical: int, logical: int, wanted: tuple[int, ...]) -> None:
    """The physical cores first; half and one fewer when there are more than two; the logical ones if they differ."""
    assert thread_candidates(physical, logical) == wanted


@pytest.mark.parametrize(
    ("samples", "wanted"),
    [
        ({2: [10.0], 4: [9.51]}, 2),  # not 5 % better
        ({2: [10.0], 4: [9.5]}, 4),
        ({2: [10.0], 4: [9.0], 8: [8.0]}, 8),
        ({2: [10.0], 4: [9.0, 9.0, 90.0]}, 4),  # the median, not the mean
        ({2: [10.0, 1.0, 10.0], 4: [9.8]}, 2),
        ({2: [10.0], 4: []}, 2),  # not measured
        ({2: [], 4: [1.0]}, 2),  # nothing to compare with
        ({}, 2),
    ],
)
def test_the_default_is_displaced_by_five_percent(samples: dict[int, list[float]], wanted: int) -> None:
    """Medians decide, and the default stays unless another is 5 % better."""
    assert prefer(samples, 2) == wanted


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, {"n_threads": 2, "n_threads_batch": 2, "flash_attn": True, "n_ubatch": 512}),
        ({"threads": {4: [10.0], 2: [8.0], 3: [9.0]}, "threads_batch": {2: [9.0]}}, {"n_threads": 2}),
        ({"threads_batch": {2: [400.0], 4: [300.0]}}, {"n_threads": 2, "n_threads_batch": 4}),
        ({"prompt": {128: [300.0], 512: [1600.0]}}, {"n_ubatch": 128, "prompt_tokens_per_second": 426.7}),
        ({"prompt": {128: [300.0]}}, {"n_ubatch": 512, "prompt_tokens_per_second": 426.7}),
        ({"prompt": {128: []}}, {"n_ubatch": 512, "prompt_tokens_per_second": 0.0}),
        # flash attention goes only if decoding is faster without it and prompts are known not to be slower
        ({"flash": {True: [12.0], False: [11.0]}}, {"flash_attn": True}),
        (
            {"flash": {True: [12.0], False: [11.0]}, "flash_prompt": {True: [99.0], False: [101.0]}},
            {"flash_attn": False},
        ),
        ({"flash": {True: [12.0], False: [11.0]}, "flash_prompt": {True: [90.0], False: [99.0]}}, {"flash_attn": True}),
        ({"flash": {True: [12.0], False: [11.0]}, "flash_prompt": {True: [90.0], False: []}}, {"flash_attn": True}),
        ({"left_out": ("this",)}, {"notes": ("not measured: this",), "steady": True}),
        ({"cpu_share": None}, {"steady": True}),
    ],
)
def test_conclusions(change: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Each setting follows from its own samples."""
    found = conclude(replace(MEASURED, **change))
    assert {name: getattr(found, name) for name in wanted} == wanted


def test_the_table_of_costs() -> None:
    """The cost of a step is the median, by its tokens, with the threads that were chosen; pieces of prompts count."""
    found = conclude(replace(MEASURED, threads={4: [10.0], 2: [8.0, 8.2, 30.0]}, steps={2: [15.0, 13.0], 4: []}))
    assert found.step_ms == {1: 8.2, 2: 14.0, 128: 400.0, 512: 1600.0}
    assert found.measured_ms == 1234.6


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"cpu_share": 0.6}, "60% of the CPU time"),
        ({"threads": {2: [5.0, 9.0, 14.0, 20.0, 8.0]}}, "quartiles"),
    ],
)
def test_a_busy_machine_decides_nothing(change: dict[str, Any], word: str) -> None:
    """Where the CPU time or the spread shows that others were at work: defaults, no costs, and why; not to be kept."""
    better: dict[str, Any] = {"prompt": {128: [1.0], 512: [1600.0]}, "flash": {True: [2.0], False: [1.0]}}
    found = conclude(replace(MEASURED, **better, **change))
    assert not found.steady
    assert word in found.notes[0]
    assert (found.n_threads, found.n_threads_batch, found.flash_attn, found.n_ubatch) == (2, 2, True, 512)
    assert found.step_ms == {}


def test_nothing_measured_is_an_error() -> None:
    """Without a single step there is no calibration."""
    with pytest.raises(ValueError, match="not a single step"):
        conclude(Measured(threads={2: []}))


def test_json_round_trip() -> None:
    """What is remembered comes back equal."""
    for found in (GOOD, conclude(MEASURED), replace(GOOD, step_ms={}, steady=False)):
        assert Calibration.from_json(found.to_json()) == found
        assert "\n" not in found.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"n_threads": 0},
        {"n_threads": "2"},
        {"n_threads": True},
        {"n_ubatch": -1},
        {"n_ubatch": 2.0},
        {"flash_attn": 1},
        {"steady": None},
        {"step_ms": {"0": 1.0}},
        {"step_ms": {"x": 1.0}},
        {"step_ms": {"1": -1.0}},
        {"step_ms": {"1": "1"}},
        {"step_ms": []},
        {"prompt_tokens_per_second": None},
        {"measured_ms": float("nan")},
        {"notes": None},
        {"surprise": 1},
    ],
)
def test_garbage_is_no_calibration(change: dict[str, Any]) -> None:
    """A remembered text that was changed is ignored, not believed and not an error."""
    assert Calibration.from_json(json.dumps({**json.loads(GOOD.to_json()), **change})) is None


@given(st.one_of(st.none(), st.text(), st.sampled_from(["{}", "[]", "null", "1", "[" * 20_000, '{"version": 1}'])))
def test_any_text_is_read_without_error(text: str | None) -> None:
    """Whatever stands in the memo."""
    assert Calibration.from_json(text) is None


def finish(work: Generator[Status, None, Calibration | None]) -> Calibration | None:
    while True:
        try:
            next(work)
        except StopIteration as stop:
            found: Calibration | None = stop.value
            return found


def test_a_child_measures(tmp_path: Path) -> None:
    """A real model is measured in a child: the threads asked for are kept, and either costs or a reason come back."""
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    found = finish(calibrate_in_child(str(path), n_threads=1, budget_seconds=4.0))
    assert found is not None
    assert (found.n_threads, found.n_threads_batch) == (1, 1)
    assert found.measured_ms > 0
    if found.steady:
        assert {1, 2, 4, 8, 16, 32, 128} <= set(found.step_ms)
        assert found.prompt_tokens_per_second > 0
    else:
        assert found.notes


def test_time_that_is_up_leaves_out(tmp_path: Path) -> None:
    """Without time nothing is measured, and that is no error."""
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    assert finish(calibrate_in_child(str(path), n_threads=1, budget_seconds=0.0)) is None


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.abort()",
        "print('garbage')",
        "import sys; sys.exit(1)",
        "import time; time.sleep(60)",
        f"print({GOOD.to_json()!r}); import sys; sys.exit(1)",
    ],
)
def test_a_child_that_fails_is_no_error(program: str) -> None:
    """A child that dies, hangs or talks nonsense leaves the defaults."""
    assert finish(calibrate_in_child("m.gguf", argv=[sys.executable, "-c", program], timeout_seconds=2.0)) is None


def test_a_child_that_succeeds_is_believed() -> None:
    """The last line counts."""
    program = f"print('chatter'); print({GOOD.to_json()!r})"
    assert finish(calibrate_in_child("m.gguf", argv=[sys.executable, "-c", program])) == GOOD
