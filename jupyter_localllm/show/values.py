"""A JSON value for readers: a table where it is one, else a tree; as HTML that is safe whatever the model wrote."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from jupyter_localllm.show.plain import clean

__all__ = ["value_html"]

_CELL = "text-align:left;vertical-align:top;padding:.2em .8em .2em 0;white-space:pre-wrap"
_LINE = "border-bottom:1px solid var(--jp-border-color2,var(--vscode-panel-border,#c0c0c0))"
_QUIET = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#767676))"
_TABLE = "border-collapse:collapse;margin:.2em 0;font-size:inherit"
_MOST_ROWS = 200  # the raw text below has them all
_MOST_COLUMNS = 12
_OPEN_LEVELS = 3  # what lies deeper is folded in


def value_html(value: Any) -> str:
    """A value as HTML.

    Parameters
    ----------
    value : object
        As ``json.loads`` gave it.

    Examples
    --------
    >>> value_html("a < b")
    '<span style="white-space:pre-wrap">a &lt; b</span>'
    """
    return _value(value, 0)


def _value(value: Any, depth: int) -> str:
    if isinstance(value, dict) and value:
        return _folded(_pairs(value, depth), f"{len(value)} fields", depth)
    if isinstance(value, list) and value:
        columns = _columns(value)
        table = _rows(value, columns, depth) if columns else _items(value, depth)
        return _folded(table, f"{len(value):,} items", depth)
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and value:
        return f'<span style="white-space:pre-wrap">{_text(value)}</span>'
    words = {"": "(empty text)", "[]": "(empty list)", "{}": "(empty)"}.get(
        value if isinstance(value, str) else json.dumps(value)
    )
    if words is None and value is not None:
        return _text(json.dumps(value, ensure_ascii=False))
    return f'<span style="{_QUIET}">{words or "null"}</span>'


def _text(text: str) -> str:
    return escape(clean(text))


def _folded(html: str, words: str, depth: int) -> str:
    if depth < _OPEN_LEVELS:
        return html
    return f'<details><summary style="cursor:pointer;{_QUIET}">{words}</summary>{html}</details>'


def _pairs(value: dict[str, Any], depth: int) -> str:
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL};{_LINE}">{_text(name)}</th>'
        f'<td style="{_CELL};{_LINE}">{_value(part, depth + 1)}</td></tr>'
        for name, part in list(value.items())[:_MOST_ROWS]
    )
    return f'<table class="jp-LocalLLM-value" style="{_TABLE}"><tbody>{rows}</tbody></table>{_left(len(value))}'


def _columns(value: list[Any]) -> list[str]:
    """The columns of a list of records; none if it is not one."""
    if not all(isinstance(item, dict) for item in value):
        return []
    names = list(dict.fromkeys(name for item in value for name in item))
    return names if 0 < len(names) <= _MOST_COLUMNS else []


def _rows(value: list[dict[str, Any]], columns: list[str], depth: int) -> str:
    head = "".join(f'<th scope="col" style="{_CELL};{_LINE}">{_text(name)}</th>' for name in columns)
    rows = (
        "".join(
            f'<td style="{_CELL};{_LINE}">{_value(item[name], depth + 1) if name in item else ""}</td>'
            for name in columns
        )
        for item in value[:_MOST_ROWS]
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<table class="jp-LocalLLM-value" style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"{_left(len(value))}"
    )


def _items(value: list[Any], depth: int) -> str:
    items = "".join(f"<li>{_value(item, depth + 1)}</li>" for item in value[:_MOST_ROWS])
    return f'<ol start="1" style="margin:.2em 0;padding-left:2em">{items}</ol>{_left(len(value))}'


def _left(length: int) -> str:
    more = length - _MOST_ROWS
    return f'<div style="{_QUIET}">and {more:,} more, in the raw text</div>' if more > 0 else ""
