"""Tab completion in real shells and in a real kernel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from jupyter_localllm.magics import completion
from jupyter_localllm.magics.completion import Known
from tests.magics.conftest import RecordingMagics
from tests.shells import new_shell

KNOWN = Known(models=lambda: ["smollm2-135m-instruct", "my model"], chats=lambda: ["trip"], settings=lambda: ["n_ctx"])


@pytest.fixture(params=[InteractiveShell, TerminalInteractiveShell])
def completing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InteractiveShell]:
    with new_shell(tmp_path, request.param) as shell:
        shell.register_magics(RecordingMagics(shell))
        shell.user_ns["sales"] = [{"region": "EU"}]
        completion.install(shell, KNOWN)
        yield shell


def tab(shell: InteractiveShell, text: str) -> list[tuple[str, str]]:
    """Press Tab at the end: what each completion makes of the text, and its type."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return [(text[: item.start] + item.text + text[item.end :], item.type) for item in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%%llm --temp", [("%%llm --temperature", "param")]),
        ("%%localllm --temp", [("%%localllm --temperature", "param")]),
        ("%%llm --cache re", [("%%llm --cache refresh", "value"), ("%%llm --cache require", "value")]),
        ("%%llm --cache=re", [("%%llm --cache=refresh", "value"), ("%%llm --cache=require", "value")]),
        ("%%llm --model my", [('%%llm --model "my model"', "value")]),
        ('%%llm --model "my m', [('%%llm --model "my model"', "value")]),
        ("%%llm --over sales --column ", [("%%llm --over sales --column region", "value")]),
        ("%%llm --over s", [("%%llm --over sales", "instance")]),
        ("%%llm --schema flo", [("%%llm --schema float", "class")]),
        ("%llm stat", [("%llm status", "keyword")]),
        ("x = %llm stat", [("x = %llm status", "keyword")]),
        ("for i in r:\n    %llm cache pru", [("for i in r:\n    %llm cache prune", "keyword")]),
        ("%llm use smo", [("%llm use smollm2-135m-instruct", "value")]),
        ("%%llm\nSales: {{ sal", [("%%llm\nSales: {{ sales", "instance")]),
        ("%%llm\n{{sal", [("%%llm\n{{sales", "instance")]),
    ],
)
def test_tab_completes(completing: InteractiveShell, text: str, expected: list[tuple[str, str]]) -> None:
    """Our completions replace just the word under the cursor, and Python's names do not stand among them."""
    assert tab(completing, text) == expected


def test_the_order_is_kept(completing: InteractiveShell) -> None:
    """Options come in the order of the help, not of the alphabet."""
    made = [text for text, _ in tab(completing, "%%llm ")]
    assert made[:3] == ["%%llm --model", "%%llm --system", "%%llm --format"]


def test_the_old_interface_too(completing: InteractiveShell) -> None:
    """`shell.complete` knows them, as kernels without Jedi's interface ask."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        assert completing.complete("", "%llm --cache re", 15) == ("re", ["refresh", "require"])


def test_files_fit_beside_models(completing: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is completed where one fits."""
    (tmp_path / "smooth.gguf").touch()
    monkeypatch.chdir(tmp_path)
    made = [text for text, _ in tab(completing, "%%llm --model smo")]
    assert "%%llm --model smollm2-135m-instruct" in made
    assert "%%llm --model smooth.gguf" in made


def test_other_completion_is_as_before(completing: InteractiveShell) -> None:
    """Python, other magics and the magics' own names are IPython's."""
    assert ("sales", "instance") in [(text, kind) for text, kind in tab(completing, "sal")] or tab(completing, "sal")
    with_us = {text: tab(completing, text) for text in ("sal", "%time", "%%ll", "sales.app", "x = sal")}
    completion.remove(completing)
    for text, expected in with_us.items():
        assert expected
        assert sorted(tab(completing, text)) == sorted(expected)


def test_failures_are_silent(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """A source of names that fails costs its names, and shows nothing."""

    def broken() -> list[str]:
        raise OSError("no models here")

    completion.install(shell, Known(models=broken))
    assert not [text for text, kind in tab(shell, "%%llm --model smollm") if kind == "value"]
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""
    assert tab(shell, "%%llm --temp") == [("%%llm --temperature", "param")]


def test_installing_twice_and_removing(shell: InteractiveShell) -> None:
    """There is one of us at most, and none afterwards; the newest sources count."""
    before = list(shell.Completer.custom_matchers)
    completion.install(shell, Known(models=lambda: ["old"]))
    completion.install(shell, Known(models=lambda: ["new"]))
    assert len(shell.Completer.custom_matchers) == len(before) + 1
    assert tab(shell, "%llm use n") == [("%llm use new", "value")]
    completion.remove(shell)
    completion.remove(shell)
    assert shell.Completer.custom_matchers == before


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%%llm --cache re", ["%%llm --cache refresh", "%%llm --cache require"]),
        ("%llm use smo", ["%llm use smollm2-135m-instruct"]),
        ("%llm cache ex", ["%llm cache export"]),
        ("%%llm --over sales --column ", ["%%llm --over sales --column region"]),
        ("%%llm --seed 1\nSales: {{ sal", ["%%llm --seed 1\nSales: {{ sales"]),
    ],
)
def test_a_kernel_completes(kernel: Any, code: str, expected: list[str]) -> None:
    """JupyterLab's request for completions is answered with ours."""
    content = kernel.complete(code, len(code), reply=True, timeout=60)["content"]
    made = [code[: content["cursor_start"]] + match + code[content["cursor_end"] :] for match in content["matches"]]
    assert made == expected
