"""A kernel that runs cell after cell: its memory is flat, and so is that of what it started."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest

from tests.faults.conftest import Campaign
from tests.kernel_client import Kernel

FLAT = 0.05

BEGIN = """
import pandas as pd
import jupyter_localllm as jl
llm = jl.get_llm()
df = pd.DataFrame({"region": ["EU", "US", "Asia"] * 20, "price": range(60)})
"""

# Each with a number in it, so that no question is asked twice, unless it is meant to.
CELLS = (
    "%%llm --max-tokens 12\nQuestion {n}: what is the sea?",
    "%%llm --max-tokens 12\nThe same question.",
    "answer << Number {n}",
    "%llm Number {n}, in a line",
    "%%llm --chat talk{h} --max-tokens 6\nAnd {n}?",
    "%%llm --cite df --max-tokens 12\nWhat is the mean price where price is over {p}?",
    "%%llm --cache off --format code --max-tokens 12\n{{{{ df.head(3) }}}} {n}",
    "got = llm.generate('Plain {n}', max_tokens=4).text",
    "rows = llm.map('{{{{ value }}}}', [{n}, {n} + 1], max_tokens=2)",
    "llm.extract(int, 'How many? {n}') if {n} % 50 == 0 else None",
    "%llm --nonsense {n}",
    "%llm status",
)


def resident(kernel: Kernel) -> int:
    """Bytes of the kernel and of all that it started, after what is garbage has gone."""
    kernel.good("import gc; _ = gc.collect()")
    process = psutil.Process(int(kernel.manager.provisioner.process.pid))
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


@pytest.mark.parametrize(
    "cells", [360, pytest.param(5_000, marks=[pytest.mark.soak, pytest.mark.timeout(0)])], ids=["sample", "whole"]
)
def test_memory_is_flat(
    cells: int, new_kernel: Callable[..., Kernel], campaign: Campaign, request: pytest.FixtureRequest
) -> None:
    """After the first cells, which warm up, thousands of all kinds leave it within 5 % of what it was."""
    kernel = new_kernel(JUPYTER_LOCALLLM_N_CTX="2048", JUPYTER_LOCALLLM_STATE_MEMORY_SIZE="1000000")
    kernel.good(BEGIN)
    seen = []
    for number, chance in enumerate(campaign(cells)):
        if number % max(1, cells // 20) == 0:
            seen.append(resident(kernel))
        code = CELLS[number % len(CELLS)].format(n=number, p=chance.randrange(50), h=number // 100)
        kernel.run(code.replace("answer <<", "%%llm answer << --max-tokens 4\n", 1) if "<<" in code else code, "cell")
    seen.append(resident(kernel))
    warm = seen[len(seen) // 4]
    request.node.user_properties.append(("memory", " ".join(f"{size / 1e6:.1f}" for size in seen)))
    assert seen[-1] < warm * (1 + FLAT), [f"{size / 1e6:.1f} MB" for size in seen]
