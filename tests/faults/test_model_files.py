"""A model's file that is cut, overwritten or replaced while the model is in use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.conftest import Campaign
from tests.faults.machine import told_by
from tests.tiny_models import write_tiny_llama

CUT = """
import json, os, sys
from pathlib import Path
import jupyter_localllm as jl
from jupyter_localllm.errors import LocalLLMError
from tests.tiny_models import write_tiny_llama
model, isolation, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
llm = jl.LocalLLM(model=str(model), isolation=isolation, cache_dir=str(model.parent / "cache"), max_tokens=200,
                  calibrate=False, state_cache_size=0)
hours, errors = "of work", []
def ask(**options):
    try:
        return llm.generate("Hello", cache="off", **options).usage.completion_tokens
    except LocalLLMError as error:
        errors.append(error.message)
answer = llm.stream("Tell me a story.")
for event in answer:
    if type(event).__name__ == "Token":
        break
if when == "idle":
    answer.close()
os.truncate(model, 4096)
if when == "decoding":
    try:
        for event in answer:
            pass
    except LocalLLMError as error:
        errors.append(error.message)
ask()
os.unlink(model)
write_tiny_llama(model)
print(json.dumps({"errors": errors, "hours": hours, "again": ask(max_tokens=3)}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the kernel ends: docs/reliability.md")
@pytest.mark.parametrize("isolation", ["kernel", "process"])
@pytest.mark.parametrize("when", ["decoding", "idle"])
def test_a_file_that_is_cut(isolation: str, when: str, tmp_path: Path, campaign: Campaign) -> None:
    """Whoever waits hears what happened to the file, variables are there, and a good file in its place is loaded."""
    next(campaign(1))
    told = told_by(CUT, write_tiny_llama(tmp_path / "model.gguf"), isolation, when, home=tmp_path / "home")
    assert (told["hours"], told["again"]) == ("of work", 3)
    assert len(told["errors"]) == (2 if when == "decoding" else 1)
    assert "SIGBUS" in told["errors"][0] or when == "idle"
    assert "truncated" in told["errors"][-1]


OVERWRITTEN = """
import json, os, sys
from pathlib import Path
import jupyter_localllm as jl
model, other = Path(sys.argv[1]), Path(sys.argv[2])
good = model.read_bytes()
llm = jl.LocalLLM(model=str(model), cache_dir=str(model.parent / "cache"), max_tokens=100, calibrate=False)
def overwrite(content):
    # as cp does, but for the moment in which there is nothing
    with open(model, "r+b") as file:
        file.write(content)
notes = []
for event in llm.stream("Hello"):
    if type(event).__name__ == "Token" and other.name:
        overwrite(other.read_bytes())
        other = Path()
    if type(event).__name__ == "Done":
        notes = [note.code for note in event.result.notes]
overwrite(good)
os.utime(model)
first = llm.generate("Hello")
print(json.dumps({"notes": notes, "cached": first.cached, "kept": llm.generate("Hello", cache="require").cached}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not let a mapped file be written")
def test_a_file_that_is_overwritten_while_it_answers(tmp_path: Path, campaign: Campaign) -> None:
    """What was answered by a bit of each is not kept as an answer of the first, and that is told."""
    next(campaign(1))
    model, other = (write_tiny_llama(tmp_path / f"{name}.gguf") for name in ("model", "other"))
    content = bytearray(other.read_bytes())
    content[-8000:] = bytes(reversed(content[-8000:]))
    other.write_bytes(content)
    told = told_by(OVERWRITTEN, model, other, home=tmp_path / "home")
    assert "changed" in told["notes"]
    assert (told["cached"], told["kept"]) == (False, True)
