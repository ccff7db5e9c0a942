"""The kernel's half and the browser's half agree on what an output says.

``labextension/tests/samples.json`` holds outputs and what the labextension reads from them. Here they are made by
`jupyter_localllm.show.bundle`; ``labextension/tests/model.test.ts`` reads the same file. Neither half can drift alone.
After a wanted change: ``python tests/test_answer_samples.py`` writes the file anew, for review.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.show.bundle import ANSWER_MIME, bundle
from jupyter_localllm.show.view import View, failed, fold, view_of
from jupyter_localllm.types import (
    Answer,
    Citation,
    Done,
    Locator,
    Note,
    Passage,
    Provenance,
    Result,
    Status,
    Timings,
    Usage,
)

SAMPLES = Path(__file__).resolve().parents[1] / "labextension" / "tests" / "samples.json"

MODEL = "smollm2-135m-instruct"
USAGE = Usage(prompt_tokens=31, cached_prompt_tokens=25, completion_tokens=142)
TIMINGS = Timings(ttft_ms=84.0, latency_ms=1520.0, load_ms=210.0, tokens_per_second=101.7)
PROVENANCE = Provenance(model=MODEL, model_sha256="ab" * 32, sampling={"temperature": 0.0}, max_tokens=1024)
FINISHED = Result("It is *Paris*.", usage=USAGE, timings=TIMINGS, model=MODEL, provenance=PROVENANCE)
REPLAYED = Result("It is *Paris*.", usage=USAGE, model=MODEL, cached=True, notes=(Note("cache", "It was damaged."),))
CUT = Result("It is", usage=Usage(31, 0, 2), timings=TIMINGS, model=MODEL, finish_reason="length")

PLACE = Locator(rows=(3,), columns=("city",), label="row 4, column city")
CITED = Answer(
    "It is *Paris* [1].",
    (Citation(1, "df", PLACE, "city of France: Paris", 0, 18, "supported"),),
    (Passage("df", "cell", "city of France: Paris", PLACE, "ab" * 32, "Paris", (("row", "city"), ("4", "Paris"))),),
    REPLAYED,
    value="Paris",
)

# name: what is shown, and what the labextension must read from it
CASES: dict[str, tuple[View, dict[str, Any]]] = {
    "loading": (
        View(status=Status("loading", "loading the model", 0.4), model=MODEL),
        {"text": "", "model": MODEL, "state": "streaming", "figures": None},
    ),
    "streaming": (
        View(text="It is", tokens=2, tokens_per_second=98.4, model=MODEL),
        {"text": "It is", "model": MODEL, "state": "streaming", "completionTokens": 2, "figures": None},
    ),
    "finished": (
        fold(View(), Done(FINISHED), 0.0),
        {
            "text": "It is *Paris*.",
            "model": MODEL,
            "state": "complete",
            "promptTokens": 31,
            "completionTokens": 142,
            "figures": {
                "cached": False,
                "tokensPerSecond": 101.7,
                "ttftMs": 84.0,
                "latencyMs": 1520.0,
                "loadMs": 210.0,
                "cachedPromptTokens": 25,
                "notes": [],
            },
        },
    ),
    "replayed": (
        fold(View(), Done(REPLAYED), 0.0),
        {
            "text": "It is *Paris*.",
            "model": MODEL,
            "state": "complete",
            "promptTokens": 31,
            "completionTokens": 142,
            "figures": {"cached": True, "cachedPromptTokens": 25, "notes": ["It was damaged."]},
        },
    ),
    "from sources": (
        view_of(CITED),
        {
            "text": "It is *Paris* [1].",
            "model": MODEL,
            "state": "complete",
            "promptTokens": 31,
            "completionTokens": 142,
            "figures": {"cached": True, "cachedPromptTokens": 25, "notes": ["It was damaged."]},
        },
    ),
    "cut": (
        fold(View(), Done(CUT), 0.0),
        {
            "text": "It is",
            "model": MODEL,
            "state": "complete",
            "promptTokens": 31,
            "completionTokens": 2,
            "figures": {
                "cached": False,
                "tokensPerSecond": 101.7,
                "ttftMs": 84.0,
                "latencyMs": 1520.0,
                "loadMs": 210.0,
                "notes": [],
            },
        },
    ),
    "interrupted": (
        failed(View(text="It is", tokens=2, model=MODEL), KeyboardInterrupt()),
        {"text": "It is", "model": MODEL, "state": "incomplete", "completionTokens": 2, "figures": None},
    ),
}


def sample(name: str) -> dict[str, Any]:
    """A case as the file holds it: our own type, the metadata, and what is read from the two."""
    view, expected = CASES[name]
    data, metadata = bundle(view)
    made = {"name": name, "data": data[ANSWER_MIME], "metadata": metadata, "expected": expected}
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


def test_every_case_is_in_the_file() -> None:
    """The two halves test the same cases."""
    assert [entry["name"] for entry in json.loads(SAMPLES.read_text())] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_kernel_publishes_what_the_samples_say(name: str) -> None:
    """The file shows what the kernel really publishes."""
    kept = {entry["name"]: entry for entry in json.loads(SAMPLES.read_text())}
    assert kept[name] == sample(name)


if __name__ == "__main__":
    SAMPLES.write_text(json.dumps([sample(name) for name in CASES], indent=2) + "\n")
