from __future__ import annotations

from typing import Any

import pytest

from jupyter_localllm.cache import AnswerKey, changes
from jupyter_localllm.cache.explain import likeness
from jupyter_localllm.types import Message, Sampling
from tests.cache.samples import key, templated

SYSTEM = Message.of("system", "You are a helpful assistant.")
FRAME = ("text", "Describe "), ("{{ df }}", "a,b\n1,2\n" * 50)
OTHER_FRAME = ("text", "Describe "), ("{{ df }}", "a,b\n1,3\n" * 50)


def user(*texts: str) -> list[Message]:
    roles = ("user", "assistant") * len(texts)
    return [SYSTEM, *(Message.of(role, text) for role, text in zip(roles, texts, strict=False))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "now", "sentences"),
    [
        (key(), key(), []),
        (templated(*FRAME), templated(*OTHER_FRAME), ["the value of {{ df }} changed"]),
        (
            templated(("text", "Hello "), ("{{ name }}", "Bob")),
            templated(("text", "Hello "), ("{{ name }}", "Alice")),
            ["the value of {{ name }} changed: 'Bob' → 'Alice'"],
        ),
        (
            templated(("text", "Hello "), ("{{ x }}", "1"), ("text", " and "), ("{{ x }}", "1")),
            templated(("text", "Hello "), ("{{ x }}", "2"), ("text", " and "), ("{{ x }}", "2")),
            ["the value of {{ x }} changed"],
        ),
        (
            templated(("text", "Hello "), ("{{ a }}", "1")),
            templated(("text", "Hello "), ("{{ b }}", "2")),
            ["{{ a }} is no longer in the prompt", "{{ b }} is new in the prompt"],
        ),
        (
            templated(("text", "Describe the frame in one sentence: "), ("{{ x }}", "1")),
            templated(("text", "Describe the frame in two sentences: "), ("{{ x }}", "2")),
            [
                "the value of {{ x }} changed: '1' → '2'",
                "the text of the prompt changed: '…the frame in one sentence:' → '…the frame in two sentences:'",
            ],
        ),
        (
            key("What is the capital of France?"),
            key("What is the capital of Spain?"),
            ["the text of the prompt changed: '…is the capital of France?' → '…is the capital of Spain?'"],
        ),
        (key("x" * 500 + "a"), key("x" * 500 + "b"), ["the text of the prompt changed"]),
        (
            templated(("{{ a }}", "1"), ("text", " then "), ("{{ b }}", "2")),
            templated(("{{ b }}", "2"), ("text", " then "), ("{{ a }}", "1")),
            ["the text of the prompt changed: '1 then 2' → '2 then 1'"],
        ),
        (key(), key(sampling=Sampling(temperature=0.7)), ["temperature 0.0 → 0.7"]),
        (
            key(),
            key(sampling=Sampling(seed=2, top_k=10), max_tokens=256, stop=["END"]),
            ["seed 1 → 2", "top_k 40 → 10", "max_tokens 128 → 256", "stop [] → ['END']"],
        ),
        (key(), key(window=4096), ["n_ctx automatic → 4096"]),
        (key(), key(template_version="2"), ["jupyter_localllm's prompt template changed: version 1 → 2"]),
        (
            key(constraint={"type": "integer"}),
            key(constraint={"type": "number"}),
            ["""the form of the answer (schema) changed: '{"type":"integer"}' → '{"type":"number"}'"""],
        ),
        (key(), key(model_sha256="cd" * 32), ["model smollm2 (sha256 abababab…) → (sha256 cdcdcdcd…)"]),
        (
            key(),
            key(model="qwen", model_sha256="cd" * 32),
            ["model smollm2 (sha256 abababab…) → qwen (sha256 cdcdcdcd…)"],
        ),
        (key(model=""), key(model="", model_sha256="cd" * 32), ["model (sha256 abababab…) → (sha256 cdcdcdcd…)"]),
        (key(), key(adapter_sha256="ef" * 32), ["adapter none → (sha256 efefefef…)"]),
        (
            key(),
            key(messages=[Message.of("system", "Be brief."), *user("What is the capital of France?")[1:]]),
            ["the system message changed: 'You are a helpful assistant.' → 'Be brief.'"],
        ),
        (
            key(),
            key(messages=user("What is the capital of France?")[1:]),
            ["there is no system message any more; it was 'You are a helpful assistant.'"],
        ),
        (
            key(messages=[Message.of("user", "Hi")]),
            key(messages=user("Hi")),
            ["there is a system message now: 'You are a helpful assistant.'"],
        ),
        (
            key(messages=user("One?", "1", "Two?")),
            key(messages=user("One?", "uno", "Two?")),
            ["an earlier turn of the conversation changed: message 2 (assistant): '1' → 'uno'"],
        ),
        (
            key(messages=user("One?", "1", "Two?")),
            key(messages=user("Two?")),
            ["the conversation before the question has 0 messages instead of 2"],
        ),
        (
            key(sources={"df": "1", "old": "1"}),
            key(sources={"df": "2", "new": "1"}),
            ["the source df changed", "the source new is new", "the source old is gone"],
        ),
        (
            templated(*FRAME, sources={"df": "1"}),
            templated(*OTHER_FRAME, sources={"df": "2"}),
            ["the value of {{ df }} changed"],
        ),
        (templated(*FRAME, sources={"df": "1"}), templated(*FRAME, sources={"df": "2"}), ["the source df changed"]),
        (key(messages=[]), key(messages=[Message.of("user", "Hi")]), ["the question is new"]),
        (key(messages=[SYSTEM, Message.of("user", "Hi")]), key(messages=[SYSTEM]), ["the question is gone"]),
    ],
)
def test_what_changed_is_said(old: AnswerKey, now: AnswerKey, sentences: list[str]) -> None:
    """A miss is explained by what the person changed, in the person's words, and by nothing else."""
    assert changes(now.document, old.document) == sentences


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": user("Another question")},
        {"messages": [SYSTEM, Message.of("assistant", "What is the capital of France?")]},
        {"messages": user("What is the capital of France?")[1:]},
        {"messages": [*user("a", "b"), Message.of("user", "What is the capital of France?")]},
        {"messages": []},
        {"sampling": Sampling(min_p=0.5)},
        {"max_tokens": 1},
        {"stop": "x"},
        {"constraint": "x"},
        {"sources": {"a": "b"}},
        {"window": 1},
        {"template_version": "x"},
        {"model_sha256": "x"},
        {"adapter_sha256": "x"},
    ],
    ids=str,
)
def test_every_change_of_the_key_is_said(changed: dict[str, Any]) -> None:
    """There is no miss without a reason, in either direction."""
    one, two = key(), key(**changed)
    assert one != two
    assert changes(one.document, two.document)
    assert changes(two.document, one.document)


def test_sentences_stay_short_and_on_one_line() -> None:
    """A frame in the prompt does not end up in the error."""
    old, now = key("a\n" * 2_000), key("b\n" * 2_000)
    (sentence,) = changes(now.document, old.document)
    assert len(sentence) < 200
    assert "\n" not in sentence


def test_likeness_prefers_the_same_cell() -> None:
    """The same question under other options is nearest, then the same template with another value, then the rest."""
    now = templated(*FRAME)
    ranked = [
        templated(*FRAME, sampling=Sampling(temperature=1.0), max_tokens=5, model_sha256="cd" * 32),
        templated(*OTHER_FRAME),
        templated(("text", "Describe in detail "), ("{{ df }}", "another")),
        templated(("text", "Translate "), ("{{ word }}", "cat")),
        templated(("text", "Translate "), ("{{ word }}", "cat"), model_sha256="cd" * 32),
    ]
    scores = [likeness(now.document, other.document) for other in ranked]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)
    assert likeness(now.document, now.document) > scores[0]
