from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.cache import Entry
from jupyter_localllm.cache.entry import stored_document
from jupyter_localllm.errors import CacheError
from jupyter_localllm.types import Done, Note, Provenance, Result, Status, Timings, Token, Usage
from tests.cache.samples import entry, key
from tests.cache.test_canonical import TEXTS

NUMBERS = st.floats(min_value=0, max_value=1e9, allow_nan=False)
COUNTS = st.integers(0, 10**6)
MAPPINGS = st.dictionaries(TEXTS, TEXTS, max_size=3)
RESULTS = st.builds(
    Result,
    text=TEXTS,
    reasoning=TEXTS,
    finish_reason=st.sampled_from(["stop", "length"]),
    usage=st.builds(Usage, COUNTS, COUNTS, COUNTS),
    timings=st.builds(Timings, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    model=TEXTS,
    notes=st.lists(st.builds(Note, TEXTS, TEXTS), max_size=2).map(tuple),
    provenance=st.builds(
        Provenance,
        model=TEXTS,
        model_sha256=TEXTS,
        sampling=st.dictionaries(TEXTS, NUMBERS | COUNTS, max_size=3),
        max_tokens=COUNTS,
        stop=st.lists(TEXTS, max_size=2).map(tuple),
        prompt_sha256=TEXTS,
        sources=MAPPINGS,
        key=TEXTS,
        versions=MAPPINGS,
    ),
)
TOKENS = st.lists(st.builds(Token, TEXTS, st.sampled_from(["answer", "reasoning"])), max_size=8).map(tuple)
ENTRIES = st.builds(
    Entry, TOKENS, RESULTS, TEXTS.map(lambda question: key(question).document), st.floats(0, 4e9, allow_nan=False)
)


@given(ENTRIES)
@settings(deadline=None)
def test_every_entry_survives_the_disk(made: Entry) -> None:
    """What is read is what was written: every token, every field of the result."""
    assert Entry.from_bytes(made.to_bytes()) == made
    assert stored_document(made.to_bytes()) == made.key_document


@given(ENTRIES, st.data())
@settings(deadline=None)
def test_damage_never_reads_as_an_answer(made: Entry, data: st.DataObject) -> None:
    """Any single byte that changes, and any cut, is a CacheError."""
    good = made.to_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = bytearray(good)
    flipped[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CacheError):
        Entry.from_bytes(bytes(flipped))
    with pytest.raises(CacheError):
        Entry.from_bytes(good[:place])


@given(st.binary(max_size=200))
def test_junk_is_refused(junk: bytes) -> None:
    """Whatever stands in the database, reading it gives an entry or a CacheError."""
    with pytest.raises(CacheError):
        Entry.from_bytes(junk)


@pytest.mark.parametrize(
    "change",
    [
        {"created": "now"},
        {"created": 10**400},
        {"result": None},
        {"result": {}},
        {"result": {"text": 1}},
        {"result": {"text": "", "finish_reason": "exploded"}},
        {"result": {"text": "", "usage": {"prompt_tokens": True}}},
        {"result": {"text": "", "timings": {"ttft_ms": float("inf")}}},
        {"result": {"text": "", "surprise": 1}},
        {"tokens": [{"channel": "answer", "texts": [1]}]},
        {"tokens": [{"channel": "shell", "texts": []}]},
        {"tokens": "text"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_malformed_answer_is_refused(change: dict[str, Any]) -> None:
    """An answer of the wrong shape is a CacheError, never a half-filled Result."""
    good = entry(key())
    Entry.from_plain(good.key_document, good.to_plain())
    with pytest.raises(CacheError):
        Entry.from_plain(good.key_document, {**good.to_plain(), **change})


def test_another_version_is_named() -> None:
    """An entry of a later format says so."""
    data = entry(key()).to_bytes().replace(b'{"entry":1', b'{"entry":2', 1)
    with pytest.raises(CacheError, match="version 2"):
        Entry.from_bytes(data)


def test_an_older_entry_lacks_what_came_later() -> None:
    """A field with a default that an entry was written without takes its default."""
    good = entry(key())
    plain = good.to_plain()
    del plain["result"]["reasoning"], plain["result"]["usage"]["cached_prompt_tokens"]
    read = Entry.from_plain(good.key_document, plain)
    assert read.result.reasoning == ""
    assert read.result.usage.cached_prompt_tokens == 0


def test_replay_gives_the_events_again() -> None:
    """A hit streams what the model streamed and ends with a result that says it is cached."""
    made = entry(key())
    first, *tokens, last = made.replay()
    assert isinstance(first, Status)
    assert first.stage == "cache"
    assert tuple(tokens) == made.tokens
    assert last == Done(replace(made.result, cached=True))


def test_of_takes_the_keys_document() -> None:
    """An entry knows its key, is not cached itself, and knows when it was made."""
    made = Entry.of((), Result("x", cached=True), key())
    assert made.digest == key().digest
    assert not made.result.cached
    assert made.created > 1e9


def test_durable_leaves_only_what_repeats() -> None:
    """Two runs that gave the same answer have the same durable entry, whatever they took."""
    one = entry(key())
    other_times = Timings(*(1.0 for _ in fields(Timings)))
    usage = replace(one.result.usage, cached_prompt_tokens=0)
    two = replace(one, created=1.0, result=replace(one.result, timings=other_times, usage=usage))
    assert one.durable() == two.durable()
    assert one.durable().result.text == one.result.text


def test_what_is_not_json_is_not_written() -> None:
    """A result that holds an object is a CacheError, not a pickle."""
    made = entry(key())
    bad = replace(made, result=replace(made.result, provenance=Provenance(sampling={"x": object()})))
    with pytest.raises(CacheError, match="object"):
        bad.to_bytes()
