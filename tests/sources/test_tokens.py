"""Words of names, cells and questions, in every script."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.sources.tokens import alike, fold, pieces, stem, tokens, unspaced

WORDS = [
    ("unit_price", ["unit", "price"]),
    ("unitPrice", ["unit", "price"]),
    ("HTTPServer2", ["httpserver", "2"]),
    ("área-total (km²)", ["area", "total", "km2"]),
    ("1,234,567.5 pieces", ["1234567.5", "pieces"]),
    ("1,5 Liter", ["1,5", "liter"]),
    ("on 2004-03-14, at 9", ["on", "2004-03-14", "at", "9"]),
    ("2004-03-145", ["2004", "03", "145"]),
    ("Größe", ["grosse"]),
    ("人口は", ["人", "口", "は"]),
    ("서울", ["서", "울"]),
    ("the population of 東京?", ["the", "population", "of", "東", "京"]),
    ("Москва и область", ["москва", "и", "область"]),
    ("", []),
    ("?!… —", []),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_names_cells_and_sentences_become_words(text: str, words: list[str]) -> None:
    """Identifiers are split, thousands are written plainly, dates stay whole, and case and diacritics do not count."""
    assert tokens(text) == words


@pytest.mark.parametrize("text", ["Zürich", "São Tomé", "Ångström", "Đà Nẵng", "Ελλάδα", "Йошкар-Ола"])
def test_a_letter_and_its_mark_are_one_character_or_two(text: str) -> None:
    """File names of macOS hold decomposed letters; they are the same words."""
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("text", ["हिन्दी", "தமிழ்", "বাংলা", "עִבְרִית", "عَرَبِيّ", "m̃o"])
def test_vowel_signs_do_not_end_a_word(text: str) -> None:
    """A word of a script whose vowels are marks is one word, not its consonants."""
    assert len(tokens(text)) == 1


@pytest.mark.parametrize("text", ["กรุงเทพ", "ພາສາລາວ", "မြန်မာ", "ខ្មែរ"])
def test_scripts_without_spaces_are_taken_by_the_character(text: str) -> None:
    """So that a name is found inside of a question that has no spaces."""
    words = tokens(text)
    assert len(words) > 2
    assert all(unspaced(word[0]) for word in words)
    assert " ".join(words) in " ".join(tokens(f"ก{text}ข"))


@given(st.text())
def test_words_are_never_empty_and_stand_beside_what_was_written(text: str) -> None:
    """Whatever the text (marks alone, half-width signs, surrogates): a word for each piece, and each has a letter."""
    words = tokens(text)
    assert len(words) == len(pieces(text))
    assert all(words)
    assert all(isinstance(stem(word), str) for word in words)


@pytest.mark.parametrize("text", ["\uff9e", "\u0e48", "\ud800", "\u0301", "\ufdfa", "½", "Ⅷ", "١٩٩٠"])
def test_odd_characters_are_words_or_nothing(text: str) -> None:
    """Marks alone are no words; ligatures and fractions are."""
    assert all(tokens(text))


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text is folded."""
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("word", "cut"),
    [("cities", "city"), ("boxes", "box"), ("matches", "match"), ("points", "point"), ("boss", "boss"), ("bus", "bus")],
)
def test_a_plural_loses_its_s(word: str, cut: str) -> None:
    """And short words keep it."""
    assert stem(word) == cut


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_is_mutual(one: str, other: str) -> None:
    """It does not matter which word is compared with which, and a word is like itself."""
    assert alike(one, other) == alike(other, one)
    assert alike(one, one) == 1.0


def test_long_texts_are_read_in_one_pass() -> None:
    """100,000 characters without a space, or of marks alone, come through."""
    for text in ("a" * 100_000, "\u0301" * 100_000, "1," * 50_000, "1" * 100_000, "aB" * 50_000, "ह" * 100_000):
        assert "".join(pieces(text)).replace(",", "") in text.replace(",", "")
