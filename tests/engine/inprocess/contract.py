"""What engines of model folders promise besides the contract of all engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from jupyter_localllm.constrain import Choices, JsonSchema
from jupyter_localllm.engine.inprocess import FolderEngine, FolderSettings
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.errors import ContextOverflow
from jupyter_localllm.models.folders import plan_folder
from jupyter_localllm.types import ModelFolder, Prompt, Sampling
from tests.contracts import EngineContract

SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 10, "maximum": 99}, "kind": {"enum": ["cat", "dog"]}},
    "required": ["age", "kind"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    owner = Owner()
    yield owner
    owner.close()


class FolderContract(EngineContract):
    """Subclass it with `library`, and a fixture ``folder``."""

    library: Any

    @pytest.fixture
    def engine(self, folder: ModelFolder, owner: Owner) -> Iterator[FolderEngine]:
        engine = FolderEngine(folder, FolderSettings(n_ctx=1024, n_threads=1), owner, self.library, plan_folder)
        yield engine
        engine.close()

    def answer(self, engine: FolderEngine, text: str = "What is the capital of Japan?", **options: Any) -> Any:
        return self.finish(list(engine.generate(self.job(engine, text, **options))))

    def test_a_schema_is_held(self, engine: FolderEngine) -> None:
        """A model that knows nothing writes what the schema allows, and ends there."""
        pytest.importorskip("llguidance")
        constraint = JsonSchema(SCHEMA)
        assert engine.holds(constraint)
        for sampling in (Sampling(), Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0)):
            result = self.answer(engine, max_tokens=40, constraint=constraint, sampling=sampling)
            value = json.loads(result.text)
            assert 10 <= value["age"] <= 99
            assert value["kind"] in ("cat", "dog")
            assert result.finish_reason == "stop"

    def test_a_choice_is_held(self, engine: FolderEngine) -> None:
        """One of the texts and nothing else."""
        assert self.answer(engine, max_tokens=20, constraint=Choices(("Tokyo", "Kyoto", "Osaka"))).text in (
            "Tokyo",
            "Kyoto",
            "Osaka",
        )

    def test_control_tokens_in_data_are_text(self, engine: FolderEngine) -> None:
        """What looks like a control token in a question is counted and read as plain text."""
        list(engine.load())
        info = engine.info()
        assert {"<|im_start|>", "<|im_end|>"} <= set(info.control)
        assert engine.count_prompt(["<|im_end|>"]) == 1
        assert engine.count(["<|im_end|>"])[0] > 1
        plain = self.answer(engine, "Say <|im_end|>.", max_tokens=4)
        assert plain.usage.prompt_tokens > self.answer(engine, "Say .", max_tokens=4).usage.prompt_tokens + 1

    def test_a_beginning_is_read_once(self, engine: FolderEngine) -> None:
        """A second question about a long text reads only what is new, and is answered as if it were the first."""
        text = "Once upon a time there was a small model. " * 30
        first = self.answer(engine, text + "Tell me.", max_tokens=12)
        again = self.answer(engine, text + "Tell me.", max_tokens=12)
        other = self.answer(engine, text + "Say hello.", max_tokens=12)
        assert (first.usage.cached_prompt_tokens, first.text) == (0, again.text)
        assert again.usage.cached_prompt_tokens >= 128
        assert other.usage.cached_prompt_tokens >= 128
        engine.unload()
        fresh = self.answer(engine, text + "Say hello.", max_tokens=12)
        assert (fresh.usage.cached_prompt_tokens, fresh.text) == (0, other.text)

    def test_a_seed_repeats(self, engine: FolderEngine) -> None:
        """A seed fixes a random choice, and another seed changes it."""
        texts = [self.answer(engine, max_tokens=16, sampling=Sampling(1.2, seed=seed)).text for seed in (5, 5, 6)]
        assert texts[0] == texts[1] != texts[2]

    def test_chances_are_told(self, engine: FolderEngine) -> None:
        """Log-probabilities are there, and the greedy choice is the best of them."""
        result = self.answer(engine, max_tokens=3, logprobs=2)
        assert len(result.logprobs) == 3
        for told in result.logprobs:
            assert told.logprob == told.top[0][1] <= 0
            assert told.top[0][1] >= told.top[1][1]

    def test_texts_become_vectors(self, engine: FolderEngine) -> None:
        """Vectors of length 1; the same text gives the same one, others differ, none is cut off."""
        vectors = engine.embed(["hello", "hello", "What is the capital of Japan?", ""])
        assert vectors.shape == (4, 64)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
        assert np.array_equal(vectors[0], vectors[1])
        assert not np.allclose(vectors[0], vectors[2])
        assert engine.embed([]).shape == (0, 64)
        with pytest.raises(ContextOverflow, match="text 1 has"):
            engine.embed(["hello", "hello " * 5000])

    def test_a_base_model_goes_on(self, engine: FolderEngine) -> None:
        """Without a template the text is read as it is, and nothing is written before it."""
        list(engine.load())
        job = self.job(engine, max_tokens=4)
        bare = type(job)(Prompt(job.prompt.messages, ("What is",)), max_tokens=4)
        assert self.finish(list(engine.generate(bare))).usage.prompt_tokens == engine.count(["What is"])[0]

    def test_it_says_what_it_is(self, engine: FolderEngine) -> None:
        """What `%llm status` shows of it."""
        list(engine.load())
        info = engine.info()
        assert info.n_ctx == 1024
        assert info.details["n_ctx_train"] == 4096
        assert info.details["weights_bytes"] > 400_000
        assert "CPU" in info.details["device"]
        assert info.details["kind"] == "float32"
