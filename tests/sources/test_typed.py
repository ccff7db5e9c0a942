# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Numbers and moments in cells that are text."""

from __future__ import annotations

import datetime as dt
import math
import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_localllm.sources.typed import is_month, moment, number

NUMBERS = [
    ("12", 12),
    ("-12.5", -12.5),
    ("−12.5", -12.5),
    ("+3", 3),
    (".5", 0.5),
    ("1,234,567", 1_234_567),
    ("1 234 567", 1_234_567),
    ("1\u202f234,5", 1234.5),
    ("1'234'567.25", 1_234_567.25),
    ("12,5", 12.5),
    ("12,5 %", 12.5),
    ("$40,606", 40_606),
    ("-$5.00", -5),
    ("−€3", -3),
    ("US$ 5", None),
    ("40 km", 40),
    ("3rd", 3),
    ("12e", 12),
    ("1e+20", 1e20),
    ("2.5E-7", 2.5e-7),
    ("1e999", None),
    ("14 (7)", 14),
    ("14[a]", 14),
    ("[1] 14", 14),
    ("2:00.86", 120.86),
    ("1:02:03", 3723),
    ("١٢", 12),
    ("4 - 3", None),
    ("4–3", None),
    ("10-12", None),
    ("5 of 7", None),
    ("", None),
    ("-", None),
    ("abc", None),
    ("½", None),
    ("nan", None),
    ("inf", None),
    ("1.2.3", None),
    ("0x1F", None),
    ("1_000", None),
]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_a_cell_that_is_one_number_is_read(text: str, value: float | None) -> None:
    """Whatever sign, unit, footnote or separator stands around it; a cell of two numbers is none."""
    assert number(text) == value


MOMENTS = [
    ("14 March 2005", "2005-03-14"),
    ("March 14, 2005", "2005-03-14"),
    ("14. März 2005", "2005-03-14"),
    ("14 de marzo de 2005", "2005-03-14"),
    ("le 14 août 2005", "2005-08-14"),
    ("August 2005", "2005-08"),
    ("September 1", "0000-09-01"),
    ("1990", "1990"),
    ("١٩٩٠", "1990"),
    ("２００５-０３-１４", "2005-03-14"),
    ("2005-03-14", "2005-03-14"),
    ("2005-03-14T10:00:00Z", "2005-03-14"),
    ("2005-03-14 [note]", "2005-03-14"),
    ("2005-03", "2005-03"),
    ("1998-99", "1998"),
    ("2005-13-14", None),
    ("4 - 3", None),
    ("12", None),
    ("Mayor", None),
    ("", None),
    ("3 apples", None),
]


@pytest.mark.parametrize(("text", "iso"), MOMENTS)
def test_a_cell_that_is_a_date_is_read(text: str, iso: str | None) -> None:
    """In several languages and orders, to the precision that is there."""
    assert moment(text) == iso


@given(st.dates(dt.date(1000, 1, 1), dt.date(2199, 12, 31)), st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%B %d, %Y"]))
def test_dates_come_back_as_they_were(day: dt.date, form: str) -> None:
    """Every day that is written out is read again."""
    assert moment(day.strftime(form)) == day.isoformat()


@given(st.floats(-1e15, 1e15))
def test_numbers_come_back_as_they_were(value: float) -> None:
    """Every number that Python writes is read again, to the last digit."""
    assert number(str(value)) == value
    assert number(f"{value:,.2f}") == float(f"{value:.2f}")


@given(st.integers(-(10**15), 10**15))
def test_whole_numbers_come_back_with_any_separator(value: int) -> None:
    """Thousands by comma, apostrophe, and narrow space."""
    for gap in ",'\u2009\u202f\u00a0 ":
        assert number(f"{value:,}".replace(",", gap)) == value


HOSTILE = st.text(st.sampled_from(string.digits + "-−+.,:' []()$%eE\u00a0abmMär"), max_size=70)


@given(st.one_of(st.text(), HOSTILE))
@example("[" * 100_000)
@example("1," * 50_000)
@example("1 " * 32)
@example("0" * 64)
@example("1" * 100_000)
@example("\ud800")
@example("5" + " " * 62)
@example("[]" * 32)
@example("1e" * 32)
@example("march " * 20_000)
def test_any_text_is_a_number_a_moment_or_neither(text: str) -> None:
    """Nothing is raised, nothing that is not finite comes out, and moments compare as texts do."""
    read = number(text)
    assert read is None or math.isfinite(read)
    said = moment(text)
    assert said is None or re.fullmatch(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?", said)


def test_a_cell_that_is_long_is_prose() -> None:
    """A sentence that begins with a number is no number."""
    assert number("12 " + "words " * 20) is None
    assert moment("14 March 2005 " + "words " * 20) is None


@pytest.mark.parametrize(("word", "is_one"), [("march", True), ("fevrier", True), ("marz", True), ("match", False)])
def test_names_of_months_are_known(word: str, is_one: bool) -> None:
    """As `fold` writes them."""
    assert is_month(word) is is_one
