"""`LocalLLM.map(…, dry_run=True)`: what a map would take."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import Estimate
from jupyter_localllm.errors import TemplateError, UsageError

from .conftest import Echo

FRAME = pd.DataFrame({"text": [f"word {'more ' * (i % 5)}{i}" for i in range(400)]})


def test_tokens_and_time(make: Callable[..., LocalLLM], echo: Echo) -> None:
    """Eight rows spread over all are asked; the rest follows from them."""
    llm = make(delay_ms=2, max_tokens=50)
    judged = llm.map("Say what this is about: {{ text }}", FRAME, dry_run=True)
    assert isinstance(judged, Estimate)
    assert (judged.rows, judged.sampled, judged.max_tokens) == (400, 8, 50)
    assert sorted(int(text.rsplit(maxsplit=1)[1]) for text in echo.asked) == [0, 50, 100, 150, 200, 250, 300, 350]
    assert 9 < judged.prompt_tokens < 20
    assert judged.shared_tokens >= 10
    assert judged.answer_tokens is not None
    assert judged.seconds is not None
    assert judged.tokens == round(
        judged.shared_tokens + 400 * (max(0, judged.prompt_tokens - judged.shared_tokens) + judged.answer_tokens)
    )
    assert re.search(r"400 rows, judged by 8\. Model scripted\.\n  prompts  about \d+ tokens each", str(judged))
    assert "\n  time     about " in str(judged)


def test_the_sample_is_not_asked_again(make: Callable[..., LocalLLM], echo: Echo) -> None:
    """Its answers are in the cache, and a second look says that it is."""
    llm = make()
    llm.map("{{ text }}", FRAME, dry_run=True)
    llm.map("{{ text }}", FRAME)
    assert len(echo.asked) == 400
    again = llm.map("{{ text }}", FRAME, dry_run=True)
    assert (again.cached, again.seconds) == (8, 0.0)
    assert len(echo.asked) == 400


def test_rows_that_fail(make: Callable[..., LocalLLM]) -> None:
    """They are told with their places; the others are the measure."""
    judged = make(n_ctx=64, max_tokens=8).map("{{ value }}", ["a", "b " * 500, "c"], dry_run=True)
    assert [error.position for error in judged.errors] == [1]
    assert judged.row_seconds is not None
    assert "\n  row 1: " in str(judged)


@pytest.mark.parametrize("data", [[], pd.Series([], dtype=object)])
def test_no_rows(llm: LocalLLM, data: Any) -> None:
    """Nothing would be asked, and the model is not loaded."""
    assert str(llm.map("{{ value }}", data, dry_run=True)) == "No rows: nothing would be asked."


def test_what_is_wrong_is_told(llm: LocalLLM, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """An iterator would be used up, and the model is not loaded to say so; a wrong template is wrong here too."""
    with pytest.raises(UsageError, match="use up the first rows"):
        llm.map("{{ value }}", iter(["a"]), dry_run=True)
    rows = iter(["a", "b"])
    loaded: list[Any] = []
    monkeypatch.setattr(type(llm), "_ready", loaded.append)
    with pytest.raises(UsageError, match="use up the first rows"):
        llm.map("{{ value }}", rows, dry_run=True)
    assert (list(rows), loaded) == (["a", "b"], [])
    with pytest.raises(TemplateError, match="no variable"):
        llm.map("{{ valeu }}", ["a"], dry_run=True)
    assert echo.asked == []


def test_what_is_required_is_not_asked(make: Callable[..., LocalLLM], echo: Echo) -> None:
    """Under ``cache="require"`` nothing is timed."""
    judged = make().map("{{ value }}", ["a", "b"], dry_run=True, cache="require")
    assert (judged.seconds, judged.answer_tokens, echo.asked) == (None, None, [])
