"""The kernel is the user's: interrupts, deaths and kills leave it and its variables alone."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable

import pytest

from tests.kernel_client import Kernel

pytestmark = [pytest.mark.model, pytest.mark.skipif(sys.platform == "win32", reason="signals")]

LONG = "%%llm --max-tokens 1000\nTell me a very long story about the sea and all its fish."


@pytest.fixture
def warm(kernel: Kernel) -> Kernel:
    """A kernel whose model is loaded."""
    kernel.good("kept = 42")
    kernel.good("%%llm --max-tokens 2 --cache off\nHi", "warm")
    return kernel


def test_interrupt_while_decoding(kernel: Kernel) -> None:
    """The partial answer stays, marked incomplete; KeyboardInterrupt stops run all; the next cell works."""
    kernel.good("kept = 42")
    request = kernel.start(LONG, "cell")
    cell = kernel.finish(request, until=lambda c: c.updates >= 5)
    kernel.manager.interrupt_kernel()
    kernel.finish(request, cell)
    assert cell.error is not None
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert len(cell.error["traceback"]) == 1  # and no page of our own frames
    (answer,) = cell.answers
    assert answer["text"]
    assert answer["finish_reason"] == "interrupted"
    assert "incomplete" in cell.outputs[0]["data"]["text/html"]
    assert kernel.good("%llm cache").stdout.split("answers")[1].split()[0] == "0"
    assert kernel.good("%llm What is the capital of Japan?", "b").text == "The capital of Japan is Tokyo."
    assert kernel.good("print(kept)").stdout == "42\n"


def test_interrupt_in_the_prompt(warm: Kernel) -> None:
    """A long prompt that is being read is left at once, and the engine is free for the next question."""
    code = "%%llm --max-tokens 10 --cache off\n" + "The sea is wide. " * 1400
    request = warm.start(code, "cell")
    time.sleep(1.0)
    warm.manager.interrupt_kernel()
    cell = warm.finish(request)
    assert cell.error is not None
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert warm.good("%llm What is the capital of Japan?", "b").text == "The capital of Japan is Tokyo."


def test_interrupt_while_loading(new_kernel: Callable[..., Kernel], first_use: dict[str, str]) -> None:
    """Loading can be interrupted, and done again."""
    kernel = new_kernel(**first_use)
    request = kernel.start("%llm What is the capital of Japan?", "cell")
    cell = kernel.finish(request, until=lambda c: len(c.outputs) > 0)
    kernel.manager.interrupt_kernel()
    kernel.finish(request, cell)
    assert kernel.good("%llm What is the capital of Japan?", "b").text == "The capital of Japan is Tokyo."


def test_interrupts_at_random_moments(warm: Kernel) -> None:
    """Whenever the interrupt comes, the kernel answers the next cell."""
    campaign(warm, random.Random(7), rounds=6)


@pytest.mark.soak
def test_many_interrupts_at_random_moments(warm: Kernel) -> None:
    """The same, 100 times."""
    campaign(warm, random.Random(8), rounds=100)


def campaign(kernel: Kernel, chance: random.Random, rounds: int) -> None:
    for i in range(rounds):
        request = kernel.start(f"%%llm --max-tokens 300 --cache refresh\nTell me story number {i}.", "cell")
        time.sleep(chance.uniform(0, 1.5))
        kernel.manager.interrupt_kernel()
        kernel.finish(request)
        assert kernel.good(f"print(kept + {i})").stdout == f"{42 + i}\n"
    assert kernel.good("%llm What is the capital of Japan?", "b").text == "The capital of Japan is Tokyo."


def test_a_build_that_dies_leaves_the_kernel_alive(
    new_kernel: Callable[..., Kernel], kernel_env: dict[str, str], first_use: dict[str, str]
) -> None:
    """A llama_cpp that kills its process kills the child only: the cell names the signal, the variables live."""
    for name in ("SIGSEGV", "SIGILL", "SIGKILL"):
        shim = f"{kernel_env['HOME']}/{name}"
        os.makedirs(f"{shim}/llama_cpp/lib")
        with open(f"{shim}/llama_cpp/__init__.py", "w") as file:
            file.write(
                "import os, signal, resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
                f"os.kill(os.getpid(), signal.{name})\n"
            )
        kernel = new_kernel(**first_use, PYTHONPATH=f"{shim}:{kernel_env['PYTHONPATH']}")
        kernel.good("kept = 42")
        cell = kernel.run("%llm What is the capital of Japan?", "a")
        assert cell.error is not None
        assert cell.error["ename"] == "ModelCheckFailed"
        assert name in cell.error["evalue"]
        assert kernel.good("print(kept)").stdout == "42\n"


def test_the_check_is_done_once(new_kernel: Callable[..., Kernel], first_use: dict[str, str]) -> None:
    """The second kernel with the same build, CPU and file starts no child; nor do the other kernels of these tests."""
    watch = (
        "import subprocess\nstarted = []\noriginal = subprocess.Popen.__init__\n"
        "def watched(self, args, *a, **k):\n    started.append(args)\n    original(self, args, *a, **k)\n"
        "subprocess.Popen.__init__ = watched"
    )
    counts = []
    for env in (first_use, first_use, {}):
        kernel = new_kernel(**env)
        kernel.good(watch)
        kernel.good("%%llm --max-tokens 2 --cache off\nHi", "a")
        counts.append(kernel.good("print(sum('probe' in str(a) for a in started))").stdout.strip())
    assert counts == ["1", "0", "0"]


def test_kill_between_cache_writes(new_kernel: Callable[..., Kernel]) -> None:
    """kill -9 of the kernel loses no answer that was shown."""
    kernel = new_kernel()
    chance = random.Random(3)
    asked = 0
    for _ in range(3):
        kernel.good("%config LocalLLM.max_tokens = 4")
        for _ in range(chance.randint(1, 3)):
            kernel.good(f"%llm Say {asked}.", "a")
            asked += 1
        request = kernel.start(f"%%llm --max-tokens 200\nTell me about {asked}.", "a")
        kernel.finish(request, until=lambda c: c.updates >= 1)
        time.sleep(chance.uniform(0, 0.5))
        pid = int(kernel.manager.provisioner.process.pid)
        os.kill(pid, signal.SIGKILL)
        kernel.restart()
        kernel.good("%load_ext jupyter_localllm")
    kernel.good("%config LocalLLM.max_tokens = 4")
    for i in range(asked):
        assert kernel.good(f"%llm --cache require Say {i}.", "a").metadata["volatile"]["cached"] is True


def test_no_memory_is_said_with_figures(kernel: Kernel) -> None:
    """A model that does not fit is refused before it is loaded, with the figures."""
    cell = kernel.run("%%llm --option n_ctx 2000000000\nHi", "a")
    assert cell.error is not None
    assert cell.error["ename"] == "ModelMemoryError"
    assert "GB" in cell.error["evalue"] or "GiB" in cell.error["evalue"]


def test_the_default_thread_says_when_it_forks(kernel: Kernel) -> None:
    """A forked child cannot use the model, and is told so; the parent can."""
    kernel.good("%%llm --max-tokens 2 --cache off\nHi", "a")
    cell = kernel.good(
        "import os, sys, jupyter_localllm as jl\nr, w = os.pipe()\npid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n        jl.get_llm().generate('x', cache='off')\n        word = b'worked'\n"
        "    except Exception as error:\n        word = type(error).__name__.encode()\n"
        "    os.write(w, word)\n    os._exit(0)\n"
        "os.waitpid(pid, 0)\nprint(os.read(r, 100).decode())"
    )
    assert "EngineClosed" in cell.stdout
    assert kernel.good("%%llm --max-tokens 2 --cache off\nHi", "a").answers
