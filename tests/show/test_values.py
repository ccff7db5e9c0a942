"""An answer under a schema, shown as a table or a tree."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm.show.bundle import ANSWER_MIME, bundle
from jupyter_localllm.show.formats import shown
from jupyter_localllm.show.values import value_html
from jupyter_localllm.show.view import View, fold, view_of
from jupyter_localllm.types import Result, Status

FOOD = '{"name": "egg", "tags": ["raw", "whole"], "of": {"protein": 12.5, "fat": null}}'


def html(text: str) -> str:
    return shown(text, "value").html


def test_an_object_is_a_table_of_its_fields() -> None:
    """Each field is a row with its name; what lies within is a table of its own."""
    made = html(FOOD)
    assert re.findall(r'<th scope="row"[^>]*>(.*?)</th>', made) == ["name", "tags", "of", "protein", "fat"]
    assert made.count("<table") == 2
    assert "12.5" in made


def test_a_list_of_objects_is_one_table() -> None:
    """One column for each field that any of them has."""
    made = html('[{"a": 1, "b": 2}, {"a": 3, "c": "x"}]')
    assert re.findall(r'<th scope="col"[^>]*>(.*?)</th>', made) == ["a", "b", "c"]
    assert made.count("<tr>") == 3


def test_what_lies_deep_is_folded_in() -> None:
    """A tree shows its upper levels open."""
    value: Any = "leaf"
    for _ in range(5):
        value = {"in": value}
    assert value_html(value).count("<details>") == 2


def test_the_raw_text_is_kept() -> None:
    """In the page, folded in; in our own type as the text; in plain text as JSON."""
    view = view_of(Result(FOOD, value={"name": "egg"}))
    data, _ = bundle(view)
    assert "Raw text" in data["text/html"]
    assert "&quot;name&quot;" in data["text/html"] or '"name": "egg"' in data["text/html"]
    assert data[ANSWER_MIME]["text"] == FOOD
    assert data[ANSWER_MIME]["format"] == "json"
    assert json.loads(data["text/plain"]) == json.loads(FOOD)


@pytest.mark.parametrize("text", ["yes", '"a text"', "12", "null", '{"name": ', "```json\n[1]\n```", "[" * 5000])
def test_anything_can_be_shown(text: str) -> None:
    """Choices, scalars, halves and what cannot be parsed are shown as they are."""
    assert html(text)
    assert shown(text, "value", ended=False).html


def test_while_it_streams_it_is_text() -> None:
    """Half a value is no table yet."""
    assert "<table" not in shown(FOOD, "value", ended=False).html


def test_a_long_list_is_cut_and_says_so() -> None:
    """A table of 1,000 rows is not what a page is for; the raw text has them all."""
    made = html(json.dumps([{"n": n} for n in range(1000)]))
    assert made.count("<tr>") == 201
    assert "and 800 more" in made


def test_a_retry_takes_the_text_back() -> None:
    """What did not fit is not shown beside what came after it."""
    view = fold(View(text="wrong"), Status("retry", "asked again"), 0.0)
    assert view.text == ""
    assert fold(View(text="right"), Status("cache", "from the cache"), 0.0).text == "right"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["<script>", '" onload="x', "</td>", "a&b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES)
def test_no_value_becomes_markup(value: Any) -> None:
    """Only our own elements and attributes come out, whatever stands in names and texts."""
    tags = Tags()
    tags.feed(value_html(value))
    assert tags.seen <= {"table", "tbody", "thead", "tr", "th", "td", "ol", "li", "details", "summary", "span", "div"}
    assert tags.attributes <= {"style", "class", "scope", "start"}
