"""Single values, in a sentence and inside of a structure."""

from __future__ import annotations

import datetime as dt
import struct
import uuid
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.sources import Rendered, render_for_prompt
from jupyter_localllm.sources.scalar import is_missing, json_text, short_float32


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


ZONE = dt.timezone(dt.timedelta(hours=2))
IDENTITY = uuid.UUID(int=5)


@pytest.mark.parametrize(
    ("value", "text", "nested"),
    [
        (None, "None", "null"),
        (True, "True", "true"),
        (7, "7", "7"),
        (10**30, str(10**30), str(10**30)),
        (0.1, "0.1", "0.1"),
        (1e300, "1e+300", "1e+300"),
        (float("nan"), "nan", "NaN"),
        (float("-inf"), "-inf", "-Infinity"),
        (1 + 2j, "(1+2j)", '"(1+2j)"'),
        (Decimal("1.10"), "1.10", "1.10"),
        (Decimal("NaN"), "NaN", '"NaN"'),
        (Fraction(1, 3), "1/3", '"1/3"'),
        (dt.date(2024, 1, 2), "2024-01-02", '"2024-01-02"'),
        (dt.datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00", '"2024-01-02T03:04:00"'),
        (dt.datetime(2024, 1, 2, tzinfo=ZONE), "2024-01-02 00:00:00+02:00", '"2024-01-02T00:00:00+02:00"'),
        (dt.time(3, 4), "03:04:00", '"03:04:00"'),
        (dt.timedelta(days=1), "1 day, 0:00:00", '"1 day, 0:00:00"'),
        (IDENTITY, str(IDENTITY), f'"{IDENTITY}"'),
        (Colour.RED, "Colour.RED", '"Colour.RED"'),
        (Level.LOW, str(Level.LOW), f'"{Level.LOW}"'),
        (np.float64(0.1), "0.1", "0.1"),
        (np.float32(0.1), "0.1", "0.1"),
        (np.float32("nan"), "nan", "NaN"),
        (np.int8(-3), "-3", "-3"),
        (np.bool_(True), "True", "true"),
        (np.datetime64("2024-01-02"), "2024-01-02", '"2024-01-02"'),
        (np.datetime64("NaT", "s"), "NaT", "null"),
        (np.timedelta64(5, "D"), "5 days", '"5 days"'),
        (np.ma.masked, "--", "null"),
        (pd.Timestamp("2024-01-02 03:04"), "2024-01-02 03:04:00", '"2024-01-02T03:04:00"'),
        (pd.Timestamp("2024-01-02T00:00:00.000000001"), "2024-01-02 00:00:00.000000001", None),
        (pd.NaT, "NaT", "null"),
        (pd.NA, "<NA>", "null"),
        (pd.Timedelta(days=1), "1 days 00:00:00", '"1 days 00:00:00"'),
    ],
)
def test_a_scalar_in_a_sentence_and_in_a_structure(value: Any, text: str, nested: str | None) -> None:
    """A scalar stands in a sentence as print writes it, without a word on its size, and in a structure as JSON."""
    assert render_for_prompt(value) == Rendered(text)
    if nested is not None:
        assert render_for_prompt([value]).text == f"[{nested}]"


@pytest.mark.parametrize("value", [[], {}, object(), b"x", np.array([1]), np.void(b"x"), np.bytes_(b"x")])
def test_what_is_no_scalar_has_no_scalar_text(value: Any) -> None:
    """Containers, bytes and objects are left to their own kinds."""
    assert json_text(value) is None


@pytest.mark.parametrize(
    ("value", "missing"),
    [(None, True), (pd.NA, True), (pd.NaT, True), (np.datetime64("NaT", "s"), True), (float("nan"), False), (0, False)],
)
def test_missing_values(value: Any, missing: bool) -> None:
    """A float that is not a number may be a result, so it does not count as missing by itself."""
    assert is_missing(value) is missing


@given(st.floats(width=32))
def test_a_short_float_gives_the_same_float_back(value: float) -> None:
    """Digits that a 32-bit float does not have are not written, and none that it has is lost."""
    text = short_float32(value)
    assert struct.pack("f", float(text)) == struct.pack("f", value) or value != value  # noqa: PLR0124
    assert len(Decimal(text).normalize().as_tuple().digits) <= 9
