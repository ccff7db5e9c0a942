"""The terms of a text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.sources.select import words
from jupyter_localllm.sources.select.nearby import nearness
from jupyter_localllm.sources.select.numerals import number_forms
from jupyter_localllm.sources.select.words import tokens


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Q3Revenue2024", {"q3", "revenue", "2024", "q3revenue2024"}),
        ("unit_price", {"unit", "price", "unitprice"}),
        ("unitPrice", {"unit", "price", "unitprice"}),
        ("HTTPServer", {"http", "server", "httpserver"}),
        ("e-mail", {"mail", "email"}),
        ("U.S.A.", {"usa"}),
        ("O'Brien", {"brien", "obrien"}),
        ("Kane's", {"kane", "kanes"}),
        ("10km", {"10", "km", "10km"}),
        ("COVID-19", {"covid", "19", "covid19"}),
    ],
)
def test_names_become_their_parts_and_the_whole(text: str, terms: set[str]) -> None:
    """A name can be found by each of its words, and as it is."""
    assert terms <= set(words(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,234", "1234"),
        ("1 234", "1234"),
        ("1\u202f234", "1,234"),
        ("1'234", "1234"),
        ("1.234", "1,234"),
        ("12.40", "12.4"),
        ("12,40", "12.4"),
        ("1.234,50", "1,234.5"),
        ("007", "7"),
        ("12.00", "12"),
        ("١٢٣٤", "1234"),
        ("\uff11\uff12\uff13", "123"),
        ("2024-05-05", "5 May 2024"),
        ("2024-05-05", "05/05/2024"),
        ("2024-05-05", "May 5th, 2024"),
        ("2024-05-05", "5 de mayo de 2024"),
        ("2024-05-05", "5. Mai 2024"),
        ("2024-05-05", "5 mei 2024"),
        ("2024-05-05", "2024年5月5日"),
        ("2024-05-05", "2024/5/5"),
        ("2024-05-05T12:30", "2024-05-05"),
        ("2024-05", "May 2024"),
        ("2024-03", "março de 2024"),
    ],
)
def test_numbers_and_dates_have_one_form(one: str, other: str) -> None:
    """The same number or date, written otherwise, has a term in common: its most exact one."""
    forms = {form for token in tokens(one) for form in token.forms}
    assert forms & {form for token in tokens(other) for form in token.forms}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("2024-05-05", ["2024-05-05", "2024-05", "2024"]),
        ("2024-13-05", ["2024", "13", "5"]),
        ("in 2024 150 people", ["in", "2024", "150", "people"]),
        ("The 5 may be 12", ["the", "5", "may", "be", "12"]),
        ("192.168.0.1", ["192", "168", "0", "1"]),
        ("½", ["1", "2"]),
        ("\ud800abc\x00def", ["abc", "def"]),
        ("C\u00ad\u200dat", ["cat"]),
        ("hi\u200bthere", ["hi", "there"]),
        ("\ufdfa", ["صلىاللهعليهوسلم", "صلى", "الله", "عليه", "وسلم"]),
        ("", []),
        ("!?()[]{}<>|", []),
    ],
)
def test_what_comes_of_odd_texts(text: str, terms: list[str]) -> None:
    """Impossible dates are numbers, invisible characters vanish, others part words."""
    assert words(text) == terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "muller"),
        ("Müller", "Mueller"),
        ("STRASSE", "straße"),
        ("Ærø", "aero"),
        ("e\u0301cole", "école"),
        ("École", "ecole"),
        ("Łódź", "lodz"),
        ("ﬁnance", "finance"),
        ("İstanbul", "istanbul"),
        ("cities", "city"),
        ("games", "game"),
        ("boxes", "box"),
        ("villes", "ville"),
        ("ΑΘΗΝΑ", "αθηνα"),
    ],
)
def test_spellings_of_one_word_meet(one: str, other: str) -> None:
    """Case, accents, umlauts, ligatures and a plural's s do not keep a word from being found."""
    assert set(words(one)) & set(words(other))


@pytest.mark.parametrize("word", ["glass", "bus", "analysis", "gas"])
def test_not_every_s_is_a_plural(word: str) -> None:
    """A word that ends in ss, us or is, or is short, stays whole."""
    assert words(word)[0] == word
    assert words("glass bus analysis") == ["glass", "bus", "analysis"]


def test_accents_are_kept_as_well() -> None:
    """The exact form comes first, so that it can count more."""
    assert words("Pérez")[0] == "pérez"
    assert "perez" in words("Pérez")


def test_scripts_without_spaces_become_pairs() -> None:
    """Chinese, Japanese, Korean and Thai are found by neighbouring characters; a single one is found, too."""
    assert {"東京", "人口"} <= set(words("東京の人口"))
    assert {"ปร", "กร"} <= set(words("ประชากร"))
    assert {"서울"} <= set(words("서울의"))
    assert words("水") == ["水"]
    assert "水" in words("水道")


def test_vowel_signs_do_not_part_words() -> None:
    """A word of Hindi, Arabic or Hebrew with signs above and below is one term."""
    assert words("हिन्दी की") == ["हिन्दी", "की"]
    assert len(words("שָׁלוֹם")) == 1


_TERM = re.compile(r"[^\s\"]{1,64}")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_terms_are_always_whole_and_safe(text: str) -> None:
    """Any text: terms have no space, quote, control character or surrogate, and are at most 64 characters."""
    for term in words(text):
        assert _TERM.fullmatch(term), term
        assert not {unicodedata.category(c) for c in term} & {"Cc", "Cs", "Zs"}
        term.encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_a_line_break_parts_words(one: str, other: str) -> None:
    """Terms of a text do not depend on what stands two lines above, except within a written date."""
    both = words(f"{one}\n.\n{other}")
    assert both == words(one) + words(other)


@given(st.integers(0, 10**12))
def test_separators_of_thousands_do_not_matter(number: int) -> None:
    """However thousands are set apart, the number's plain digits are among its terms."""
    plain = str(number)
    grouped = f"{number:,}"
    for text in (grouped, grouped.replace(",", " "), grouped.replace(",", "."), grouped.replace(",", "\u202f")):
        assert plain in words(text)
    assert number_forms(grouped)[0] == plain


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,111",
        "a\u0300\u0316",
        "\u0300\u0316",
        "a-",
        "ก",
        "\u0e48\u0e38",
        "aB",
        "1a",
        "5 May ",
        "1.1.",
        "a.",
        "1-1-",
    ],
)
@pytest.mark.timeout(60)  # some tenths of a second; hours if a pattern or Unicode's sorting of marks were not linear
def test_hostile_texts_end(piece: str) -> None:
    """A hundred thousand repetitions of what patterns could try in many ways are read to their end."""
    assert words(piece * 100_000 + " zeppelin")[-1] == "zeppelin"


_ONE_WORD = (
    "played plays|Bevölkerung Bevölkerungszahl|Einwohner Einwohnerzahl|winner winning|gagné gagner|ciudad ciudades"
)
_ONE_WORD += "|habitante habitantes|cidade cidades|speler spelers|город города|elected election|Nicolas Nicholas"
_TWO_WORDS = "Berlin Bergen|Iran Iraq|Austria Australia|China Chile|Kane Lane|John Johnson|north nothing"
_TWO_WORDS += "|international internet|import impact|Peter Petra"


def _near(pair: str) -> bool:
    one, other = (words(word) for word in pair.split())
    return bool(set(one) & set(other)) or any(nearness(a, b) > 0 for a in one for b in other)


def test_other_endings_are_near_in_several_languages() -> None:
    """Most other forms of a word are found near it, and most other words are not."""
    same, different = _ONE_WORD.split("|"), _TWO_WORDS.split("|")
    assert sum(map(_near, same)) >= len(same) - 1
    assert sum(map(_near, different)) <= 1
