"""Vectors: the model's own pooling, one row for each text, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.llama.embedder import batches
from jupyter_localllm.errors import ContextOverflow, ModelError, UsageError
from tests.tiny_kinds import write_tiny_bert

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def bert_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bert(tmp_path_factory.mktemp("bert") / "tiny-bert.gguf")


@pytest.fixture
def bert(bert_file: Path) -> Iterator[jl.LocalLLM]:
    llm = jl.LocalLLM(model=str(bert_file))
    yield llm
    llm.close()


@pytest.mark.parametrize(
    ("lengths", "most", "expected"),
    [
        ([], 6, []),
        ([3, 3, 9, 1], 6, [(0, 2), (2, 3), (3, 4)]),
        ([1] * 65, 512, [(0, 64), (64, 65)]),
        ([600], 512, [(0, 1)]),
        ([6, 6], 6, [(0, 1), (1, 2)]),
    ],
)
def test_batches(lengths: list[int], most: int, expected: list[tuple[int, int]]) -> None:
    """Texts are taken together as long as they fit, in their order, each once."""
    assert list(batches(lengths, most)) == [range(a, b) for a, b in expected]


def test_one_row_for_each_text(bert: jl.LocalLLM) -> None:
    """The shape is (n, dim), rows have length 1, equal texts equal rows, in whatever batch they stand."""
    texts = ["hello world", "hello there", "", "another text"] * 40
    rows = bert.embed(texts)
    assert rows.shape == (160, 32)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(rows[:4], rows[156:], atol=1e-3)
    assert np.allclose(bert.embed("hello world"), rows[:1], atol=1e-3)
    assert not np.allclose(rows[0], rows[1], atol=1e-2)


def test_none_and_empty(bert: jl.LocalLLM) -> None:
    """No texts are no rows; empty texts have a row each."""
    assert bert.embed([]).shape == (0, 32)
    assert bert.embed(["", ""]).shape == (2, 32)


def test_too_long_is_told(bert: jl.LocalLLM) -> None:
    """A text that does not fit is an error with its place, and nothing of it is embedded."""
    with pytest.raises(ContextOverflow, match=r"text 1 has \d+ tokens.* at most 64"):
        bert.embed(["short", "word " * 200])


def test_only_texts(bert: jl.LocalLLM) -> None:
    """A missing value is told with its place."""
    with pytest.raises(UsageError, match="text 1 is NoneType"):
        bert.embed(["a", None])  # type: ignore[list-item]


def test_an_encoder_does_not_write(bert: jl.LocalLLM) -> None:
    """Asked for text, an embedding model says what it is, and goes on embedding."""
    with pytest.raises(ModelError, match="is an embedding model"):
        bert.generate("Hello", cache="off")
    assert bert.embed("hello").shape == (1, 32)


def test_a_model_that_writes_embeds_too() -> None:
    """The mean over the tokens: texts of one meaning are nearer than others; answers go on as before."""
    llm = jl.LocalLLM(n_ctx=1024)
    cat, also, money = llm.embed(["The cat sat on the mat.", "A cat was sitting on a rug.", "Inflation rose by 3 %."])
    assert cat @ also > cat @ money
    assert "Tokyo" in llm.generate("What is the capital of Japan?", cache="off").text


def test_in_a_process_of_its_own(bert_file: Path) -> None:
    """The isolated engine gives the same vectors."""
    here, there = jl.LocalLLM(model=str(bert_file)), jl.LocalLLM(model=str(bert_file), isolation="process")
    assert np.allclose(here.embed(["hello", "world"]), there.embed(["hello", "world"]), atol=1e-5)
    there.close()
