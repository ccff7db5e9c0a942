"""Text that is handed out is final: no half characters, stop strings or reasoning marks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.engine.text import REASONING_MARKS, TextStream, prefilled_reasoning


def run(text: str, cuts: list[int], stop: tuple[str, ...] = (), reasoning: str = "") -> tuple[str, str, bool]:
    """Feed `text` in pieces cut at `cuts` (byte positions); give answer, reasoning, whether it was stopped."""
    raw = text.encode()
    edges = sorted({0, len(raw), *(c % (len(raw) + 1) for c in cuts)})
    stream = TextStream(stop, reasoning)
    tokens = [t for a, b in itertools.pairwise(edges) for t in stream.feed(raw[a:b])] + stream.finish()
    assert all(token.text for token in tokens)
    assert not any("�" in token.text for token in tokens)
    by = {c: "".join(t.text for t in tokens if t.channel == c) for c in ("answer", "reasoning")}
    return by["answer"], by["reasoning"], stream.stopped


words = st.text(st.characters(codec="utf-8", exclude_characters="�"), max_size=60)
places = st.lists(st.integers(0, 400), max_size=20)


@given(words, places)
def test_any_cut_gives_the_same_text(text: str, cuts: list[int]) -> None:
    """Wherever tokens end, characters come out whole and the text is the same, but for blanks at its beginning."""
    if any(text.lstrip().startswith(m.open) for m in REASONING_MARKS):
        return
    assert run(text, cuts) == (text.lstrip(), "", False)


@given(words, words, st.sampled_from(["END", "\n\n", "</s>", "é!"]), places)
def test_any_cut_finds_the_stop(head: str, tail: str, stop: str, cuts: list[int]) -> None:
    """The answer ends before the first stop string, wherever tokens end."""
    whole = "A" + head + stop + tail
    answer, _, stopped = run(whole, cuts, (stop,))
    assert stopped
    assert answer == whole[: whole.index(stop)]


@given(st.sampled_from(REASONING_MARKS), places, st.booleans())
def test_any_cut_splits_the_reasoning(mark: object, cuts: list[int], prefilled: bool) -> None:
    """Reasoning is split off for every family, prefilled by the template or written by the model."""
    opening = "" if prefilled else f"\n{mark.open}"  # type: ignore[attr-defined]
    text = f"{opening}\nLet me think <b>.\n{mark.tail}{mark.close}\n\nParis < Rome."  # type: ignore[attr-defined]
    got = run(text, cuts, reasoning=mark.open if prefilled else "")  # type: ignore[attr-defined]
    assert got == ("Paris < Rome.", "Let me think <b>.", False)


def test_reasoning_without_an_end() -> None:
    """A reasoning channel that never closes is all reasoning, and nothing of it is lost."""
    assert run("<think>Hm. <", [8, 10]) == ("", "Hm. <", False)


def test_a_mark_later_on_is_text() -> None:
    """Only an answer that begins with the mark reasons; a mark in its middle is about something else."""
    assert run("The tag <think> is used.", [5, 10]) == ("The tag <think> is used.", "", False)


def test_stop_in_the_reasoning_does_not_stop() -> None:
    """Stop strings are looked for in the answer."""
    assert run("<think>a\n\nb</think>One.\n\nTwo.", [9, 20], ("\n\n",)) == ("One.", "a\n\nb", True)


@pytest.mark.parametrize(("prompt", "mark"), [("x<think>\n", "<think>"), ("x", ""), ("<think></think>\n\n", "")])
def test_prefilled_mark_is_seen(prompt: str, mark: str) -> None:
    """The end of the rendered prompt says whether the answer begins inside the reasoning."""
    assert prefilled_reasoning(prompt) == mark


@given(places)
def test_an_answer_opened_without_reasoning(cuts: list[int]) -> None:
    """gpt-oss may open its final channel at once: the opening is no text."""
    assert run("<|channel|>final<|message|>Paris.", cuts) == ("Paris.", "", False)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("written", "reasoning", "answer"),
    [
        ("I think.<|channel|>commentary to=f", "I think.", "<|channel|>commentary to=f"),
        ("I think.<|end|><|start|>assistant<|channel|>commentary to=f", "I think.", "<|channel|>commentary to=f"),
        ("I think.<|end|><|start|>assistant<|channel|>final<|message|>Yes.", "I think.", "Yes."),
        ("I <|channel|>x think.", "I <|channel|>x think.", ""),
    ],
)
def test_a_call_ends_the_reasoning(size: int, written: str, reasoning: str, answer: str) -> None:
    """What opens a call is the beginning of the answer, however the text is cut into tokens."""
    stream = TextStream(reasoning="<|channel|>analysis<|message|>", opens="<|channel|>commentary")
    data = written.encode()
    tokens = [t for at in range(0, len(data), size) for t in stream.feed(data[at : at + size])] + stream.finish()
    said = {channel: "".join(t.text for t in tokens if t.channel == channel) for channel in ("reasoning", "answer")}
    assert said == {"reasoning": reasoning, "answer": answer}
