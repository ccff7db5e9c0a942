"""A kernel that is restarted while an answer comes, and answers that come faster than front ends like."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.faults.conftest import Campaign
from tests.kernel_client import Kernel

LONG = "%%llm --max-tokens 1500 --cache off\nTell me a very long story."

# What jupyter_server allows on the IOPub channel of a kernel (ZMQChannelsWebsocketConnection): beyond it, it drops.
MESSAGES_A_SECOND, BYTES_A_SECOND, WINDOW_S = 1_000, 1_000_000, 3.0

FAST = """
import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.engine.scripted import ScriptedEngine
answer = {answer}
engine = ScriptedEngine(answer, n_ctx=1_000_000)
shell = get_ipython()
from jupyter_localllm.show.live import follow, surface_for
llm = jl.LocalLLM.from_engine(engine, cache="off", max_tokens=100_000)
"""
STREAM = "result = follow(llm.stream('Hello'), surface_for(shell, live=True)); print(result.text == answer)"

ANSWERS = {
    "many tokens": "'word ' * 20_000",
    "one long line": "'x' * 300_000",
    "a long table": "'| a | b |\\n|---|---|\\n' + '| 1 | 2 |\\n' * 8_000",
    "formulas": "'$x^2$ and **bold** `code` ' * 4_000",
}


def received(kernel: Kernel, request: str) -> list[tuple[float, int, dict[str, Any]]]:
    """Time, size on the wire, and message, for all that a cell sends on IOPub."""
    found = []
    while True:
        message = kernel.client.get_iopub_msg(timeout=120)
        if message["parent_header"].get("msg_id") != request:
            continue
        size = len(json.dumps([message["header"], message["metadata"], message["content"]], default=str))
        found.append((message["header"]["date"].timestamp(), size, message))
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return found


def test_iopub_is_not_flooded(new_kernel: Callable[..., Kernel], campaign: Campaign) -> None:
    """However fast an answer comes and however long it is, messages and bytes stay below what a server lets through."""
    kernel = new_kernel()
    for (kind, answer), _ in zip(ANSWERS.items(), campaign(len(ANSWERS)), strict=True):
        kernel.good(FAST.format(answer=answer))
        messages = received(kernel, kernel.start(STREAM, "cell"))
        assert any(message["content"].get("text") == "True\n" for _, _, message in messages), kind
        for begun, _, _ in messages:
            window = [size for when, size, _ in messages if begun <= when < begun + WINDOW_S]
            assert len(window) / WINDOW_S < MESSAGES_A_SECOND / 10, kind
            assert sum(window) / WINDOW_S < BYTES_A_SECOND, (kind, window)


@pytest.mark.skipif(sys.platform == "win32", reason="psutil's view of children there")
@pytest.mark.parametrize(
    ("isolation", "now"),
    [
        ("kernel", False),
        ("process", True),
        pytest.param("kernel", True, marks=pytest.mark.soak),
        pytest.param("process", False, marks=pytest.mark.soak),
    ],
)
def test_a_restart_while_an_answer_comes(
    isolation: str, now: bool, new_kernel: Callable[..., Kernel], campaign: Campaign
) -> None:
    """The old kernel is gone with all that it started, what it had kept is there, and the new one answers."""
    next(campaign(1))
    kernel = new_kernel(JUPYTER_LOCALLLM_ISOLATION=isolation)
    first = kernel.good("%llm Hello", "a").text
    request = kernel.start(LONG, "b")
    kernel.finish(request, until=lambda cell: cell.updates >= 2)
    old = psutil.Process(int(kernel.manager.provisioner.process.pid))
    family = [old, *old.children(recursive=True)]
    kernel.restart(now=now)
    kernel.good("%load_ext jupyter_localllm")
    again = kernel.good("%llm Hello", "a")
    campaign.committed(again.text == first and again.metadata["volatile"]["cached"] is True)
    assert kernel.good("%llm --cache off Hello", "c").text == first
    deadline = time.monotonic() + 20
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family):
        assert time.monotonic() < deadline, family
        time.sleep(0.05)
