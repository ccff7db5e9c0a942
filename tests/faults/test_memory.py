"""Out of memory while a model is loaded: an error with a hint, and the kernel and its variables live."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Campaign
from tests.faults.machine import memory_group, told_by

pytestmark = [pytest.mark.model, pytest.mark.skipif(sys.platform != "linux", reason="Linux keeps these limits")]

BEGIN = """
import json, resource, sys
import jupyter_localllm as jl
from jupyter_localllm.errors import LocalLLMError
treasure = list(range(1_000))
def handle(**settings):
    return jl.LocalLLM(**{"model": sys.argv[1], "calibrate": False, "max_tokens": 4, "cache": "off", **settings})
def outcome(llm):
    try:
        return ["answer", llm.generate("Hello").text, ""]
    except (LocalLLMError, MemoryError, RuntimeError) as error:
        return [type(error).__name__, str(error), getattr(error, "hint", "")]
def end(**found):
    print(json.dumps({**found, "variables": sum(treasure)}))
"""

# The model was loaded before: what Python needs for it (numpy, llama.cpp's library) has its memory. numpy's BLAS ends
# the process if it finds none while it is imported, and glibc does if a new thread finds none for its own variables:
# that is nobody's to catch, and what isolation="process" is for.
LIMITED = """
llm = handle(n_ctx=2048)
llm.generate("Hello")
found = []
for limit in json.loads(sys.argv[2]):
    llm.unload()
    now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + limit, resource.RLIM_INFINITY))
    found.append(outcome(llm))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
end(found=found, again=outcome(llm))
"""

# The model's process gets its limit at a random moment of its life.
STARVED = """
import threading, time, psutil
llm = handle(n_ctx=2048, isolation="process")
list(llm.stream("Hello"))
def starve(wait, room):
    end = time.monotonic() + 30
    while not (children := psutil.Process().children()) and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(wait)
    try:
        most = children[0].memory_info().vms + room
        children[0].rlimit(resource.RLIMIT_AS, (most, most))
    except (IndexError, psutil.Error):
        pass
found = []
for wait, room in json.loads(sys.argv[2]):
    llm.close()
    while psutil.Process().children():
        time.sleep(0.01)
    llm = handle(n_ctx=2048, isolation="process")
    thread = threading.Thread(target=starve, args=(wait, room))
    thread.start()
    found.append(outcome(llm))
    thread.join()
llm.close()  # its process lives on, and has its limit for ever
end(found=found, again=outcome(handle(n_ctx=2048, isolation="process")))
"""

# Each is asked for more than the group has. The first is refused before anything is read; the second one's figures are
# taken away, so that the system has to end the child.
GROUP = """
refused = outcome(handle(n_ctx=100_000_000))
from jupyter_localllm.models import fitting, free_memory
from jupyter_localllm import models, runtime
import jupyter_localllm.runtime.room, jupyter_localllm.runtime.prepare
small = outcome(handle(n_ctx=512, isolation="process"))
free = free_memory.available_bytes
for module in list(sys.modules.values()):
    if getattr(module, "available_bytes", None) is free:
        module.available_bytes = lambda: 1 << 40
killed = outcome(handle(n_ctx=49_152, isolation="process"))
after = outcome(handle(n_ctx=512, isolation="process"))
end(refused=refused, small=small, killed=killed, after=after)
"""


def survived(found: dict[str, Any], rounds: int) -> None:
    """Every round is an answer, or an error of ours with a hint; and then the model is loaded again."""
    assert found["again"][0] == "answer", found["again"]
    assert found["variables"] == 499_500
    assert len(found["found"]) == rounds
    for kind, message, hint in found["found"]:
        assert kind in ("answer", "EngineError", "ModelMemoryError", "DependencyMissing"), (kind, message)
        assert kind == "answer" or hint, message


def told_unless_glibc_ends(program: str, *arguments: object, home: Path) -> Any:
    """`told_by`, tried again where glibc itself ended the process: see docs/reliability.md, "What does not hold"."""
    for _ in range(4):
        try:
            return told_by(program, *arguments, home=home)
        except AssertionError as error:
            if "cannot allocate memory for thread-local data" not in str(error):
                raise
    return told_by(program, *arguments, home=home)


def test_no_more_address_space(tmp_path: Path, model_path: Path, campaign: Campaign) -> None:
    """Whether the file, the window or the buffers find no memory: the error says why, and what to do."""
    limits = [megabytes * 1_000_000 for megabytes in (90, 110, 125, 300, 155)]
    for _ in campaign(len(limits)):
        pass
    found = told_unless_glibc_ends(BEGIN + LIMITED, model_path, limits, home=tmp_path)
    survived(found, len(limits))
    assert "Cannot allocate memory" in found["found"][0][1]
    assert "Memory ran out" in found["found"][0][2]


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(0)])], ids=["sample", "whole"]
)
def test_a_process_without_memory(rounds: int, tmp_path: Path, model_path: Path, campaign: Campaign) -> None:
    """Whenever memory ends for a model's own process, and however it dies of it, the kernel goes on."""
    plan = [(chance.uniform(0, 1.5), int(10 ** chance.uniform(5, 8.7))) for chance in campaign(rounds)]
    found = told_by(BEGIN + STARVED, model_path, json.dumps(plan), home=tmp_path, timeout=120 + 20 * len(plan))
    survived(found, len(plan))


def test_a_control_group_without_memory(tmp_path: Path, model_path: Path, campaign: Campaign) -> None:
    """What cannot fit is refused with figures; where the system ends the model's process, the kernel goes on."""
    next(campaign(1))
    with memory_group(500 << 20) as prefix:
        found = told_by(BEGIN + GROUP, model_path, home=tmp_path, prefix=prefix)
    assert found["refused"][0] == "ModelMemoryError"
    assert "GB" in found["refused"][1]
    assert found["small"][0] == found["after"][0] == "answer"
    kind, message, hint = found["killed"]
    assert (kind, "SIGKILL" in message) == ("EngineError", True), message
    assert "smaller model" in hint
    assert found["variables"] == 499_500
