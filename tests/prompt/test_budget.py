"""What does not fit is said: turns are left out by name, everything else is an error with figures."""

from __future__ import annotations

import pytest

from jupyter_localllm.errors import ContextOverflow
from jupyter_localllm.prompt.budget import Fitted, fit, measure_parts
from jupyter_localllm.types import Message, Part, Prompt


def count(texts: list[str]) -> list[int]:
    """One token a word."""
    return [len(text.split()) for text in texts]


def fit_words(messages: list[Message], n_ctx: int, max_tokens: int | None) -> Fitted:
    return fit(
        messages,
        render=lambda kept: Prompt(tuple(kept)),
        count_prompt=lambda prompt: sum(count([m.content for m in prompt.messages])) + 2 * len(prompt.messages),
        count=lambda texts: count(list(texts)),
        n_ctx=n_ctx,
        max_tokens=max_tokens,
    )


def talk(turns: int) -> list[Message]:
    history = [
        Message.of(role, "word " * 8, turn=n)  # type: ignore[arg-type]
        for n in range(1, turns + 1)
        for role in ("user", "assistant")
    ]
    return [Message.of("system", "be brief"), *history, Message.of("user", "and now ?")]


def test_all_that_fits_is_kept() -> None:
    """Nothing is left out when there is room."""
    fitted = fit_words(talk(2), 100, 20)
    assert len(fitted.prompt.messages) == 6
    assert fitted.notes == ()


def test_oldest_turns_go_first_and_are_named() -> None:
    """Whole turns are left out from the oldest on, as few as needed, and the note says which."""
    fitted = fit_words(talk(5), 80, 20)
    assert [m.turn for m in fitted.prompt.messages] == [None, 4, 4, 5, 5, None]
    assert fitted.notes[0].code == "left_out"
    assert "turns 1 to 3" in fitted.notes[0].text
    assert "48 tokens" in fitted.notes[0].text


def test_the_overflow_names_each_part() -> None:
    """What cannot be left out is an error that shows the tokens of every part."""
    question = Message("user", (Part("text", "Sum up: "), Part("{{ df }}", "cell " * 500, "100 rows x 5 columns")))
    with pytest.raises(ContextOverflow) as caught:
        fit_words([Message.of("system", "be brief"), question], 256, 64)
    text = str(caught.value)
    for part in ("{{ df }}", "500", "100 rows x 5 columns", "system", "chat template", "256", "64"):
        assert part in text


def test_default_keeps_a_quarter_of_a_small_window() -> None:
    """Without a limit the answer may have 1,024 tokens or what a small window leaves, but never under a quarter."""
    assert fit_words([Message.of("user", "hi")], 8192, None).max_tokens == 1024
    assert fit_words([Message.of("user", "hi")], 512, None).max_tokens == 512 - 3
    with pytest.raises(ContextOverflow):
        fit_words([Message.of("user", "w " * 400)], 512, None)


def test_a_set_limit_is_never_lowered() -> None:
    """A person's own max_tokens is kept or refused."""
    assert fit_words([Message.of("user", "hi")], 512, 100).max_tokens == 100
    with pytest.raises(ContextOverflow):
        fit_words([Message.of("user", "hi")], 512, 511)


def test_parts_add_up() -> None:
    """The parts of a dry run add up to the prompt, with the template's own share apart."""
    messages = [
        Message.of("system", "a b"),
        Message("user", (Part("text", "c "), Part("{{ x }}", "d e"), Part("text", " f"))),
    ]
    parts = {p.label: p.tokens for p in measure_parts(messages, 12, lambda texts: count(list(texts)))}
    assert parts == {"system": 2, "text": 2, "{{ x }}": 2, "chat template": 6}
