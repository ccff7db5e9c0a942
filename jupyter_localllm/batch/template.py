"""The template of a map, checked against the first row before anything is asked."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.batch.data import ROW, VALUE, Data, Row
from jupyter_localllm.errors import LocalLLMError, TemplateError, UsageError
from jupyter_localllm.prompt.body import expressions, render_body
from jupyter_localllm.sources import render_for_prompt
from jupyter_localllm.sources.scalar import is_missing
from jupyter_localllm.types import Part

__all__ = ["RowTemplate", "fitted"]

_SHOWN = 12  # names in a message


@dataclass(frozen=True)
class RowTemplate:
    """A template that is known to fit the rows.

    Parameters
    ----------
    source : str
    variables : Mapping
        What it may use beside the rows' names, none of which is among these: a row that lacks a name must not quietly
        get another variable in its place.
    names : frozenset of str or None
        The rows' names that it uses; None if the first row could not tell.
    first_line : int
        For messages.
    skips : bool
        Whether a row that lacks the value of a name is passed over.
    """

    source: str
    variables: Mapping[str, Any] = field(repr=False)
    names: frozenset[str] | None = None
    first_line: int = 1
    skips: bool = False

    def passes_over(self, row: Row) -> bool:
        """Whether a row is not to be asked, since a value that it would put in is missing."""
        names = row.values if self.names is None else self.names & row.values.keys()
        return self.skips and any(_is_nothing(row.values[name]) for name in names)

    def render(self, row: Row) -> tuple[Part, ...]:
        """Put a row into the template.

        Raises
        ------
        TemplateError
            The row lacks a name, or an expression raises.
        SourceError
            A value is too large for a prompt, or has no text.
        """
        lacking = sorted((self.names or frozenset()) - row.values.keys())
        if lacking:
            raise TemplateError(f"it has no `{lacking[0]}`, unlike the first row.", _names_hint(row.values))
        names = {**self.variables, **row.values}
        return render_body(self.source, names, render_for_prompt, first_line=self.first_line)


def fitted(
    source: str, data: Data, variables: Mapping[str, Any], *, first_line: int = 1, skips: bool = False
) -> RowTemplate | None:
    """Try a template on the first row.

    Parameters
    ----------
    source : str
        As the body of a ``%%llm`` cell (`jupyter_localllm.prompt.body`).
    data : Data
    variables : Mapping
        The notebook's; the rows' names come first.
    first_line : int, optional
        Number of the template's first line in its cell, for messages.
    skips : bool, optional
        Pass over rows whose values are missing.

    Returns
    -------
    RowTemplate or None
        None if there is no row to try.

    Raises
    ------
    TemplateError
        The template itself is wrong, or uses a name that neither rows nor variables have.
    UsageError
        It is empty, or uses nothing of a row.
    """
    if not source.strip():
        raise UsageError(
            "the template is empty: there is no question", "Write a prompt that names a column: {{ text }}"
        )
    first = data.first()
    if first is None:
        return None
    own = frozenset(data.names)
    others = {name: value for name, value in variables.items() if name not in own}
    try:
        render_body(source, {**others, **first.values}, render_for_prompt, first_line=first_line)
    except LocalLLMError as error:
        if _is_of_the_template(error, own):
            raise TemplateError(error.message, f"{error.hint} {_names_hint(own)}".strip()) from error
        # The fault of this row, not of the others.
        return RowTemplate(source, _occurring(source, others), first_line=first_line, skips=skips)
    used = _used(source)
    if not used & own:
        raise _says_the_same(source, own, data.total)
    return RowTemplate(source, _occurring(source, others), used & own, first_line, skips)


def _is_nothing(value: Any) -> bool:
    return is_missing(value) or (isinstance(value, float) and math.isnan(value))


def _occurring(source: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables that a template may use: workers get them, too."""
    import jinja2

    try:
        used = _used(source)
    except (jinja2.TemplateError, TemplateError):  # behind the expression that failed: each row tells it
        return variables
    return {name: variables[name] for name in used & variables.keys()}


def _used(source: str) -> frozenset[str]:
    """Names of all expressions."""
    import jinja2

    environment = jinja2.Environment()
    trees = [environment.parse(label) for label in dict.fromkeys(expressions(source))]
    return frozenset(node.name for tree in trees for node in tree.find_all(jinja2.nodes.Name))


def _is_of_the_template(error: LocalLLMError, own: Collection[str]) -> bool:
    """Whether every row would fail alike: a wrong expression, or a name that no row has."""
    import jinja2

    from jupyter_localllm.prompt.sandbox import Missing

    cause = error.__cause__
    if not isinstance(error, TemplateError):
        return False
    if isinstance(cause, Missing):
        return cause.is_variable and cause.name not in own
    return cause is None or isinstance(cause, (jinja2.TemplateError, TemplateError))


def _says_the_same(source: str, names: Collection[str], total: int | None) -> UsageError:
    rows = "all rows" if total is None else f"all {total:,} rows" if total > 1 else "a row"
    single = [name for name in names if re.search(r"(?<!\{)\{\s*" + re.escape(name) + r"\s*\}(?!\})", source)]
    hint = f"With two braces: {{{{ {single[0]} }}}}." if single else _names_hint(names)
    return UsageError(f"the template uses nothing of a row, so {rows} would be the same question", hint)


def _names_hint(names: Collection[str]) -> str:
    columns = [name for name in names if name not in (ROW, VALUE)] or [name for name in names if name == VALUE]
    if not columns:
        return "The row has no names at all."
    shown = ", ".join(_spelled(name) for name in sorted(columns)[:_SHOWN])
    more = f" and {len(columns) - _SHOWN:,} more" if len(columns) > _SHOWN else ""
    return f"Names of a row: {shown}{more}."


def _spelled(name: str) -> str:
    """Write a name as a template must."""
    inside = name if name.isidentifier() else f"{ROW}[{name!r}]"
    return "{{ " + inside + " }}"
