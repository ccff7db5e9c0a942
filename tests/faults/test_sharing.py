"""Kernels that share a cache and a model file: all are answered alike, and nothing that one kept is lost to another."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.faults.conftest import Campaign
from tests.kernel_client import Kernel

BEGIN = """
import jupyter_localllm as jl
told = []
from jupyter_localllm import runtime
runtime.current().on_notice = told.append
llm = jl.get_llm()
"""

# At the same time, with texts that others ask, too, and some of one's own; every answer is asked for again.
CELL = """
shared = [f"shared {{i}}" for i in range(40)]
own = [f"own {me} {{i}}" for i in range(20)]
first = {{text: llm.generate(text, max_tokens=6).text for text in [*shared, *own]}}
mapped = llm.map("{{{{ value }}}}", [f"row {{i}}" for i in range(40)], max_tokens=2)
again = {{text: llm.generate(text, max_tokens=6, cache="require").text for text in first}}
print(first == again, hash(tuple(first[text] for text in shared)), hash(tuple(mapped)), told)
"""


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(0)])], ids=["sample", "whole"]
)
def test_eight_kernels(rounds: int, new_kernel: Callable[..., Kernel], campaign: Campaign) -> None:
    """Eight that begin on an empty cache with one model file, check the file, answer and keep at the same time."""
    kernels = [new_kernel(PYTHONHASHSEED="0") for _ in range(8)]
    for number, _ in enumerate(campaign(rounds)):
        for kernel in kernels:
            kernel.good(BEGIN + "llm.unload()")
        requests = [k.start(CELL.format(me=f"{number}.{me}"), "cell") for me, k in enumerate(kernels)]
        said = []
        for kernel, request in zip(kernels, requests, strict=True):
            cell = kernel.finish(request)
            assert cell.error is None, cell.error
            said.append(cell.stdout.strip())
        campaign.committed(*(text.startswith("True ") for text in said))
        assert len({*said}) == 1, said
        assert said[0].endswith(" []"), said
        if number == 0:
            kernels[0].good("llm.answers.clear()" if rounds > 1 else "pass")
    (entries,) = {re.search(r"answers\s+([\d,]+)", k.good("%llm cache").stdout)[1] for k in kernels}  # type: ignore[index]
    assert int(entries.replace(",", "")) > 40
