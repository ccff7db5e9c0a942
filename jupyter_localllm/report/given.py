"""What two runs of a notebook were given, beside each other: the first thing to know of what moved between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.report.parameters import tellable
from jupyter_localllm.report.tidy import listed, mapping
from jupyter_localllm.show.listing import clipped, one_line

__all__ = ["Given", "given", "has_run", "lines"]

_LONGEST = 80
_OWN = "its default"


@dataclass(frozen=True)
class Given:
    """A parameter that is another.

    Parameters
    ----------
    name : str
    before, after : object
        Its values, as they may be told (`tellable`); None where it was not given.
    """

    name: str
    before: Any
    after: Any


def given(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Given, ...]:
    """The parameters that two runs were not given alike, as papermill keeps them.

    Examples
    --------
    >>> runs = [{"metadata": {"papermill": {"parameters": {"month": month}}}} for month in ("2015-07", "2015-08")]
    >>> given(*runs)
    (Given(name='month', before='2015-07', after='2015-08'),)
    """
    before, after = _parameters(old), _parameters(new)
    shown = tellable(before), tellable(after)
    names = dict.fromkeys((*before, *after))
    return tuple(
        Given(str(name), *(one.get(name) for one in shown)) for name in names if before.get(name) != after.get(name)
    )


def lines(changed: Iterable[Given]) -> list[str]:
    """The same for people.

    Examples
    --------
    >>> lines([Given("month", None, "2015-08")])
    ['parameter month: its default → 2015-08']
    """
    return [f"parameter {one_line(one.name)}: {_told(one.before)} → {_told(one.after)}" for one in changed]


def has_run(notebook: Mapping[str, Any]) -> bool:
    """Whether any cell of a notebook was run, or there is none to run."""
    code = [cell for cell in map(mapping, listed(notebook.get("cells"))) if cell.get("cell_type") == "code"]
    return not code or any(cell.get("outputs") or cell.get("execution_count") is not None for cell in code)


def _parameters(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(mapping(notebook.get("metadata")).get("papermill")).get("parameters"))


def _told(value: Any) -> str:
    return _OWN if value is None else clipped(one_line(str(value)), _LONGEST)
