"""The command line: what it takes, how it ends."""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_localllm import LocalLLM, __version__
from jupyter_localllm.cli import main
from jupyter_localllm.cli.base import Command
from jupyter_localllm.cli.line import Line, fitted
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import UsageError
from jupyter_localllm.types import Status
from tests.tiny_models import write_tiny_llama

ROOT = Path(__file__).parents[2]


def with_command(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(arguments: argparse.Namespace) -> int:
        raise error

    command = Command("break", "fail", lambda parser: None, run)
    monkeypatch.setattr(sys.modules[main.__module__], "COMMANDS", (command,))


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (UsageError("that is wrong", "Do this."), 1, "UsageError: that is wrong\nDo this.\n"),
        (
            PermissionError(13, "Permission denied", "there"),
            1,
            "PermissionError: [Errno 13] Permission denied: 'there'\n",
        ),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_errors_are_told_and_are_the_exit_status(
    error: BaseException,
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is wrong and what to do stand on standard error, without a stack; scripts see the status."""
    with_command(monkeypatch, error)
    assert main(["break"]) == status
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", told)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_names_that_the_terminal_cannot_show(encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file's name in another script, or in none, is written out where standard output is no UTF-8."""
    write_tiny_llama(tmp_path / "модель.gguf")
    shutil.copy(tmp_path / "модель.gguf", os.fsencode(tmp_path) + b"/\xff.gguf" if os.name != "nt" else tmp_path / "x")
    monkeypatch.setenv("JUPYTER_LOCALLLM_MODEL_DIRS", str(tmp_path))
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert main(["models"]) == 0
    assert main(["models", "модел"]) == 1
    assert ".gguf" in sys.stdout.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "status"),
    [((), 2), (("modles",), 2), (("models", "--nonsense"), 2), (("--help",), 0), (("models", "-h"), 0)],
)
def test_lines_that_cannot_be_read(line: tuple[str, ...], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong line ends with 2 and the usage; help ends well."""
    with pytest.raises(SystemExit) as caught:
        main(line)
    assert caught.value.code == status
    assert "usage: jupyter localllm" in "".join(capsys.readouterr())


def test_as_a_program() -> None:
    """It runs as a program of its own, and a reader that goes away early is no error of ours."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "jupyter_localllm.cli"]
    done = subprocess.run([*words, "--version"], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == __version__
    with subprocess.Popen([*words, "models"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""


def test_the_script_is_declared() -> None:
    """`jupyter localllm` finds the program `jupyter-localllm`."""
    assert 'jupyter-localllm = "jupyter_localllm.cli:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_progress_is_one_line_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is written over, also by a shorter one, never wraps, and is gone at the end; nothing without a terminal."""
    with Line() as line:
        line(Status("pulling", "unseen"))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    with Line() as line:
        line(Status("pulling", "a text that is too long", 0.5))
        line(Status("pulling", "short"))
    assert capsys.readouterr().err == f"\r 50%  a text that i\r\r{'short':19}\r\r{'':19}\r"


def test_the_cache(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Shown, written, read, tidied and forgotten without a notebook; a file or a number that is missing ends with 2."""
    LocalLLM.from_engine(ScriptedEngine("An answer.")).generate("Hello")
    assert main(["cache"]) == 0
    assert re.search(r"^answers +1$", capsys.readouterr().out, re.MULTILINE)
    for words, told in (
        (("show",), "mode"),
        (("export", str(tmp_path / "a.jsonl")), "1 answers written to"),
        (("import", str(tmp_path / "a.jsonl")), "1 were there already"),
        (("prune", "--days", "2.5"), "not used for 2.5 days"),
        (("clear",), "1 answers deleted"),
    ):
        assert main(["cache", *words]) == 0
        assert told in capsys.readouterr().out
    for wrong in (("export",), ("prune", "--days", "soon"), ("prune", "--days", "-1"), ("empty",)):
        with pytest.raises(SystemExit) as caught:
            main(["cache", *wrong])
        assert caught.value.code == 2


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("abc", "abc   "),
        ("abcdefgh", "abcdef"),
        ("日本語の報告", "日本語"),
        ("a日本語", "a日本 "),
        ("e\u0301a", "e\u0301a    "),
        ("", " " * 6),
    ],
)
def test_a_line_fits_a_terminal(text: str, made: str) -> None:
    """What takes two columns counts twice: a line that wraps could not be written over."""
    assert fitted(text, 6) == made
