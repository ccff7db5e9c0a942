"""The rooms import each other in one direction, and only one room imports each outside library that matters.

The contracts stand in pyproject.toml; import-linter sees the imports inside functions too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]

BREACHES = {
    "a lower room imports a higher one": ("engine/base.py", "from jupyter_localllm import pipeline", "rooms"),
    "hidden in a function": ("types.py", "def f():\n    from jupyter_localllm import errors", "types and errors"),
    "llama.cpp outside its room": ("pipeline/road.py", "import llama_cpp", "Only engine.llama"),
    "papermill outside its room": ("api.py", "def f():\n    import papermill.execute", "Only report"),
}


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package in ``directory``."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    env = {**os.environ, "PYTHONPATH": str(directory)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=directory, env=env, capture_output=True, text=True, check=False
    )


def test_rooms_import_in_one_direction() -> None:
    """Each import of the package goes down."""
    done = lint_imports(CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_seen(breach: str, tmp_path: Path) -> None:
    """The check itself works: an import in the wrong direction fails it, wherever it hides."""
    file, line, contract = BREACHES[breach]
    ignored = shutil.ignore_patterns("labextension", "__pycache__")
    shutil.copytree(CHECKOUT / "jupyter_localllm", tmp_path / "jupyter_localllm", ignore=ignored)
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    with (tmp_path / "jupyter_localllm" / file).open("a") as module:
        module.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert [row for row in done.stdout.splitlines() if "BROKEN" in row and contract in row]


def test_every_folder_is_a_package() -> None:
    """No module stands where import-linter would not see it: in a folder without ``__init__.py``."""
    modules = (CHECKOUT / "jupyter_localllm").rglob("*.py")
    assert {module.parent.name for module in modules if not (module.parent / "__init__.py").exists()} == set()
