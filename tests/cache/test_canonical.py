from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_localllm.cache.canonical import canonical, content_sha256, dump, parse
from jupyter_localllm.errors import CacheError

# Texts with lone surrogates too: hypothesis leaves them out unless asked.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@example({"\ud83d\ude00": "\ud83d", "\U0001f600": -0.0})
def test_what_is_written_can_be_read(value: object) -> None:
    """Canonical JSON keeps every value, types and lone surrogates included."""
    back = parse(canonical(value))
    assert back == value
    assert canonical(back) == canonical(value)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    """Two mappings with the same content have the same text, however they were filled."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@given(VALUES, VALUES)
def test_different_values_have_different_texts(one: object, two: object) -> None:
    """No two different values share a text, so none share a hash."""
    assert (canonical(one) == canonical(two)) == (json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.0, None, True]}, b'{"a":[1.0,null,true],"b":1}'),
        ({"é": "\n\u2028"}, '{"é":"\\n\u2028"}'.encode()),
        ((1, (2,)), b"[1,[2]]"),
        (0.1 + 0.2, b"0.30000000000000004"),
        ("\ud800", b'"\xed\xa0\x80"'),
        ("\ud83d\ude00", b'"\xed\xa0\xbd\xed\xb8\x80"'),
        ("\U0001f600", b'"\xf0\x9f\x98\x80"'),
    ],
)
def test_the_text_is_fixed(value: object, text: bytes) -> None:
    """The text never changes between versions: it is in everybody's caches and exports."""
    assert canonical(value) == text


def deep(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, {1: "a"}, {None: 1}, {"a": b"bytes"}, {"a": {1, 2}}, object(), 10**5000, deep(100_000)],
    ids=["nan", "inf", "int key", "None key", "bytes", "set", "object", "huge int", "deep"],
)
def test_what_has_no_json_is_refused(value: object) -> None:
    """Nothing is turned into JSON that would come back as something else."""
    with pytest.raises(CacheError):
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"NaN", b"-Infinity", b'{"a":1}x', b"\xff\xfe", b"[" * 100_000, b"1" * 5000],
    ids=["empty", "cut", "nan", "infinity", "more", "no UTF-8", "deep", "huge"],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    """Reading hostile bytes ends in a CacheError, never in another exception."""
    with pytest.raises(CacheError):
        parse(data)


def test_content_hash() -> None:
    """Texts hash as UTF-8; a lone surrogate does not stop it."""
    assert content_sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content_sha256("é") == content_sha256("é".encode())
    assert content_sha256("\ud800") != content_sha256("?")


def test_own_order_is_kept_when_asked() -> None:
    """`dump` without sorting tells schemas apart whose properties are in another order."""
    assert dump({"b": 1, "a": 2}, sort_keys=False) == b'{"b":1,"a":2}'
