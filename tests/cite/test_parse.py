"""Marks in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.cite.parse import as_numbers, code_spans, marks_in, without_marks
from tests.constrain.contract import campaign


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a [1][2] b [1, 3] c [2-4] [?]", [(1,), (2,), (1, 3), (2, 3, 4), ()]),
        ("`[1]` ``a`[2]`` [3] ` [4]", [(3,), (4,)]),
        ("```\n[1]\n```\n[2]\n~~~\n[3]", [(2,)]),
        ("[x] [ ] [] [3.14] [a, 1] [text](url) [1", []),
        ("[ 1 ] [٣] [^2]", [(1,), (3,), (2,)]),
        ("- ```\n  [1]\n  ```\n[2]", [(2,)]),
        ("[99999999999999999999]", [(10**9,)]),
    ],
)
def test_marks(text: str, numbers: list[tuple[int, ...]]) -> None:
    """Numbers in brackets outside of code, alone or several."""
    assert [mark.numbers for mark in marks_in(text)] == numbers


def test_marks_are_taken_out() -> None:
    """With the space before them, and each number told once."""
    assert without_marks("[2] Berlin [1] has 3 [1], and `x[9]` [?].") == ("Berlin has 3, and `x[9]`.", (2, 1))


@campaign(300)
@given(st.lists(st.sampled_from(["`", "``", "a", "\\", "[1]", " "]), max_size=20).map("".join))
def test_code_spans_are_in_order(line: str) -> None:
    """Spans do not overlap, and begin and end with equally many backticks."""
    behind = 0
    for start, end in code_spans(line):
        assert behind <= start < end
        inside = line[start:end]
        length = len(inside) - len(inside.lstrip("`"))
        assert inside.endswith("`" * length)
        behind = end


def test_odd_brackets() -> None:
    """What holds no number is no mark; a range is not made long."""
    assert as_numbers("") is None
    assert as_numbers("1-") is None
    assert as_numbers("1-999999") == (1, 999999)
    assert as_numbers("1" + ", 1" * 1000) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize("blank", [" ", "\t", "- "])
def test_a_line_of_blanks_is_read_at_once(blank: str) -> None:
    """What may stand before a fence is looked at once, however much of it there is."""
    text = blank * (300_000 // len(blank)) + "It is 3 [1]."
    assert [mark.numbers for mark in marks_in(text)] == [(1,)]
