"""`%config` on a real shell: what it refuses leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_localllm as jl
from jupyter_localllm.api import handle


@pytest.fixture
def ours(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> jl.LocalLLM:
    """The shell's own handle, as the extension registers it."""
    monkeypatch.setattr(handle, "current_shell", lambda: shell)
    made = jl.LocalLLM()
    shell.configurables.append(made)
    return made


@pytest.mark.parametrize("line", ["n_ctxx = 4096", "n_ctx = -1", "temperature = float('nan')", "model = 5"])
def test_what_config_refuses_is_not_held_against_later_handles(
    line: str, ours: jl.LocalLLM, shell: InteractiveShell, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that was an error is told once; the next `LocalLLM(…)` and `--model` are as before it."""
    shell.run_line_magic("config", "LocalLLM.n_ctx = 2048")
    shell.run_line_magic("config", f"LocalLLM.{line}")
    assert "LocalLLM" in caplog.text or "setting" in caplog.text
    later = jl.LocalLLM()
    assert (later.n_ctx, later.temperature, later.model) == (2048, 0.0, ours.model)
    assert ours.n_ctx == 2048


def test_the_first_line_of_a_session_is_misspelt(
    ours: jl.LocalLLM, shell: InteractiveShell, caplog: pytest.LogCaptureFixture
) -> None:
    """The shell then holds the very table that it was given: what is told is the mistake, and it is gone."""
    shell.run_line_magic("config", "LocalLLM.n_ctxx = 4096")
    assert "Did you mean n_ctx?" in caplog.text
    assert jl.LocalLLM().n_ctx is ours.n_ctx is None


def test_what_config_takes_holds_for_later_handles(ours: jl.LocalLLM, shell: InteractiveShell, tmp_path: Path) -> None:
    """A line that is right is what the shell is configured with, beside what stood there before."""
    shell.run_line_magic("config", "LocalLLM.n_ctx = 2048")
    shell.run_line_magic("config", "LocalLLM.seed = 7")
    assert (jl.LocalLLM().n_ctx, jl.LocalLLM().seed, ours.seed) == (2048, 7, 7)
