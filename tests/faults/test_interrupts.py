"""Ctrl-C at any moment of anything: the cell ends as interrupted or as if nothing was, the next one is answered."""

from __future__ import annotations

import queue
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from tests.faults.conftest import Campaign
from tests.kernel_client import Cell, Kernel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

BEGIN = """
import pandas as pd
import jupyter_localllm as jl
kept = 42
llm = jl.get_llm()
df = pd.DataFrame({"region": ["EU", "US", "Asia"] * 50, "price": range(150)})
"""


@dataclass(frozen=True)
class Scene:
    """A cell to be interrupted, what is done before it, and how long it takes when it is left alone (seconds)."""

    code: str
    before: str = ""
    lasts: float = 0.0


SCENES = {
    "load": Scene("%%llm --max-tokens 2 --cache off\nHi", before="%llm unload"),
    "prompt": Scene("%%llm --max-tokens 2 --cache off\n" + "The sea is wide. " * 100),
    "decode": Scene("%%llm --max-tokens 300 --cache refresh\nTell me a story."),
    "display": Scene(
        "for i in range(30):\n    get_ipython().run_line_magic('llm', '--cache use --max-tokens 60 Hello')"
    ),
    "cache": Scene("for i in range(100):\n    llm.generate(str(i % 7), cache='refresh', max_tokens=1)"),
    "map": Scene("found = llm.map('{{ value }}', list('abcdefgh') * 8, max_tokens=4, cache='refresh')"),
    "cite": Scene("%%llm --cite df --cache refresh --max-tokens 20\nWhat is the mean price in Asia?"),
    "clear": Scene("%llm cache clear"),
}
QUESTION = "%llm --cache off What is the capital of Japan?"


def ended(kernel: Kernel, request: str) -> Cell:
    """What came of an interrupted cell. If its last message was lost in the interrupt, the next cell is what counts."""
    cell = Cell()
    with suppress(AssertionError, queue.Empty):
        kernel.finish(request, cell, timeout=20)
    return cell


def measured(kernel: Kernel) -> dict[str, Scene]:
    """The scenes with the time that each takes here and now."""
    found = {}
    for name, scene in SCENES.items():
        if scene.before:
            kernel.good(scene.before)
        begun = time.monotonic()
        kernel.good(scene.code, "cell")
        found[name] = Scene(scene.code, scene.before, time.monotonic() - begun)
    return found


def interrupted(kernel: Kernel, scene: Scene, chance: random.Random) -> None:
    """One round: the cell, one interrupt or several at any moment of it, and the next cell."""
    if scene.before:
        kernel.good(scene.before)
    request = kernel.start(scene.code, "cell")
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        time.sleep(chance.uniform(0, scene.lasts))
        kernel.manager.interrupt_kernel()
    cell = ended(kernel, request)
    if cell.error is not None:
        assert cell.error["ename"] == "KeyboardInterrupt", cell.error
    number = chance.randrange(1000)
    assert kernel.good(f"print(kept + {number})").stdout == f"{42 + number}\n"


@pytest.mark.parametrize(
    "rounds", [24, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(0)])], ids=["sample", "whole"]
)
def test_interrupts_at_random_moments(rounds: int, new_kernel: Callable[..., Kernel], campaign: Campaign) -> None:
    """While a model is loaded, reads, writes, is shown, kept, mapped: the next cell is answered, and answered right."""
    kernel = new_kernel(JUPYTER_LOCALLLM_N_CTX="2048")
    kernel.good(BEGIN)
    kernel.good("%llm --max-tokens 60 Hello", "cell")  # for the scene that shows what is kept
    want = kernel.good(QUESTION, "b").text
    scenes = measured(kernel)
    names = sorted(scenes)
    for number, chance in enumerate(campaign(rounds)):
        interrupted(kernel, scenes[names[number % len(names)]], chance)
        if number % len(names) == 0:
            assert kernel.good(QUESTION, "b").text == want
    cell = kernel.good("%%llm --max-tokens 4\nKept after all this?", "c")
    again = kernel.good("%%llm --max-tokens 4 --cache require\nKept after all this?", "c")
    campaign.committed(again.text == cell.text)
    assert "damaged" not in cell.stdout + again.stdout
