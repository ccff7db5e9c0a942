"""Extras that people are told to install."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(r"jupyter_localllm\[([a-z0-9_, -]+)\]")


def test_each_extra_that_is_named_exists() -> None:
    """`pip install "jupyter_localllm[…]"` installs something, wherever an error, a page or an example says it."""
    project = ROOT / "pyproject.toml"
    if not project.is_file():
        pytest.skip("the tests run apart from the sources")
    known = set(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"])
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder, ending in (("jupyter_localllm", "*.py"), ("jupyter_localllm", "*.json"), ("docs", "*.md")):
        files += (ROOT / folder).rglob(ending)
    files += [path for path in (ROOT / "examples").rglob("*") if path.suffix in (".py", ".ipynb")]
    named = {
        (extra.strip(), path.relative_to(ROOT).as_posix())
        for path in files
        for extras in _NAMED.findall(path.read_text(encoding="utf-8"))
        for extra in extras.split(",")
    }
    assert len(named) > 10
    assert sorted((extra, path) for extra, path in named if extra not in known) == []
