"""Words for the same thing, and the list of them."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from jupyter_localllm.sources.select.thesaurus import asks_for_a_kind, asks_for_nothing, related

LISTED = json.loads(resources.files("jupyter_localllm.sources.select").joinpath("thesaurus.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("wrote", "author"),
        ("price", "kostet"),
        ("prix", "costs"),
        ("geboren", "birth"),
        ("dirige", "conductor"),
        ("profession", "uhrmacher"),
        ("married", "husband"),
        ("students", "pupils"),
        ("invented", "created"),
        ("paid", "insurance"),
        ("published", "publicado"),
    ],
)
def test_words_for_the_same_thing(word: str, other: str) -> None:
    """Words that ask for a thing find words that speak of it, across languages."""
    assert related([word]).holds(other)


FRIENDS = [
    *(("study", "apprentices"), ("study", "pupils"), ("published", "public"), ("published", "impressed")),
    *(("stolen", "took"), ("stolen", "hurt"), ("cost", "insurance"), ("printed", "printemps")),
]


@pytest.mark.parametrize(
    ("word", "other"), [("dog", "cat"), ("die", "die"), ("salary", "mayor"), ("x", "author"), *FRIENDS]
)
def test_other_things_are_not(word: str, other: str) -> None:
    """What only belongs to the same kind is not the same, and a function word of any language finds nothing."""
    assert not related([word]).holds(other)


def test_a_kind_finds_its_members_and_not_the_other_way_round() -> None:
    """ "Which instrument" is answered by "viola"; who asks for a viola is not answered by "piano"."""
    assert related(["instrument"]).holds("viola")
    assert not related(["harp"]).holds("piano")


def test_words_that_ask_for_nothing() -> None:
    """Names and years are what answers are, and need not be said; how many years somebody has is asked for."""
    assert asks_for_nothing("name")
    assert asks_for_nothing("année")
    assert not asks_for_nothing("años")
    assert not asks_for_nothing("salary")
    assert asks_for_a_kind("instrument")
    assert not asks_for_a_kind("price")


def test_beginnings_are_long_enough() -> None:
    """A beginning of three letters would stand for half of a language."""
    entries = [entry for group in LISTED["groups"] for entry in group.split()]
    assert [entry for entry in entries if entry.endswith("*") and len(entry) < 5] == []
    assert all(entry.isascii() and entry == entry.lower() for entry in entries)
