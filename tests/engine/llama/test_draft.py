"""A draft model guesses; the answer is the model's own."""

from __future__ import annotations

from pathlib import Path

import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.llama.lookup import DraftLength
from jupyter_localllm.errors import EngineError, ModelNotFound
from tests.tiny_models import write_tiny_llama

pytestmark = pytest.mark.model


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Guess four tokens each time, whatever it costs; the list counts what was accepted."""
    accepted: list[int] = []
    monkeypatch.setattr(DraftLength, "choose", lambda self, match_length, available: min(4, available))
    monkeypatch.setattr(DraftLength, "observe", lambda self, drafted, right, step_ms: accepted.append(right))
    return accepted


def test_its_own_draft_is_always_right(tmp_path: Path, model_path: Path, eager: list[int]) -> None:
    """A model that drafts for itself has its sure guesses accepted, and the text is that of plain decoding."""
    question = "Count from one to ten in words."
    plain = jl.LocalLLM(n_ctx=1024, speculation=False).generate(question, cache="off", max_tokens=48)
    drafted = jl.LocalLLM(n_ctx=1024, draft_model=str(model_path)).generate(question, cache="off", max_tokens=48)
    assert drafted.text == plain.text
    assert drafted.usage.completion_tokens == plain.usage.completion_tokens
    assert sum(eager) > 0


def test_a_wrong_draft_changes_nothing(tmp_path: Path, eager: list[int]) -> None:
    """A draft model that guesses otherwise costs time, and no token."""
    model = write_tiny_llama(tmp_path / "model.gguf", seed=1)
    other = write_tiny_llama(tmp_path / "other.gguf", seed=2, n_embd=32)
    plain = jl.LocalLLM(model=str(model), speculation=False).generate("Hello", cache="off", max_tokens=64)
    drafted = jl.LocalLLM(model=str(model), draft_model=str(other)).generate("Hello", cache="off", max_tokens=64)
    assert drafted.text == plain.text


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    """A draft model whose tokens mean something else is told by name, and nothing stays loaded."""
    model = write_tiny_llama(tmp_path / "model.gguf")
    other = write_tiny_llama(tmp_path / "other.gguf", n_vocab=600)
    llm = jl.LocalLLM(model=str(model), draft_model=str(other))
    with pytest.raises(EngineError, match=r"other\.gguf has another vocabulary"):
        llm.generate("Hello", cache="off")
    assert llm.engine is None


def test_a_missing_draft_is_told(tmp_path: Path) -> None:
    """A path that is none is an error before anything is asked."""
    llm = jl.LocalLLM(model=str(write_tiny_llama(tmp_path / "m.gguf")), draft_model=str(tmp_path / "none.gguf"))
    with pytest.raises(ModelNotFound, match="There is no file"):
        llm.generate("Hello", cache="off")
