# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.cite.numbers import numbers_in
from tests.constrain.contract import campaign


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,234 1.234,5 1,234.5 1 234 567 1'234'567", ["1234", "1234.5", "1234.5", "1234567", "1234567"]),
        ("12,34,567 and 1 234 km", ["1234567", "1234"]),
        ("3.14 .5 0,123 12,5 1234,567", ["3.14", "0.5", "0.123", "12.5", "1234.567"]),
        ("-3 −3 (−4) $-5 -$5 +5", ["-3", "-3", "-4", "-5", "-5", "5"]),
        ("5-3 1885–1887 from 5 to 7", ["5", "3", "1885", "1887", "5", "7"]),
        (
            "3.8 million, 3.8M, 12k, 2 bn, 3,9 Mio. und 4 Milliarden",
            ["3800000", "3800000", "12000", "2000000000", "3900000", "4000000000"],
        ),
        ("370万 1.2億 5만", ["3700000", "120000000", "50000"]),
        ("seven, twenty-one, zwölf, cinco, five million", ["7", "21", "12", "5", "5000000"]),
        ("3rd 1st 22nd", ["3", "1", "22"]),
        ("٣٬٧٦٩٬٤٩٥ and １２３", ["3769495", "123"]),
        ("1e6 and 2.5e-3", ["1000000", "0.0025"]),
        ("A320 x_3 1990s v1.2.3 abc123", []),
        ("人口3,769,495人", ["3769495"]),
        ("", []),
    ],
)
def test_values(text: str, values: list[str]) -> None:
    """Separators of all kinds, signs, words for zeros, number words, digits of other scripts; names are no numbers."""
    assert [number.value for number in numbers_in(text)] == [Decimal(value) for value in values]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *[(text, "%") for text in ("12 %", "12%", "12 percent", "12 per cent", "12 Prozent", "12 pour cent")],
        *[("5 km", "km"), ("5km²", "km²"), ("5 kilometres", "km"), ("$5", "usd"), ("5 €", "eur"), ("EUR 5", "eur")],
        *[
            ("5 °C", "°c"),
            ("5 km/h", "km/h"),
            ("5 ‰", "‰"),
            ("5 apples", ""),
            ("5 a", ""),
            ("$5m", "usd"),
            ("5 km.", "km"),
        ],
    ],
)
def test_units(text: str, unit: str) -> None:
    """Units and currencies go by one name."""
    assert [number.unit for number in numbers_in(text)] == [unit]


def test_precision() -> None:
    """The step of the last digit, words of approximation, significant digits, years, and two readings."""
    one, two, three, four = numbers_in("about 3.8 million, 12.40, 1887 and 1.234")
    assert (one.readings[0].step, one.about, one.digits, one.scaled) == (Decimal(100_000), True, 2, True)
    assert (two.readings[0].step, two.about, two.digits) == (Decimal("0.01"), False, 4)
    assert three.year
    assert not two.year
    assert [reading.value for reading in four.readings] == [Decimal("1.234"), Decimal(1234)]


@campaign(300)
@given(
    st.integers(-(10**12), 10**12), st.sampled_from([",", "_", " ", "'", "\u202f"]), st.sampled_from(["", " km", " %"])
)
def test_any_whole_number_is_read_back(number: int, separator: str, unit: str) -> None:
    """However its thousands are separated, a number is read as it was written."""
    text = f"It is {number:,} ".replace(",", separator if separator != "_" else "") + unit
    assert number in [found.value for found in numbers_in(text)]


@campaign(300)
@given(st.text(alphabet="0123456789.,-−'$€%kMb eE+/:人١x\n", max_size=30))
def test_spans_lie_in_the_text(text: str) -> None:
    """Whatever stands there, spans are in order and hold what was read."""
    behind = 0
    for number in numbers_in(text):
        assert behind <= number.start < number.end <= len(text)
        assert text[number.start : number.end] == number.text
        behind = number.end
