"""Folders that are gone: the one that a kernel works in, a home, a place for temporary files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.conftest import Campaign
from tests.faults.machine import told_by

GONE = """
import json, os, sys
from pathlib import Path
import jupyter_localllm as jl
from jupyter_localllm import runtime
tiny, place = sys.argv[1], Path(sys.argv[2])
told = []
runtime.current().on_notice = told.append
def answered(**settings):
    # what is new to this cache is tried in a child process first
    llm = jl.LocalLLM(model=tiny, max_tokens=4, calibrate=False, **settings)
    return llm.generate("Hello").usage.completion_tokens
"""

NO_FOLDER = """
(place / "work").mkdir()
os.chdir(place / "work")
os.rmdir(place / "work")
print(json.dumps({
    "kernel": answered(cache_dir=str(place / "one")),
    "process": answered(cache_dir=str(place / "two"), isolation="process"),
    "relative": answered(cache_dir="three"),
    "told": told,
}))
"""

NO_HOME = """
(place / "file").touch()
os.environ.update(HOME=str(place / "file" / "home"), TMPDIR=str(place / "file"))
for name in ("XDG_CACHE_HOME", "JUPYTER_LOCALLLM_CACHE_DIR"):
    os.environ.pop(name, None)
from jupyter_localllm.cache import export
kept = jl.LocalLLM(model=tiny, max_tokens=4, calibrate=False, cache_dir=str(place / "cache"))
kept.generate("Hello")
print(json.dumps({
    "answered": answered(),
    "told": told,
    "exported": export(kept.answers, place / "kept.jsonl"),
}))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps folders that somebody works in")
def test_the_kernels_folder_is_gone(tiny: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Models are checked, loaded and asked all the same; only a cache that is relative to that folder is not used."""
    next(campaign(1))
    found = told_by(GONE + NO_FOLDER, tiny, tmp_path, home=tmp_path / "home")
    assert (found["kernel"], found["process"], found["relative"]) == (4, 4, 4)
    assert all("three cannot be used" in text for text in found["told"])
    assert found["told"]


def test_no_home_and_no_place_for_temporary_files(tiny: Path, tmp_path: Path, campaign: Campaign) -> None:
    """Answers come, it is told that they are not kept, and a cache elsewhere is exported."""
    next(campaign(1))
    found = told_by(GONE + NO_HOME, tiny, tmp_path, home=tmp_path / "home")
    assert (found["answered"], found["exported"]) == (4, 1)
    assert any("Answers are not kept" in text for text in found["told"])
