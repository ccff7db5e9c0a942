"""Code that is read and never run."""

from __future__ import annotations

import warnings

import pytest

from jupyter_localllm.chat.prompts import corrected
from jupyter_localllm.sources.syntax import syntax_of

ODD = 'import re\nre.findall("\\d", x)'


@pytest.mark.parametrize("action", ["always", "error"])
def test_reading_warns_of_nothing(action: str) -> None:
    """Whatever the person set: a kernel would show it in somebody's cell, or take the code for none."""
    with warnings.catch_warnings(record=True) as shown:
        for _ in range(2):
            warnings.simplefilter(action)
            assert syntax_of(ODD) is not None
            assert corrected(ODD) == ODD
        before = list(warnings.filters)
        syntax_of(ODD)
        assert warnings.filters == before
    assert not shown


def test_the_persons_own_warnings_stay() -> None:
    """Only what is read here is passed over."""
    syntax_of(ODD)
    with pytest.warns((DeprecationWarning, SyntaxWarning), match="invalid escape"):
        compile(ODD, "<cell>", "exec")


@pytest.mark.parametrize("code", ["%matplotlib inline", "x = (", "\0", "(" * 5_000])
def test_what_is_no_python_has_no_tree(code: str) -> None:
    """None of it raises."""
    assert syntax_of(code) is None
