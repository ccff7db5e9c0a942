"""A process that may open no more files, or start no more threads and processes."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.faults.conftest import Campaign
from tests.faults.machine import refused, told_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

BEGIN = """
import asyncio, json, os, resource, sys, threading
import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.errors import LocalLLMError
tiny, place = sys.argv[1], sys.argv[2]
told, errors = [], {}
runtime.current().on_notice = told.append
def handle(**settings):
    settings = {"max_tokens": 4, "calibrate": False, "n_threads": 4, "cache_dir": place, **settings}
    return jl.LocalLLM(model=tiny, **settings)
def tried(name, function):
    try:
        return function()
    except LocalLLMError as error:
        errors[name] = [type(error).__name__, error.message, error.hint]
"""

FILES = """
os.utime(tiny, (1e9, 1e9))  # what changed just now may change again unseen, and its sha256 is not remembered
llm = handle()
before = llm.generate("before").text
store = llm.answers
def fill(but):
    held = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        for _ in range(but):
            os.close(held.pop())
    return held
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
held = fill(0)
open_cache = [llm.generate("before", cache="require").cached, llm.generate("new").text != ""]
for name in held:
    os.close(name)
for but in (0, 1, 2, 3, 4, 5):  # as far as SQLite gets with so many
    store.close()
    held = fill(but)
    tried(f"asked {but}", lambda: llm.generate("before"))
    tried(f"checked {but}", lambda: handle(n_ctx=512, cache="off").generate("Hello"))
    for name in held:
        os.close(name)
again = llm.generate("before", cache="require").text == before, llm.generate("new", cache="require").cached
kept = llm.generate("room").text != "" and llm.generate("room", cache="require").cached
print(json.dumps({"open": open_cache, "again": again, "kept": kept, "told": told, "errors": errors,
                  "files": sorted(name for name in os.listdir(place + "/answers") if "damaged" in name)}))
"""

THREADS = """
import pandas as pd
import jupyter_localllm.engine.asynchronous, jupyter_localllm.constrain.roomy  # numpy's BLAS wants threads, too
def leave(number):
    most = max(1, len(os.listdir("/proc/self/task")) + number)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, resource.getrlimit(resource.RLIMIT_NPROC)[1]))
async def asked():
    return (await llm.agenerate("Hello", cache="off")).text
frame = pd.DataFrame({"city": ["A", "B"], "people": [1, 2]})
checked = handle()
if sys.argv[3] == "checked":
    checked.generate("Hello")  # in a child: later ones need none
    checked.close()
    llm = handle(n_ctx=256)
    leave(2)
    answered = tried("generate", lambda: llm.generate("Hello", cache="off").usage.completion_tokens)
    (engine,) = runtime.current().resident()
    print(json.dumps({"answered": answered, "threads": engine.info().details["threads"], "errors": errors}))
else:
    llm = handle(isolation=sys.argv[4])
    leave(-1000)
    for name, function in {
        "generate": lambda: llm.generate("Hello", cache="off"),
        "map": lambda: llm.map("{{ value }}", ["a", "b"], cache="off"),
        "ask": lambda: llm.ask("What is the people of B?", sources={"frame": frame}, cache="off"),
        "extract": lambda: llm.extract({"enum": ["x", "y"]}, "Hello", cache="off"),
        "async": lambda: asyncio.run(asked()),
    }.items():
        tried(name, function)
    leave(100)
    again = tried("again", lambda: llm.generate("Hello", cache="off").usage.completion_tokens)
    print(json.dumps({"errors": errors, "again": again}))
"""

NOBODY = "54321"
"""A user without processes: the system counts them for each user, and never those of root."""


@cache
def _as_nobody() -> tuple[tuple[str, ...], str]:
    """What to put before a command of that user, who may read what we may; and why that is impossible."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return (), "only root can be another user"
    ids = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups")
    prefix = (
        *ids,
        "--inh-caps",
        "+dac_override",
        "--ambient-caps",
        "+dac_override",
        "env",
        "PYTHONDONTWRITEBYTECODE=1",
    )
    return prefix, refused(*prefix, sys.executable, "-c", "")


def test_too_many_open_files(tiny: Path, tmp_path: Path, campaign: Campaign) -> None:
    """An open cache goes on, one that cannot be opened is no read-only one, and nothing that was kept is lost."""
    next(campaign(1))
    found = told_by(BEGIN + FILES, tiny, tmp_path / "cache", home=tmp_path / "home")
    assert found["open"] == [True, True]
    campaign.committed(*found["again"], found["kept"])
    assert found["files"] == []
    assert found["told"]
    assert not [text for text in found["told"] if "read-only" in text]
    assert all("open files" in message + hint for _, message, hint in found["errors"].values()), found["errors"]


@pytest.mark.parametrize("isolation", ["kernel", "process"])
def test_no_more_threads_and_processes(isolation: str, tiny: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Whoever asks hears what is at its end, in whatever way he asks; with room again there are answers."""
    next(campaign(1))
    prefix, why = _as_nobody()
    if why:
        pytest.skip(why)
    tmp_path.chmod(0o777)
    place = tmp_path / "cache"
    found = told_by(BEGIN + THREADS, tiny, place, "cold", isolation, home=tmp_path / "home", prefix=prefix)
    assert set(found["errors"]) == {"generate", "map", "ask", "extract", "async"}
    assert all("could be started" in message and "end some" in hint for _, message, hint in found["errors"].values()), (
        found["errors"]
    )
    assert found["again"] == 4


def test_fewer_threads_than_wanted(tiny: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Where OpenMP would end the process for want of threads, the model computes with those that there are."""
    next(campaign(1))
    prefix, why = _as_nobody()
    if why:
        pytest.skip(why)
    tmp_path.chmod(0o777)
    found = told_by(BEGIN + THREADS, tiny, tmp_path / "cache", "checked", home=tmp_path / "home", prefix=prefix)
    assert (found["answered"], found["errors"]) == (4, {})
    assert found["threads"] < 4
