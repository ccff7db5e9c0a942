"""Whatever native code does, the process goes on; what a model took is given back."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import jupyter_localllm as jl
from jupyter_localllm.types import ModelFile
from tests.tiny_models import write_tiny_llama

pytestmark = pytest.mark.model

GIVES_UP = """
import ctypes, json, sys, threading
import jupyter_localllm as jl
from jupyter_localllm.errors import EngineError
from jupyter_localllm.types import Token

treasure = list(range(1000))
llm = jl.LocalLLM(model=sys.argv[1], speculation=False)
before = llm.generate("Hello", cache="off", max_tokens=8).text
engine, heard = llm.engine, []

def reads():
    try:
        for event in llm.stream("Once upon a time", cache="off", max_tokens=400):
            if isinstance(event, Token):
                begun.set()
    except EngineError as error:
        heard.append(str(error))

begun = threading.Event()
thread = threading.Thread(target=reads)
thread.start()
begun.wait(60)

def too_much(ticket):
    resident = engine._loaded.resident
    lib = resident._lib
    count = resident.n_batch + 1  # llama.cpp asserts that there are no more than n_batch
    batch = lib.llama_batch_init(count, 0, 1)
    batch.n_tokens = count
    for i in range(count):
        batch.token[i], batch.pos[i], batch.logits[i], batch.n_seq_id[i], batch.seq_id[i][0] = 5, i, 1, 1, 30
    return lib.llama_decode(resident.context, batch)

try:
    engine._owner.call(too_much)
except EngineError as error:
    heard.append(str(error))
thread.join(60)
after = llm.generate("Hello", cache="off", max_tokens=8).text
print(json.dumps({"heard": heard, "same": before == after, "variables": sum(treasure), "alive": thread.is_alive()}))
sys.exit(7)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="parking is for Linux")
def test_llama_cpp_gives_up(tmp_path: Path) -> None:
    """An assertion inside llama.cpp is an error for all who wait; the next question loads the model again."""
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(GIVES_UP), str(path)],
        check=False,
        capture_output=True,
        timeout=120,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert (done.returncode, done.stderr) == (7, "")
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told["heard"]) == 2
    assert all("llama.cpp gave up" in text and "GGML_ASSERT" in text for text in told["heard"])
    assert told["same"]
    assert told["variables"] == 499_500
    assert not told["alive"]


ROUNDS = """
import json, sys
import psutil
from jupyter_localllm.engine.llama import LlamaEngine, LlamaSettings
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.models import find

found, owner, seen = find(sys.argv[1], memo={}), Owner(), []
for _ in range(int(sys.argv[2])):
    engine = LlamaEngine(found, LlamaSettings(n_ctx=512, n_threads=1), owner)
    list(engine.load())
    engine.count(["Some words to read."])
    engine.close()
    seen.append(int(psutil.Process().memory_info().rss))
owner.close()
print(json.dumps(seen))
"""


def rounds(model_file: ModelFile, count: int) -> list[int]:
    """Resident bytes after each round of loading, reading and unloading, in a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", ROUNDS, str(model_file.path), str(count)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    return [int(size) for size in json.loads(done.stdout)]


def test_memory_comes_back(model_file: ModelFile) -> None:
    """After the first rounds, which warm up, loading and unloading leave nothing behind."""
    seen = rounds(model_file, 12)
    assert seen[-1] - seen[2] < 20e6


@pytest.mark.soak
def test_memory_comes_back_a_hundred_times(model_file: ModelFile) -> None:
    """A hundred rounds end within 20 MB of where they began."""
    seen = rounds(model_file, 100)
    assert seen[-1] - seen[0] < 20e6


def test_a_calibrated_model_answers(tmp_path: Path) -> None:
    """What calibration finds, or does not find on a busy machine, is used and told; the answer is the same."""
    path = str(write_tiny_llama(tmp_path / "tiny.gguf"))
    plain = jl.LocalLLM(model=path, n_threads=1).generate("Hello", cache="off", max_tokens=8)
    llm = jl.LocalLLM(model=path, n_threads=1, calibrate=True)
    stages = [event.text for event in llm.stream("Hello", cache="off", max_tokens=8) if hasattr(event, "stage")]
    assert any("measuring once" in text for text in stages)
    assert llm.generate("Hello", cache="off", max_tokens=8).text == plain.text
    again = jl.LocalLLM(model=path, n_threads=1, calibrate=True, n_ctx=256)
    texts = [event.text for event in again.stream("Hello", cache="off", max_tokens=8) if hasattr(event, "stage")]
    assert not any("measuring once" in text for text in texts)


def test_settings_reach_the_engine(tmp_path: Path) -> None:
    """What a person sets about loading is what the engine has."""
    path = str(write_tiny_llama(tmp_path / "tiny.gguf", n_head=2))
    settings = {
        "n_ctx": 256,
        "n_batch": 64,
        "n_ubatch": 32,
        "n_parallel": 3,
        "kv_cache_type": "q8_0",
        "flash_attn": "on",
    }
    llm = jl.LocalLLM(model=path, **settings)
    assert llm.generate("Hello", cache="off", max_tokens=8).usage.completion_tokens > 0
    engine = llm.engine
    assert engine is not None
    assert {name: getattr(engine.settings, name) for name in settings} == settings  # type: ignore[attr-defined]
    details = engine.info().details
    assert (details["n_parallel"], details["kv_cache_type"], details["flash_attn"]) == (3, "q8_0", "on")
