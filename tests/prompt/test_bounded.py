"""A chat template that does not end, or that fills the memory, is stopped; all others are rendered as ever."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jupyter_localllm.errors import ChatTemplateError
from jupyter_localllm.prompt import bounded, weighed
from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.types import Message, ModelInfo

LOOP = "{%% set ns = namespace(x='aaaaaaaa', l=[1], n=3) %%}{%% for i in range(90) %%}%s{%% endfor %%}"
HUGE = 10**11

ENDLESS = {
    "loops": "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
    "macros": "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "sorting": "{% for i in range(90000) %}{% set x = range(90000) | list | sort | unique | list %}{% endfor %}",
}
GROWING = {
    "joined": LOOP % "{% set ns.x = ns.x ~ ns.x %}",
    "added": LOOP % "{% set ns.x = ns.x + ns.x %}",
    "list": LOOP % "{% set ns.l = ns.l + ns.l %}",
    "repeated": LOOP % "{% set ns.x = ns.x * 9 %}",
    "repeated_list": LOOP % "{% set ns.l = ns.l * 9 %}",
    "squared": LOOP % "{% set ns.n = ns.n * ns.n %}",
    "power": LOOP % "{% set ns.n = ns.n ** 9 %}",
    "block": LOOP % "{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}",
    "macro": "{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}" + LOOP % "{% set ns.x = m(ns.x) %}",
    "filter_block": LOOP
    % "{% set y %}{% filter upper %}{{ ns.x }}{{ ns.x }}{% endfilter %}{% endset %}{% set ns.x = y %}",
    "replaced": LOOP % "{% set ns.x = ns.x.replace('a', ns.x) %}",
    "replaced_by_filter": LOOP % "{% set ns.x = ns.x | replace('a', ns.x) %}",
    "replaced_nothing": LOOP % "{% set ns.x = ns.x.replace('', ns.x) %}",
    "join": LOOP % "{% set ns.x = ns.x.join([ns.x] * 1000) %}",
    "join_by_filter": LOOP % "{% set ns.x = ([ns.x] * 1000) | join(ns.x) %}",
    "formatted": LOOP % "{% set ns.x = '{0}{0}{0}'.format(ns.x) %}",
    "formatted_by_percent": LOOP % "{% set ns.x = '%s%s%s' % (ns.x, ns.x, ns.x) %}",
    "formatted_by_filter": LOOP % "{% set ns.x = '%s%s' | format(ns.x, ns.x) %}",
    "translated": LOOP % "{% set ns.x = ns.x.translate({97: ns.x}) %}",
    "kept": LOOP % "{% for j in range(9000) %}{% set ns.l = ns.l + [('a' * 900000) ~ j] %}{% endfor %}",
    "written": "{% for i in range(90000) %}{{ 'a' * 900000 }}{% endfor %}",
    **{
        name: f"{{{{ {text} }}}}"
        for name, text in {
            "times": f"'a' * {HUGE}",
            "center": f"'a' | center({HUGE})",
            "ljust": f"'a'.ljust({HUGE})",
            "zfill": f"'1'.zfill({HUGE})",
            "tabs": f"'\\t'.expandtabs({HUGE})",
            "percent": f"'%{HUGE}d' % 1",
            "percent_star": f"'%*d' % ({HUGE}, 1)",
            "format_filter": f"'%{HUGE}d' | format(1)",
            "format_width": f"'{{:>{HUGE}}}'.format(1)",
            "format_nested": f"'{{:{{}}}}'.format(1, {HUGE})",
            "indent": f"'a' | indent({HUGE})",
            "tojson": f"[[1]] | tojson(indent={HUGE})",
            "slice": f"[1] | slice({HUGE}) | list",
            "batch": f"[1] | batch({HUGE}, 'x') | list",
        }.items()
    },
}


TWICE = (
    "{%% set ns = namespace(a=[1], b=[1], t=(1,)) %%}{%% for i in range(60) %%}{%% set ns.a = [ns.a, ns.a] %%}"
    "{%% set ns.b = [ns.b, ns.b] %%}{%% set ns.t = (ns.t, ns.t) %%}{%% endfor %%}%s"
)
LARGE = "'x' * 100000"
HEAVY = {
    **{
        f"twice {name}": TWICE % text
        for name, text in {
            "written": "{{ ns.a }}",
            "appended": "{{ 'a' ~ ns.a }}",
            "compared": "{{ ns.a == ns.b }}",
            "ordered": "{% if ns.a < ns.b %}{% endif %}",
            "looked for": "{{ ns.a in [ns.b] }}",
            "tested": "{{ [ns.a] | select('eq', ns.b) | list }}",
            "largest": "{{ [ns.a, ns.b] | max | length }}",
            "sorted lazily": "{{ [[ns.a], [ns.b]] | map('first') | sort | length }}",
            "counted": "{{ [ns.a].count(ns.b) }}",
            "changed": "{% for x in [ns.a, ns.b] %}{{ loop.changed(x) }}{% endfor %}",
            "hashed": "{{ {ns.t: 1} | length }}",
            "asked for": "{{ {}[ns.t] }}",
            "as JSON": "{{ ns.a | tojson | length }}",
            "formatted": "{{ ('%s' % (ns.a,)) | length }}",
            "raised": "{{ raise_exception(ns.a) }}",
            "in a view": "{{ {'x': ns.a}.items() | string | length }}",
            "in a space": "{{ ns }}",
        }.items()
    },
    "varargs": "{% set ns = namespace(a=1) %}{% macro m() %}{% set ns.a = varargs %}{% endmacro %}"
    "{% for i in range(60) %}{{ m(ns.a, ns.a) }}{% endfor %}{{ ns.a }}",
    **{
        name: f"{{{{ {text} | length }}}}"
        for name, text in {
            "many widths": "('%99999d' * 30000) % ((1,) * 30000)",
            "many widths of a format": "('{0:99999}' * 30000).format(1)",
            "texts in a list": "('%s' % ([" + LARGE + "] * 9000,))",
            "texts in JSON": "([" + LARGE + "] * 9000) | tojson",
            "join of a range": f"range(90000) | join({LARGE})",
            "join of a generator": f"({LARGE}).join(range(90000) | map('string'))",
            "join of generated": f"range(90000) | map('string') | join({LARGE})",
            "indent by a text": f"('\n' * 90000) | indent({LARGE}, true, true)",
            "indent of other lines": "('\r' * 90000) | indent(100000, true, true)",
            "indent of JSON": "([1] * 90000) | tojson(indent=100000)",
            "rounded": "5 | round(-99999999) | string",
            "sum of lists": "([[1] * 4000] * 4000) | sum(start=[])",
            "bytes": "(5).to_bytes(9000000000, 'big')",
            "wrapped": "('a' * 9000000) | wordwrap(1)",
            "without tags": "(('<!---->' * 1000000) | safe).striptags()",
            "punycode": "('\u4e00' * 900000).encode('punycode')",
            "many looked for": "range(90000) | select('in', [2] * 9000000) | list",
            "many attributes": "([{}] * 9000000) | map(attribute='a.b.c.d.e.f.g.h') | list",
            "date": "strftime_now('%99999d' * 100000)",
        }.items()
    },
}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twentieth of a second is enough to see that something is stopped."""
    monkeypatch.setattr(weighed, "SECONDS", 0.05)


def render(template: str) -> str:
    return "".join(render_chat([Message.of("user", "Hello")], ModelInfo("odd", 9, chat_template=template)).pieces)


@pytest.mark.parametrize("name", sorted(ENDLESS))
def test_what_does_not_end_is_stopped(name: str) -> None:
    """By the processor time of this thread; the error names the model, and says what to do."""
    with pytest.raises(ChatTemplateError, match=r"odd was stopped: it has run for") as caught:
        render(ENDLESS[name])
    assert "another copy" in caught.value.hint


@pytest.mark.parametrize("name", sorted(GROWING))
def test_what_grows_is_stopped_before_it_is_made(name: str) -> None:
    """However a template makes a text, list or number larger, it does not come to fill the memory."""
    with pytest.raises(ChatTemplateError, match="odd"):
        render(GROWING[name])


@pytest.mark.parametrize("name", sorted(HEAVY))
def test_what_is_small_and_endless_to_read_is_stopped(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python would do in one go, in which no clock is looked at, is weighed before it begins."""
    monkeypatch.setattr(weighed, "_LARGEST", 1 << 20)
    with pytest.raises(ChatTemplateError, match="odd") as caught:
        render(HEAVY[name])
    assert not isinstance(caught.value.__cause__, MemoryError)


@pytest.mark.parametrize(
    "template",
    ["{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "{% if 1 %}" * 3000 + "{% endif %}" * 3000, "{{ a }}" * 200_000],
)
def test_what_cannot_be_compiled_is_an_error(template: str) -> None:
    """Too deep or too long: an error of ours, with the model's name, at once."""
    with pytest.raises(ChatTemplateError, match="odd"):
        render(template)


def test_a_templates_own_words_are_bounded() -> None:
    """A template may refuse messages in words of its own: one line, no more than can be read, nothing that controls."""
    with pytest.raises(ChatTemplateError) as caught:
        render(r"{{ raise_exception('\x1b[2J' ~ 'no ' * 100000) }}")
    assert len(caught.value.message) < 500
    assert caught.value.message.isprintable()


PARTS = (
    "{{ ns.x }}",
    "{% set ns.x = ns.x ~ ns.x %}",
    "{% set ns.x = ns.x + 'b' %}",
    "{% set ns.x = [ns.x, ns.x] | join('-') %}",
    "{% set ns.x = ns.x | replace('a', 'aa') %}",
    "{% set ns.x = ns.x.split('a') | join('ab') %}",
    "{% set ns.l = ns.l + ns.l %}",
    "{% set ns.x = ns.l | tojson %}",
    "{% set ns.x = ns.x | upper | lower | trim %}",
    "{{ messages[0].content | length }}",
)


@st.composite
def templates(draw: st.DrawFn, depth: int = 3) -> str:
    """Loops in loops over steps that grow."""
    parts = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
    if depth and draw(st.booleans()):
        times = draw(st.sampled_from((2, 40, 3000)))
        parts.append(f"{{% for i in range({times}) %}}{draw(templates(depth=depth - 1))}{{% endfor %}}")
    return "".join(draw(st.permutations(parts)))


_QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _renders_or_is_refused(template: str) -> None:
    with contextlib.suppress(ChatTemplateError):
        assert isinstance(render("{% set ns = namespace(x='aaaaaaaa', l=[1]) %}" + template), str)


@_QUICK
@given(templates())
def test_every_template_ends(template: str) -> None:
    """It is rendered, or it is refused; it never goes on."""
    _renders_or_is_refused(template)


@pytest.mark.soak
@settings(_QUICK, max_examples=5_000)
@given(templates(depth=5))
def test_every_template_ends_the_whole_campaign(template: str) -> None:
    """The same, for long."""
    _renders_or_is_refused(template)


ORDINARY = (
    "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{% if loop.last %}!{% else %},{% endif %}"
    "{{ (loop.previtem or {}).role }}{{ (loop.nextitem or {}).role }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ m.content }}{% else %}none{% endfor %}",
    "{% for m in nothing %}x{% else %}none{% endfor %}",
    "{% for k, v in messages[0] | dictsort %}{{ k ~ '=' ~ v ~ 1 ~ none }};{% endfor %}",
    "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m }}{% endfor %}",
    "{%- set x -%} {{ messages | map(attribute='role') | join(', ') }} {%- endset -%}{{ x | trim | indent(2) }}",
    "{{ '%s and %d' % (messages[0].role, 12345678) }}{{ '{} {!r}'.format(1, 'x') }}{{ '**%s**' | format(3) }}",
    "{{ messages | tojson(indent=2) }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}",
    "{% for row in [[1, [2]], [3]] recursive %}{{ row if row is number else '(' ~ loop(row) ~ ')' }}{% endfor %}",
    "{{ 'a' * 3 + 'b' }}{{ [1] + [2] * 2 }}{{ 2 ** 10 % 7 }}{{ messages[0].content.split('l')[0].replace('H', 'J') }}",
)
"""What templates in use do, loops with all that they know of themselves included."""


@pytest.mark.parametrize("template", ORDINARY)
def test_what_is_ordinary_comes_out_the_same(template: str) -> None:
    """As in Jinja's own sandbox, letter by letter."""
    plain = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], undefined=jinja2.Undefined
    )

    def tojson(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    plain.filters["tojson"] = tojson
    messages = [{"role": role, "content": f"Hello {role}"} for role in ("system", "user", "assistant", "user")]
    ours = bounded.BoundedEnvironment(
        filters={"tojson": tojson}, trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    assert bounded.bounded(ours.from_string(template).render, messages) == plain.from_string(template).render(
        messages=messages
    )


def test_long_data_are_no_fault_of_the_template() -> None:
    """What the messages hold may be as long as it is: only what a template makes of it is measured."""
    text = "word " * 5_000_000
    info = ModelInfo("m", 9, chat_template="{% for m in messages %}{{ '[' ~ m.content | trim ~ ']' }}{% endfor %}")
    assert sum(map(len, render_chat([Message.of("user", text)], info).pieces)) == len(text.strip()) + 2
