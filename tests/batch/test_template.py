"""Templates are checked on the first row."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_localllm.batch.data import open_data
from jupyter_localllm.batch.template import fitted
from jupyter_localllm.errors import TemplateError, UsageError

ROWS = [{"text": "a", "n": 0, "unit price": 2}, {"text": "b", "n": 1, "unit price": 3}]


def rendered(source: str, rows: list[Any], **variables: Any) -> list[str]:
    data = open_data(rows)
    template = fitted(source, data, variables)
    assert template is not None
    return ["".join(part.text for part in template.render(row)) for row in data.rows(template.names)]


def test_rows_come_before_variables() -> None:
    """A row's name hides a variable of the same name; other variables are there."""
    assert rendered("{{ text }} {{ rule }}", ROWS, text="global", rule="!") == ["a !", "b !"]


def test_only_variables_that_occur_go_along() -> None:
    """Also where the first row fails: the template is sent to workers, and nobody's other variables with it."""
    variables = {"rule": "!", "secret": lambda: "of no use elsewhere"}
    for source in ("{{ n }} {{ rule }}", "{{ 1 / n }} {{ rule }}"):
        template = fitted(source, open_data(ROWS), variables)
        assert template is not None
        assert template.variables == {"rule": "!"}
        assert template.render(list(open_data(ROWS).rows())[1])[-1].text == "!"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{{ text }}", {"text"}),
        ("{{ text | upper }} {{ 'n' ~ \"}}\" }}", {"text"}),
        ("{{ len(text) + n }}", {"text", "n"}),
        ("{{- row['unit price'] -}}", {"row"}),
        ("{{ {'a': {'b': text}} }}", {"text"}),
    ],
)
def test_names_that_a_template_uses(source: str, names: set[str]) -> None:
    """The names are read off the expressions, not off the text."""
    template = fitted(source, open_data(ROWS), {})
    assert template is not None
    assert template.names == names


def test_a_name_that_is_nowhere() -> None:
    """It is an error before any row, with the nearest name, the names there are, and the line."""
    with pytest.raises(TemplateError, match=r"`\{\{ txet \}\}` in line 3: there is no variable `txet`") as caught:
        fitted("x\n{{ txet }}", open_data(ROWS), {}, first_line=2)
    assert "Did you mean text?" in caught.value.hint
    assert "Names of a row: {{ n }}, {{ text }}, {{ row['unit price'] }}." in caught.value.hint


@pytest.mark.parametrize("source", ["{{ text", "{{ text + }}", "{{ text | nofilter }}", "{{ }}"])
def test_a_wrong_template_is_wrong_for_all_rows(source: str) -> None:
    """What is no expression is an error before any row."""
    with pytest.raises(TemplateError):
        fitted(source, open_data(ROWS), {})


def test_a_template_without_a_column() -> None:
    """All rows would be the same question, which nobody wants; a single brace is the usual reason."""
    with pytest.raises(UsageError, match="uses nothing of a row, so all 2 rows would be the same question") as caught:
        fitted("Classify {text}.", open_data(ROWS), {})
    assert caught.value.hint == "With two braces: {{ text }}."
    with pytest.raises(UsageError, match="uses nothing of a row") as caught:
        fitted("{{ rule }}", open_data(ROWS), {"rule": 1})
    assert "{{ text }}" in caught.value.hint


def test_an_empty_template() -> None:
    """It is an error of its own."""
    with pytest.raises(UsageError, match="the template is empty"):
        fitted(" \n", open_data(ROWS), {})


def test_without_rows_there_is_nothing_to_check() -> None:
    """No rows, no template."""
    assert fitted("{{ anything }}", open_data([]), {}) is None


def test_a_row_that_fails_is_not_the_templates_fault() -> None:
    """A first row on which an expression raises, or that lacks a key which others have, fails alone."""
    for source in ("{{ 1 / n }}", "{{ extra }}"):
        rows = [*ROWS, {"text": "c", "n": 2, "extra": 1}]
        data = open_data(rows)
        template = fitted(source, data, {})
        assert template is not None
        first, *_, last = data.rows(template.names)
        with pytest.raises(TemplateError):
            template.render(first)
        assert template.render(last)


@pytest.mark.parametrize("kind", [list, iter])
def test_a_row_that_lacks_a_name_does_not_get_a_variable(kind: Any) -> None:
    """A key that is missing in one record is an error of that row, and not the notebook's variable of that name."""
    data = open_data(kind([{"text": "a"}, {"txt": "b"}]))
    template = fitted("{{ text }}", data, {"text": "the notebook's"})
    assert template is not None
    _, second = data.rows(template.names)
    with pytest.raises(TemplateError, match="it has no `text`, unlike the first row") as caught:
        template.render(second)
    assert caught.value.hint == "Names of a row: {{ txt }}."
