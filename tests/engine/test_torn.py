"""A model file that is cut while its model is in use: an error for whoever asked, and nothing else is lost."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from jupyter_localllm.engine import parking, torn
from tests.engine.test_parking import child
from tests.tiny_models import write_tiny_llama

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="for Linux")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_llama(tmp_path / "model.gguf")


@pytest.mark.parametrize("scenario", ["torn_file", "torn_file_of_a_team"])
def test_the_process_lives(scenario: str, model: Path) -> None:
    """The file is named, variables are there, Ctrl-C works, and a model is loaded and decodes in a new thread."""
    done = child(scenario, model)
    assert (done.returncode, done.stderr) == (7, "")
    told = json.loads(done.stdout)
    assert "model.gguf cannot be read any more" in told["reason"]
    assert (told["kept"], told["same logits"], told["interrupted"]) == ({"hours": "of work"}, True, True)
    assert told["told"] == told["reason"]
    assert told["the engine's"]


@pytest.mark.parametrize("beside", ["!", "&"])
@pytest.mark.parametrize("scenario", ["torn_map", "sent"])
def test_what_is_not_the_engines_ends_the_process_as_before(scenario: str, beside: str, model: Path) -> None:
    """A map of somebody else that is cut, and a signal that somebody sends, also while the engine works."""
    done = child(scenario + beside, model)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGBUS, "", "")


def test_where_a_signal_says_more_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child of ``isolation="process"`` ends by SIGBUS, as do machines whose structures are not known here."""
    monkeypatch.setattr(torn, "_handlers", [])
    with monkeypatch.context() as patch:
        patch.setattr(parking, "_watchers", [print])
        assert torn.install() is False
    monkeypatch.setattr(torn.platform, "machine", lambda: "riscv64")
    assert torn.install() is False
