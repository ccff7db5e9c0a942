from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest

from jupyter_localllm.cache import answer_key
from jupyter_localllm.cache.key import KeyDocument
from jupyter_localllm.errors import CacheError
from jupyter_localllm.types import Message, Part, Sampling
from tests.cache.samples import key, templated

SYSTEM = Message.of("system", "You are a helpful assistant.")


def test_the_digest_is_fixed() -> None:
    """A key never changes between versions of the package: caches and committed exports live on."""
    assert key().digest == "45fdd5510fde5944376ea68ab6489476e4a8f012e5fa2b81f7240d49757e2fc9"


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": [SYSTEM, Message.of("user", "What is the capital of France")]},
        {"messages": [Message.of("user", "What is the capital of France?")]},
        {"messages": [SYSTEM, Message.of("assistant", "What is the capital of France?")]},
        {"messages": [SYSTEM, SYSTEM, Message.of("user", "What is the capital of France?")]},
        {"max_tokens": 129},
        {"stop": ("\n",)},
        {"model_sha256": "cd" * 32},
        {"constraint": {"type": "integer"}},
        {"sources": {"df": "00" * 32}},
        {"window": 4096},
        {"adapter_sha256": "ef" * 32},
        {"template_version": "2"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_each_input_is_in_the_key(changed: dict[str, Any]) -> None:
    """An answer is only found again by a request that could have made it."""
    assert key(**changed).digest != key().digest


@pytest.mark.parametrize("field", [f.name for f in fields(Sampling)])
def test_each_sampling_field_is_in_the_key(field: str) -> None:
    """Every sampling field is in the key, also where it should not matter: engines differ in that."""
    changed = replace(Sampling(), **{field: getattr(Sampling(), field) + 1})
    assert key(sampling=changed).digest != key().digest


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"sampling": Sampling(temperature=0)}, {"sampling": Sampling(temperature=0.0)}),
        ({"sampling": Sampling(temperature=-0.0)}, {"sampling": Sampling(temperature=0.0)}),
        ({"sampling": Sampling(top_k=20)}, {"sampling": Sampling(top_k=20.0)}),  # type: ignore[arg-type]
        ({"stop": None}, {"stop": []}),
        ({"stop": "END"}, {"stop": ("END",)}),
        ({"stop": ("a", "b", "a")}, {"stop": ["b", "a"]}),
        ({"sources": {"a": "1", "b": "2"}}, {"sources": {"b": "2", "a": "1"}}),
        ({"model": "a name"}, {"model": "another name"}),
    ],
)
def test_the_same_request_written_differently_has_the_same_key(one: dict[str, Any], two: dict[str, Any]) -> None:
    """What means the same to every engine is one key."""
    assert key(**one) == key(**two)


def test_parts_explain_but_do_not_count() -> None:
    """How a text was put together is not in the key: the model never sees it."""
    assert templated(("text", "Sum: "), ("{{ x }}", "1")).digest == templated(("text", "Sum: 1")).digest


def test_the_order_of_a_schemas_properties_counts() -> None:
    """A schema's properties are written in their order, so another order may give another answer."""
    one, two = {"properties": {"a": 1, "b": 2}}, {"properties": {"b": 2, "a": 1}}
    assert key(constraint=one).digest != key(constraint=two).digest


def test_stop_strings_have_one_order() -> None:
    """The order in which Python walks through a set changes from kernel to kernel; the key does not."""
    stops = list("hgfedcba")
    assert key(stop=stops).document["stop"] == sorted(stops)


def test_contents_do_not_run_into_each_other() -> None:
    """Moving text from one message to the next is another key."""
    one = key(messages=[Message.of("user", "ab"), Message.of("user", "c")])
    assert one.digest != key(messages=[Message.of("user", "a"), Message.of("user", "bc")]).digest


def test_the_document_is_small_and_plain() -> None:
    """A long prompt is kept by hash and excerpt, as JSON values, and computes to the same digest when read back."""
    long = templated(("text", "Describe "), ("{{ df }}", "x" * 1_000_000 + "\ud800"), ("text", "\ud800"))
    text = json.dumps(long.document, ensure_ascii=False).encode()
    assert len(text) < 3_000
    assert KeyDocument.read(json.loads(text)).digest == long.digest
    labels = [part["label"] for part in long.document["messages"][1]["parts"]]
    assert labels == ["text", "{{ df }}", "text"]


def test_a_key_can_be_compared_and_hashed() -> None:
    """Keys work in sets and as keys of mappings."""
    assert {key(), key()} == {key()}
    assert key("another") not in {key()}


def test_bad_inputs_are_errors_with_words() -> None:
    """What cannot be keyed is said at once."""
    with pytest.raises(CacheError, match="nan"):
        key(sampling=Sampling(temperature=math.nan))
    with pytest.raises(CacheError, match="sha256 of its model"):
        key(model_sha256="")
    with pytest.raises(CacheError, match="set"):
        key(constraint={"enum": {1, 2}})


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": "1"},
        {"max_tokens": True},
        {"max_tokens": 1.5},
        {"messages": {}},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "root", "sha256": "", "excerpt": "", "parts": []}]},
        {"sources": {"a": 1}},
        {"sampling": {"seed": [1]}},
        {"stop": "END"},
        {"window": "4096"},
        {"something": 1},
    ],
    ids=str,
)
def test_a_malformed_document_is_refused(change: dict[str, Any]) -> None:
    """A document from a disk or a file has the right shape or is a CacheError."""
    with pytest.raises(CacheError):
        KeyDocument.read({**key().document, **change})


def test_a_document_that_lacks_a_field_is_refused() -> None:
    """No field is filled in by guessing."""
    for name in key().document:
        with pytest.raises(CacheError, match=name):
            KeyDocument.read({k: v for k, v in key().document.items() if k != name})


def test_the_call_of_the_brief_works() -> None:
    """The function takes exactly what the pipeline gives it."""
    made = answer_key(
        messages=(Message("user", (Part("text", "Hi"),)),),
        sampling=Sampling(temperature=0.5),
        max_tokens=10,
        stop=(),
        model_sha256="ab",
        window=None,
        adapter_sha256="",
        template_version="1",
    )
    assert len(made.digest) == 64
