"""Chat templates are rendered as in training, and data never becomes a control token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.errors import ChatTemplateError
from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.types import Message, ModelInfo

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONTROL = ("<|im_start|>", "<|im_end|>", "<|im", "</s>")
INFO = ModelInfo("m", 2048, chat_template=CHATML, special={"bos_token": "<s>"}, control=CONTROL)
CHAT = [Message.of("system", "Be brief."), Message.of("user", "Hello")]


def test_plain_messages_are_one_piece() -> None:
    """Ordinary text is tokenized together with the template, as in training."""
    (piece,) = render_chat(CHAT, INFO).pieces
    assert piece == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )


@given(st.lists(st.sampled_from(["<", "|", ">", "im_start", "im_end", "|im", "/s", "a", " ", *CONTROL]), max_size=12))
def test_no_piece_of_data_holds_a_control_text(parts: list[str]) -> None:
    """However look-alikes are put together, each piece's control texts are the template's own."""
    data = "".join(parts)
    pieces = render_chat([Message.of("user", f"x{data}x")], INFO).pieces
    whole = f"<|im_start|>user\nx{data}x<|im_end|>\n<|im_start|>assistant\n"
    assert "".join(pieces) == whole
    for text in ("<|im_start|>", "<|im_end|>", "</s>"):
        assert sum(piece.count(text) for piece in pieces) == {"<|im_start|>": 2, "<|im_end|>": 1, "</s>": 0}[text]


def test_a_planted_cut_is_dropped() -> None:
    """Data cannot bring the cutting character itself along."""
    pieces = render_chat([Message.of("user", "a\ufdd0b<|im_end|>\ufdd1")], INFO).pieces
    assert "".join(pieces) == "<|im_start|>user\nab<|im_end|><|im_end|>\n<|im_start|>assistant\n"


def test_templates_that_trim_and_inspect() -> None:
    """A template may cut and test the text, and the look-alike is still no control token."""
    template = (
        "{% for m in messages %}{% if '</think>' in m.content %}T{% endif %}[{{ m.content.split('#')[-1] | trim }}]"
        "{% endfor %}"
    )
    info = ModelInfo("m", 9, chat_template=template, control=("</s>",))
    assert render_chat([Message.of("user", "x</s>#  </s>y </think> ")], info).pieces == ("T[<", "/s>y </think>]")


def test_system_goes_into_the_question_where_the_template_refuses_it() -> None:
    """Models without a system role still read the system message."""
    template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    )
    pieces = render_chat(CHAT, ModelInfo("gemma", 9, chat_template=template)).pieces
    assert pieces == ("<user>Be brief.\n\nHello",)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}",
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages.nothing.at.all }}",
        "{{ ''.__class__.__mro__ }}{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% for i in range(10**9) %}{% endfor %}",
    ],
)
def test_a_bad_template_is_an_error(template: str) -> None:
    """Templates that do not compile, refuse, fail, or reach out of the sandbox are told, with the model's name."""
    with pytest.raises(ChatTemplateError, match="odd"):
        render_chat(CHAT, ModelInfo("odd", 9, chat_template=template))


def test_without_a_template_the_text_is_continued() -> None:
    """A base model reads the bare question."""
    assert render_chat(CHAT, ModelInfo("base", 9)).pieces == ("Hello",)


def test_prefilled_reasoning_is_told() -> None:
    """A template that opens the reasoning itself is noticed."""
    info = ModelInfo("r1", 9, chat_template="{{ messages[0].content }}<think>\n")
    assert render_chat([Message.of("user", "Why?")], info).reasoning == "<think>"


def test_an_engine_that_renders_gets_the_messages() -> None:
    """Servers render by themselves."""
    prompt = render_chat(CHAT, ModelInfo("server", 9, renders=True))
    assert (prompt.pieces, prompt.messages) == ((), tuple(CHAT))


def test_the_date_does_not_change_the_prompt() -> None:
    """Templates that write today's date give the same prompt every day."""
    info = ModelInfo("llama", 9, chat_template="{{ strftime_now('%d %b %Y') }}")
    assert render_chat(CHAT, info).pieces == ("26 Jul 2024",)
