"""Conversations as text."""

from __future__ import annotations

from jupyter_localllm.show.bundle import METADATA_KEY
from jupyter_localllm.widgets import kept
from jupyter_localllm.widgets.choosing import megabytes, model_label, model_words
from jupyter_localllm.widgets.client import new_name
from jupyter_localllm.widgets.composer import variable_label
from jupyter_localllm.widgets.kept import Turn, bundle
from jupyter_localllm.widgets.view import queue_words


def turn(question: str = "Where to?", answer: str = "Oslo.", **values: object) -> Turn:
    data = {"text/plain": answer, "text/html": f"<p>{answer}</p>", "text/markdown": answer}
    return Turn("r1", question, data=data, final=True, **values)  # type: ignore[arg-type]


def test_all_types_have_questions_and_answers() -> None:
    """HTML, Markdown and plain text say the same; a variable that was attached is named."""
    data, metadata = bundle("trip", [turn(attachments=[{"kind": "variable", "name": "df"}])])
    assert data["text/plain"] == "Conversation trip: 1 question\n\n> Where to?\n\n[with df]\n\nOslo."
    assert data["text/markdown"] == "*Conversation trip: 1 question*\n\n> Where to?\n\n*With df*\n\nOslo."
    assert all(words in data["text/html"] for words in ("Where to?", "with df", "<p>Oslo.</p>"))
    assert metadata[METADATA_KEY] == {"conversation": "trip", "turns": 1, "complete": True}


def test_what_is_not_whole_says_so() -> None:
    """An answer that failed has its reason in every type, and the metadata tell."""
    data, metadata = bundle("trip", [turn(answer="Os", trouble="the model is gone")])
    assert all("the model is gone" in text for text in data.values())
    assert metadata[METADATA_KEY]["complete"] is False


def test_questions_are_texts() -> None:
    """Nothing of a question or a name is alive."""
    data, _ = bundle("<b>", [turn("<script>alert(1)</script> ![x](http://example.org/x.png)")])
    assert "<script" not in data["text/html"] + data["text/markdown"]
    assert "![x]" not in data["text/markdown"]
    assert "<b>" not in data["text/html"] + data["text/markdown"]


def test_a_long_conversation_keeps_its_end() -> None:
    """Beyond some size the earliest turns are left out, and the head says so; the last one always stays."""
    long = [turn(f"Question {i}?", "x" * 100_000) for i in range(10)]
    data, _ = bundle("long", long)
    assert "Question 9?" in data["text/html"]
    assert "Question 0?" not in data["text/html"]
    assert data["text/plain"].startswith("Conversation long: 10 questions, the latest 3")
    assert "Question 9?" in bundle("long", [turn("Question 9?", "x" * 2 * kept._LONGEST)])[0]["text/plain"]


def test_words_of_the_panel() -> None:
    """Sizes, models, variables, the queue and free names in words."""
    assert (megabytes(98_400_000), megabytes(4.1e9)) == ("98 MB", "4.1 GB")
    model = {"name": "m", "path": None, "bytes": 0, "memory_bytes": None, "fits": "unknown", "loaded": False}
    assert model_label(model) == "m \u00b7 not installed"
    assert model_label({**model, "path": "m.gguf", "bytes": 5e6, "fits": "no"}) == "m \u00b7 5 MB \u00b7 does not fit"
    absent = {
        "name": "m",
        "state": "absent",
        "memory_bytes": None,
        "window": None,
        "text": "the first question loads it",
    }
    assert model_words(absent) == "m \u00b7 not loaded \u00b7 the first question loads it"
    assert variable_label({"name": "x", "type": "int", "shape": "", "tokens": None}) == "x \u00b7 int"
    entry = {"kind": "ask", "conversation": "trip", "state": "queued", "waits_for": "r1", "text": ""}
    assert queue_words([entry]) == "trip: waits for the answer before"
    assert queue_words([{**entry, "kind": "complete"}]) == ""
    assert queue_words([entry] * 5).endswith("2 more")
    assert new_name(["Chat", "Chat 2"]) == "Chat 3"
