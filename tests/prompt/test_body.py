"""The body of a cell: what passes, what is a template, and what is said when one is wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from unittest.mock import MagicMock

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jupyter_localllm.errors import LocalLLMError, SettingsError, SourceError, TemplateError
from jupyter_localllm.prompt.body import literal, render_body
from jupyter_localllm.sources import Rendered, render_for_prompt
from jupyter_localllm.types import Part


class House:
    """An object with attributes of every temper."""

    street = "Elm"

    @property
    def broken(self) -> str:
        raise ValueError("no roof")

    def rooms(self, extra: int = 0) -> int:
        return 3 + extra


FRAME = pd.DataFrame({"price": [1.5, 2.5], "region": ["EU", "US"]})
NAMES: dict[str, Any] = {
    "x": 1.2345,
    "n": 3,
    "name": "Ada",
    "xs": [1, 2, 3],
    "d": {"key": "value", "items": 5},
    "df": FRAME,
    "house": House(),
    "max": lambda *_: "ours",
    "_": "last",
    "_llm": "the answer",
    "result": "named as Jinja's own",
    "context": "too",
    "empty": "",
}


def text(body: str, **more: Any) -> str:
    return "".join(part.text for part in render_body(body, {**NAMES, **more}, render_for_prompt))


def error(body: str, **more: Any) -> LocalLLMError:
    with pytest.raises(LocalLLMError) as caught:
        render_body(body, {**NAMES, **more}, render_for_prompt)
    return caught.value


# ---------------------------------------------------------------------------------------------------------------------
# What passes

UNTOUCHED = {
    "latex": r"\section{A}\label{sec:x} {#sec:x} \frac{a}{b} $x_{i}^{2}$ \{ \} {% raw %}",
    "comment marks": "{# not a comment #} {% if x %} {%- set y = 1 -%} {% endif %} # line ## line",
    "json": '{"a": {"b": [1, {"c": null}]}, "d": "}}"}',
    "f-string": 'f"{x!r} {y:>10.2f}" and {x}',
    "css": "a:hover { color: #fff } @media { b { c: d } }",
    "shell": 'echo ${HOME} $(date) "$@" `ls`',
    "format": "{} {0} {name} %s %(x)d $name",
    "single braces": "{ x } }} } {x}}",
    "line ends": "a\r\nb\rc\n\n\u2028d\n",
    "trailing line ends": "a\n\n\n",
    "blanks": "  \t a \t ",
    "unicode": "日本語 🎉 ä \u200b e\u0301 \x00",
    "html": "<b>&amp;</b> & <script>",
}


@pytest.mark.parametrize("body", UNTOUCHED.values(), ids=UNTOUCHED.keys())
def test_what_is_no_template_passes_byte_for_byte(body: str) -> None:
    """LaTeX, JSON, f-strings, CSS: everything without double braces, alone and beside an expression."""
    assert render_body(body, {}, render_for_prompt) == (Part("text", body),)
    assert text(body + "{{ n }}" + body) == body + "3" + body


@given(st.text())
def test_any_text_without_double_braces_passes(body: str) -> None:
    """No text whatever is changed, whatever its line ends, marks and letters."""
    assume("{{" not in body)
    assert render_body(body, {}, render_for_prompt) == literal(body)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="{")), min_size=2, max_size=5))
def test_any_text_beside_expressions_passes(texts: list[str]) -> None:
    """The text between expressions is as untouched as the text without any."""
    parts = render_body("{{ n }}".join(texts), {"n": 3}, render_for_prompt)
    assert "".join(part.text for part in parts) == "3".join(texts)


@given(st.text())
def test_a_literal_body_is_itself(body: str) -> None:
    """With --raw nothing is read as a template."""
    assert "".join(part.text for part in literal(body)) == body


def test_raw_keeps_the_braces() -> None:
    """One part, labelled as text; an empty body has none."""
    assert literal("{{ x }}") == (Part("text", "{{ x }}"),)
    assert literal("") == render_body("", {}, render_for_prompt) == ()


def test_a_body_without_template_does_not_import_jinja() -> None:
    """A prompt without braces pays nothing for templates."""
    code = """
import sys
from jupyter_localllm.prompt.body import render_body
render_body("{x} {% y %}", {}, lambda value: 1 / 0)
print("jinja2" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---------------------------------------------------------------------------------------------------------------------
# What is a template


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ x }}", "1.2345"),
        ("{{x}}{{n}}", "1.23453"),
        ("{{ x | round(2) }}", "1.23"),
        ("{{ xs | join(', ') }}", "1, 2, 3"),
        ('{{ "%.1f" | format(x) }}', "1.2"),
        ("{{ name.upper() }} {{ 'a{}'.format(n) }}", "ADA a3"),
        (
            "{{ xs[0] }} {{ xs[-1] }} {{ xs[1:] }} {{ d.key }} {{ d['key'] }} {{ d['items'] }}",
            "1 3 [2, 3] value value 5",
        ),
        ("{{ df.price.sum() }} {{ df['price'].max() }} {{ df.loc[0, 'region'] }}", "4.0 2.5 EU"),
        ("{{ len(xs) }} {{ min(xs) }} {{ sum(xs) }} {{ sorted(xs, reverse=true) }}", "3 1 6 [3, 2, 1]"),
        (
            "{{ round(x, 1) }} {{ abs(-2) }} {{ str(5) }} {{ int('7') }} {{ float(1) }} {{ bool(0) }}",
            "1.2 2 5 7 1.0 False",
        ),
        ("{{ list(range(3)) }} {{ dict(a=1) }} {{ set([1]) }} {{ tuple(xs) }}", '[0, 1, 2] {"a": 1} [1] [1, 2, 3]'),
        ("{{ list(enumerate('ab')) }} {{ list(zip(xs, xs)) }}", '[[0, "a"], [1, "b"]] [[1, 1], [2, 2], [3, 3]]'),
        ("{{ repr(name) }}", "'Ada'"),
        ("{{ max(1, 2) }}", "ours"),
        ("{{ _ }} {{ _llm }} {{ result }} {{ context }}", "last the answer named as Jinja's own too"),
        (
            "{{ n + 1 }} {{ n > 2 and n < 5 }} {{ 'a' ~ n }} {{ 'yes' if n else 'no' }} {{ n in xs }}",
            "4 True a3 yes True",
        ),
        ("{{ nope | default('none') }} {{ nope is defined }}", "none False"),
        ("{{ d | tojson }} {{ '<b>' | tojson }}", '{"key": "value", "items": 5} "<b>"'),
        ("{{ '{{ x }}' }}", "{{ x }}"),
        ('{{ "}}" }} {{ {"a": {"b": 1}}}}', '}} {"a": {"b": 1}}'),
        ("{{ 'it\\'s' }}", "it's"),
        ("{{\n  n\n}}", "3"),
        ("a {{- n -}} b", "a3b"),
        ("a\n\n{{- n }}\n b", "a3\n b"),
        ("{{+ n }}{{ -n }}", "3-3"),
        ("{{ house.street }} {{ house.rooms(extra=1) }}", "Elm 4"),
        ("{{ None }}", "None"),
        ("{{{ 'a': 1 }}}", '{"a": 1}'),
        ("\\frac{{ '{' ~ n ~ '}' }}", "\\frac{3}"),
        ("a{{ empty }}b", "ab"),
    ],
)
def test_an_expression_stands_for_its_value(body: str, expected: str) -> None:
    """Names, attributes, items, calls, filters and operators, with the notebook's own names first."""
    assert text(body) == expected


def test_the_parts_say_where_they_come_from() -> None:
    """Each expression is a part of its own, labelled by it, with the size of its value."""
    parts = render_body("Sum up:\n{{  df }}\nin {{ n }} words", NAMES, render_for_prompt)
    assert [(part.label, part.note) for part in parts] == [
        ("text", ""),
        ("{{ df }}", "2 rows x 2 columns"),
        ("text", ""),
        ("{{ n }}", ""),
        ("text", ""),
    ]


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_all_of_a_hundred_rows_reach_the_prompt(library: Any) -> None:
    """A frame in braces is whole, with its size said."""
    body = text("{{ df }}", df=library({"number": list(range(100))}))
    lines = body.splitlines()
    assert lines[0] == "100 rows x 1 column"
    assert lines[4:] == [f"| {n} |" for n in range(100)]


@pytest.mark.parametrize(
    ("body", "before", "after"),
    [
        ("{{ df }}", "", ""),
        ("a\n{{ df }}\nb", "a\n", "\nb"),
        ("a\r\n{{ df }}\r\nb", "a\r\n", "\r\nb"),
        ("a {{ df }} b", "a \n", "\n b"),
        ("  {{ df }}  \nb", "  ", "  \nb"),
        ("{{ df }}{{ n }}", "", "\n3"),
        ("{{ n }}{{ df }}", "3\n", ""),
    ],
)
def test_a_table_gets_the_lines_it_needs(body: str, before: str, after: str) -> None:
    """A table in a sentence does not run into its words; one on its own line adds nothing."""
    table = render_for_prompt(FRAME).text
    assert text(body) == before + table + after


def test_two_tables_do_not_touch() -> None:
    """One line end between them is enough."""
    table = render_for_prompt(FRAME).text
    assert text("{{ df }}{{ df }}") == f"{table}\n{table}"


def test_the_renderer_gets_the_value_itself() -> None:
    """What an expression gives is not turned into text before `sources` sees it."""
    seen: list[Any] = []

    def render(value: Any) -> Rendered:
        seen.append(value)
        return Rendered("ok", "note")

    assert render_body("{{ df }}", NAMES, render) == (Part("{{ df }}", "ok", "note"),)
    assert seen[0] is FRAME


def test_objects_that_answer_to_any_name_work() -> None:
    """A mock's method can be called, though the mock would say yes to any question asked of it."""
    client = MagicMock()
    client.get.return_value = 5
    assert text("{{ client.get('x') }}", client=client) == "5"


def test_the_namespace_may_be_any_mapping_with_odd_objects() -> None:
    """A variable that breaks when it is looked at harms only the expression that names it."""

    class Proxy:
        @property
        def __class__(self) -> type:
            raise RuntimeError("not bound")

    assert text("{{ n }}", proxy=Proxy()) == "3"
    assert "not bound" in error("{{ proxy }}", proxy=Proxy()).message


# ---------------------------------------------------------------------------------------------------------------------
# What is said when one is wrong


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ("{{ nam }}", "`{{ nam }}` in line 1: there is no variable `nam`.", "Did you mean name?"),
        ("{{ nam.upper() }}", "there is no variable `nam`.", "Did you mean name?"),
        ("{{ nam + 1 }}", "there is no variable `nam`.", "Did you mean name?"),
        ("{{ lenn(xs) }}", "there is no variable `lenn`.", "Did you mean len?"),
        ("{{ lipsum() }}", "there is no variable `lipsum`.", ""),
        ("{{ house.stret }}", "House has no attribute or item `stret`.", "Did you mean street?"),
        ("{{ d.kez }}", "the dict has no key `kez`.", "Did you mean key?"),
        ("{{ d['kez'] }}", "the dict has no key `kez`.", "Did you mean key?"),
        ("{{ {'0': 1}[0] }}", "the dict has no such key `0`.", "It has '0' of str."),
        ("{{ df.pric }}", "the frame has no column or attribute `pric`; its columns are price, region.", "mean price?"),
        ("{{ df['pric'] }}", "its columns are price, region.", "Did you mean price?"),
        ("{{ df.haed() }}", "the frame has no column or attribute `haed`", "Did you mean head?"),
        ("{{ xs[9] }}", "list has no attribute or item `9`.", ""),
        ("{{ [house] | map(attribute='stret') | list }}", "no attribute or item `stret`.", "Did you mean street?"),
        ("{{ n | rond }}", "No filter named 'rond'.", "Did you mean round?"),
        ("{{ }}", "`{{ }}` in line 1: nothing stands between the braces.", "Jinja expression"),
        ("{{ n + }}", "it ends too early.", "Jinja expression"),
        ("{{ (n }}", "`{{ (n }}` in line 1: it ends too early.", "Jinja expression"),
        ("{{ n) }}", "unexpected ')'.", "Jinja expression"),
        ("{{ n:.2f }}", "it is not one expression; something stands behind it.", "round(2)"),
        ("{{ [a for a in xs] }}", "expected token ',', got 'for'.", "Compute anything more in a cell first"),
        ("{{ .Name }}", "unexpected '.'.", "Jinja expression"),
        ("{{ don't }}", "unexpected char", "Jinja expression"),
        ("a\nb {{ n", "`{{ n` in line 2: the {{ is never closed.", "Close it with }}."),
        ("{{ 'n }}", "unexpected char", "Jinja expression"),
        ("{{ [1, 2 }", "the {{ is never closed.", "Close it with }}."),
        ("{{ 1 / 0 }}", "`{{ 1 / 0 }}` in line 1 raised ZeroDivisionError: division by zero", ""),
        ("{{ house.broken }}", "raised ValueError: no roof", ""),
        ("{{ n() }}", "raised TypeError: 'int' object is not callable", ""),
        ("{{ self }}", "`self` is a name of Jinja's own", ""),
    ],
)
def test_an_error_names_the_expression_its_line_and_what_is_near(body: str, message: str, hint: str) -> None:
    """Each error says what is wrong, comes with a close match where there is one, and knows --raw."""
    found = error(body)
    assert type(found) is TemplateError
    assert message in found.message
    assert hint in found.hint
    assert "`--raw` sends the body as it is" in found.hint


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("expression", ["df.pric", "df['pric']"])
def test_a_missing_column_is_told_alike_in_every_library(library: Any, expression: str) -> None:
    """A column that is not there is told with those that are, whatever the library itself would raise."""
    found = error("{{ " + expression + " }}", df=library({"price": [1], "region": [2]}))
    assert "its columns are price, region." in found.message
    assert "Did you mean price?" in found.hint


def test_many_columns_are_not_all_told() -> None:
    """An error stays readable; it says how many columns it leaves out."""
    found = error("{{ df.zzz }}", df=pd.DataFrame([range(20)], columns=[f"c{n}" for n in range(20)]))
    assert "c11 and 8 more" in found.message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_is_that_of_the_cell(end: str) -> None:
    """Lines are counted from the cell's first, below a %%llm line from the second, whatever ends a line."""
    body = end.join(["a", "{{ n }}", "{{ nope }}"])
    for first_line in (1, 2):
        with pytest.raises(TemplateError, match=rf"in line {first_line + 2}:"):
            render_body(body, NAMES, render_for_prompt, first_line=first_line)


def test_a_long_expression_is_told_in_short() -> None:
    """An error is one line, even for an expression of many."""
    found = error("{{ nope\n + " + "n + " * 50 + "n }}")
    assert len(found.message.split(":")[0]) < 90
    assert "\n" not in found.message


def test_an_error_of_a_value_keeps_its_kind_and_gets_the_place() -> None:
    """A value that is too large or has no text: told with the expression, its line and its name."""
    found = error("\n{{ rows }}", rows=(n for n in range(3)))
    assert type(found) is SourceError
    assert found.message.startswith("`{{ rows }}` in line 2: ")
    assert "{{ rows | list }}" in found.hint
    large = error("{{ data.big }}", data={"big": pd.DataFrame({"a": range(200_001)})})
    assert type(large) is SourceError
    assert "200,001 rows x 1 column" in large.message
    assert "{{ data.big.head(20) }}" in large.hint


def test_our_own_errors_keep_their_kind() -> None:
    """What the package itself raises inside of an expression is not wrapped in another error's words."""

    def fails() -> None:
        raise SettingsError("no such model", "try another")

    found = error("{{ fails() }}", fails=fails)
    assert type(found) is SettingsError
    assert found.message == "`{{ fails() }}` in line 1: no such model"
    assert found.hint == "try another"


def test_the_cause_is_kept() -> None:
    """Whoever wants the traceback of the expression finds it."""
    assert isinstance(error("{{ 1 / 0 }}").__cause__, ZeroDivisionError)


@pytest.mark.parametrize("expression", ["stop()", "stopper", "stopper.now"])
def test_an_interrupt_is_not_wrapped(expression: str) -> None:
    """Ctrl-C in an expression, or in the text of its value, stops the cell as Ctrl-C."""

    def stop() -> None:
        raise KeyboardInterrupt

    class Stopper:
        def __str__(self) -> str:
            raise KeyboardInterrupt

        @property
        def now(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_body("{{ " + expression + " }}", {"stop": stop, "stopper": Stopper()}, render_for_prompt)
