"""Hints that were written for notebooks, as a shell tells them."""

from __future__ import annotations

import json
import shlex
import sys

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.cli import main
from jupyter_localllm.cli.words import in_shell


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Install it: %llm pull qwen3-4b:Q8_0", "Install it: jupyter localllm pull qwen3-4b:Q8_0"),
        ("%llm models lists what is known.", "jupyter localllm models lists what is known."),
        ("%llm models, %llm doctor", "jupyter localllm models, jupyter localllm doctor"),
        ("%llm modelsque", "%llm modelsque (in a notebook)"),
        ("%llm config lists all.", "%llm config (in a notebook) lists all."),
        ("or free memory (%llm unload, del large variables).", "or free memory (close other programs)."),
        ("free memory: %llm unload", "free memory: close other programs"),
        ("nothing of ours at 100%", "nothing of ours at 100%"),
    ],
)
def test_commands(said: str, told: str) -> None:
    """Those that a shell has are named as there; the others are said to be a notebook's."""
    assert in_shell(said) == told


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_ctx = 2048", "2048"),
        ("allow_remote = False", "False"),
        ("pull_dir = '/path/to/my folder'", "/path/to/my folder"),
        ('cache = "use"', "use"),
        (r"cache_dir = 'C:\\data\\llm'", r"C:\data\llm"),
    ],
)
def test_settings(setting: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting is a variable of the environment, and the value that a program then reads is the one that was meant."""
    name = f"JUPYTER_LOCALLLM_{setting.partition(' ')[0].upper()}"
    monkeypatch.setattr(sys, "platform", "win32")
    assert in_shell(f"Or: %config LocalLLM.{setting}.") == f'Or: set "{name}={value}".'
    monkeypatch.setattr(sys, "platform", "linux")
    told = in_shell(f"%config LocalLLM.{setting}")
    assert shlex.split(told) == ["export", f"{name}={value}"]
    monkeypatch.setenv(name, value)
    assert str(getattr(LocalLLM(), setting.partition(" ")[0])) == value


def test_errors_and_findings_are_told_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands on standard error, in the doctor's report and in the bench's table can be typed there."""
    assert main(["pull", "no-such-model-at-all"]) == 1
    assert "jupyter localllm models lists what is known." in capsys.readouterr().err
    monkeypatch.setenv("JUPYTER_LOCALLLM_CACHE", "off")
    main(["doctor", "--quick", "--json"])
    report = json.loads(capsys.readouterr().out)
    mends = [finding["mend"] for finding in report["findings"] if "answer cache is off" in finding["text"]]
    assert mends == [
        'set "JUPYTER_LOCALLLM_CACHE=use"' if sys.platform == "win32" else "export JUPYTER_LOCALLLM_CACHE=use"
    ]
    assert "%llm" not in json.dumps(report)
    assert main(["bench", "qwen3-8b", "--n", "1"]) == 1
    assert "jupyter localllm pull qwen3-8b" in capsys.readouterr().out
