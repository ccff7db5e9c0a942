"""Dates as people write them."""

from __future__ import annotations

import pytest

from jupyter_localllm.cite.dates import dates_in


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *[
            (t, (2024, 5, 5))
            for t in ("2024-05-05", "5 May 2024", "May 5, 2024", "5th of May 2024", "05.05.2024", "5. Mai 2024")
        ],
        *[
            (t, (2024, 5, 5))
            for t in ("2024/05/05", "5 mai 2024", "5 de mayo de 2024", "2024年5月5日", "2024-05-05T12:00:00Z")
        ],
        *[(t, (2024, 8, 1)) for t in ("1er août 2024", "1 Aug 2024", "Aug. 1, 2024", "2024-08-01 00:00:00")],
        *[(t, (2024, 5, None)) for t in ("2024-05", "May 2024", "Mai 2024", "mayo de 2024", "2024年5月")],
        *[(t, (None, 5, 5)) for t in ("May 5", "5 May", "5月5日")],
    ],
)
def test_dates(text: str, day: tuple[int | None, int | None, int | None]) -> None:
    """ISO 8601, names of months in several languages, points, slashes, and 年月日."""
    assert [date.readings for date in dates_in(f"on {text}, then")] == [(day,)]
    assert [date.text for date in dates_in(f"on {text}.")] == [text]


@pytest.mark.parametrize(
    "text", ["2024-13-01", "May I", "1887", "32 May", "30.02.2024", "1.2.3", "3/4", "v2024-05-05x", ""]
)
def test_no_dates(text: str) -> None:
    """What is no day of the calendar is no date; a year alone is a number."""
    assert [date for date in dates_in(text) if None not in date.readings[0]] == []


def test_day_and_month_that_cannot_be_told_apart() -> None:
    """05/06/2024 is read in both ways, 13/06/2024 in one."""
    one, two = dates_in("05/06/2024 and 13/06/2024")
    assert one.readings == ((2024, 6, 5), (2024, 5, 6))
    assert two.readings == ((2024, 6, 13),)


def test_less_may_be_said() -> None:
    """May 2024 is said of 5 May 2024, and not the other way round."""
    month, day, other = (next(dates_in(text)) for text in ("May 2024", "2024-05-05", "2023-05"))
    assert month.said_of(day)
    assert not day.said_of(month)
    assert not other.said_of(day)
