"""What a docstring says of a function and of its parameters, in the three usual styles.

Styles: numpydoc (https://numpydoc.readthedocs.io/en/latest/format.html), Google's
(https://google.github.io/styleguide/pyguide.html#383-functions-and-methods) and Sphinx' field lists
(https://www.sphinx-doc.org/en/master/usage/domains/python.html#info-field-lists).
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

__all__ = ["Described", "described"]

_UNDERLINED = re.compile(r"(?m)^([A-Z][\w ]+)\n-{3,} *$")
_GOOGLE = re.compile(r"(?m)^(Args|Arguments|Parameters|Returns|Yields|Raises|Examples?|Notes?|Todo|See Also): *$")
_FIELD = re.compile(r"(?m)^:(\w+)(?: [^:\n]*)?:")
_SPHINX = re.compile(r"(?ms)^:param (?:[^:\n]* )?(\w+): *(.*?)(?=^:\w|\Z)")


@dataclass(frozen=True)
class Described:
    """What a docstring says.

    Parameters
    ----------
    text : str
        Everything before the first section, as it stands there.
    parameters : dict of str to str
        Descriptions by name.
    """

    text: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def described(docstring: str | None) -> Described:
    r"""Read a docstring.

    Examples
    --------
    >>> described("The price.\n\nParameters\n----------\nitem : str\n    What to buy.\n").parameters
    {'item': 'What to buy.'}
    >>> described("The price.\n\nArgs:\n    item (str): What to buy.\n").parameters
    {'item': 'What to buy.'}
    >>> described("The price.\n\n:param str item: What to buy.\n").parameters
    {'item': 'What to buy.'}
    """
    if not docstring:
        return Described()
    text = inspect.cleandoc(docstring)
    starts = [match.start() for pattern in (_UNDERLINED, _GOOGLE, _FIELD) if (match := pattern.search(text))]
    head = text[: min(starts)] if starts else text
    return Described(head.strip(), {**_numpy(text), **_google(text), **_sphinx(text)})


def _numpy(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, body in _sections(text, _UNDERLINED):
        if name in ("Parameters", "Other Parameters"):
            for entry in re.finditer(r"(?m)^(\S[^\n]*)\n((?:[ \t]+\S[^\n]*\n?|\n(?=[ \t]))*)", body):
                names = entry[1].partition(":")[0].split(",")
                found |= {one.strip(" *"): _one_line(entry[2]) for one in names}
    return {name: words for name, words in found.items() if words}


def _google(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, body in _sections(text, _GOOGLE):
        if name in ("Args", "Arguments", "Parameters"):
            lines = inspect.cleandoc(f"\n{body}")
            for entry in re.finditer(r"(?ms)^\*{0,2}(\w+)(?: *\([^)]*\))?: *(.*?)(?=^\*{0,2}\w|\Z)", lines):
                found[entry[1]] = _one_line(entry[2])
    return {name: words for name, words in found.items() if words}


def _sphinx(text: str) -> dict[str, str]:
    return {match[1]: _one_line(match[2]) for match in _SPHINX.finditer(text) if match[2].strip()}


def _sections(text: str, heads: re.Pattern[str]) -> list[tuple[str, str]]:
    found = list(heads.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    return [(match[1], text[match.end() : end].strip("\n")) for match, end in zip(found, ends, strict=False)]


def _one_line(text: str) -> str:
    return " ".join(text.split())
