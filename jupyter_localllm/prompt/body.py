"""The body of a cell: text in which ``{{ expression }}`` stands for a value of the notebook.

Only double braces are a template. Everything else passes byte for byte: LaTeX, JSON, f-strings, CSS, the block and
comment marks of template languages, line ends as they are. What stands between the braces is a Jinja expression
(names, attributes, items, calls, filters), run in a sandbox; a name that is not there is an error.

Jinja's own lexer is not used to cut the text, because it turns every line end into one line feed; its rules for the end
of an expression are kept: braces in strings and brackets do not end it, ``{{-`` and ``-}}`` remove the blanks beside
it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.errors import LocalLLMError, TemplateError, close_match
from jupyter_localllm.sources.base import UNNAMED, Rendered
from jupyter_localllm.types import Part

__all__ = ["expressions", "literal", "render_body"]

_RAW = "`--raw` sends the body as it is, braces and all."
_SYNTAX = (
    "Between {{ and }} stands a Jinja expression: a name, df.head(5), row['x'], value | round(2). "
    "Compute anything more in a cell first."
)
_TOKENS = re.compile(r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|[(\[{}\])]""", re.DOTALL)
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_MOST_KNOWN = 5_000  # names among which a close match is looked for


@dataclass(frozen=True)
class _Expression:
    """One ``{{ … }}``: what stands inside of it, and where.

    ``trim_left`` and ``trim_right`` say whether the blanks before and behind it go.
    """

    source: str
    line: int
    trim_left: bool
    trim_right: bool

    @property
    def label(self) -> str:
        return "{{ " + self.source + " }}"


def literal(source: str) -> tuple[Part, ...]:
    """Take a body as it is, braces and all (``--raw``).

    Examples
    --------
    >>> literal("{{ x }}")
    (Part(label='text', text='{{ x }}', note=''),)
    """
    return (Part("text", source),) if source else ()


def expressions(source: str) -> tuple[str, ...]:
    """The expressions of a body, as parts are labelled by them.

    Raises
    ------
    TemplateError
        One is never closed.

    Examples
    --------
    >>> expressions("Is {{ x + 1 }} prime?")
    ('{{ x + 1 }}',)
    """
    return tuple(piece.label for piece in _cut(source, 1) if isinstance(piece, _Expression))


def render_body(
    source: str,
    namespace: Mapping[str, Any],
    render_value: Callable[[Any], Rendered],
    *,
    first_line: int = 1,
) -> tuple[Part, ...]:
    """Put the notebook's values into a body.

    Parameters
    ----------
    source : str
        The body.
    namespace : Mapping
        The notebook's variables. Python's harmless builtins (``len``, ``sum``, ``round`` …) are known besides.
    render_value : callable
        How a value becomes text, as `jupyter_localllm.sources.render_for_prompt`.
    first_line : int, optional
        Number of the body's first line in its cell, for messages: 2 below a ``%%llm`` line.

    Returns
    -------
    tuple of Part
        In order: ``"text"`` for what stood in the body, and one for each expression, labelled by it. Their texts joined
        are the message. A value that must stand on lines of its own, as a table, brings the line ends that are missing.

    Raises
    ------
    TemplateError
        An expression is unclosed, wrong, names what is not there or is closed to templates, or raises. The message
        names the expression and its line.
    SourceError
        A value is too large or has no text.

    Examples
    --------
    >>> from jupyter_localllm.sources import render_for_prompt
    >>> parts = render_body("Is {{ x + 1 }} prime? {#no comment}", {"x": 6}, render_for_prompt)
    >>> [part.text for part in parts]
    ['Is ', '7', ' prime? {#no comment}']
    """
    if "{{" not in source:
        return literal(source)
    pieces = list(_cut(source, first_line))
    parts: list[Part] = []
    for place, piece in enumerate(pieces):
        if isinstance(piece, _Expression):
            behind = pieces[place + 1 :]
            parts.append(_value_part(piece, namespace, render_value, parts, behind))
        else:
            text = _trimmed(pieces, place, piece)
            parts.extend(literal(text))
    return tuple(parts)


def _value_part(
    expression: _Expression,
    namespace: Mapping[str, Any],
    render_value: Callable[[Any], Rendered],
    before: list[Part],
    behind: list[_Expression | str],
) -> Part:
    try:
        rendered = render_value(_evaluate(expression, namespace))
    except Exception as error:  # the expression's own, and the value's; Ctrl-C is none of these
        raise _told(expression, error, namespace) from error
    text = rendered.text
    if rendered.block:
        text = _on_own_lines(text, "".join(part.text for part in before[-1:]), behind)
    return Part(expression.label, text, rendered.note)


def _on_own_lines(text: str, before: str, behind: list[_Expression | str]) -> str:
    """Give a block the line ends which its surroundings lack."""
    first = "" if re.search(r"(?:^|[\r\n])[ \t]*\Z", before) else "\n"
    after = behind[0] if behind else ""
    last = "" if isinstance(after, str) and re.match(r"[ \t]*(?:[\r\n]|\Z)", after) else "\n"
    return first + text + last


def _trimmed(pieces: list[_Expression | str], place: int, text: str) -> str:
    before = pieces[place - 1] if place else None
    after = pieces[place + 1] if place + 1 < len(pieces) else None
    if isinstance(before, _Expression) and before.trim_right:
        text = text.lstrip()
    if isinstance(after, _Expression) and after.trim_left:
        text = text.rstrip()
    return text


# ---------------------------------------------------------------------------------------------------------------------
# Cutting


def _cut(source: str, first_line: int) -> Iterator[_Expression | str]:
    """Cut a body into text and expressions."""
    place = 0
    while (start := source.find("{{", place)) >= 0:
        if start > place:
            yield source[place:start]
        line = first_line + len(re.findall(r"\r\n|\r|\n", source[:start]))
        end = _end(source, start + 2)
        if end is None:
            raise TemplateError(
                f"`{_excerpt(source[start:])}` in line {line}: the {{{{ is never closed.",
                f"Close it with }}}}. {_RAW}",
            )
        inside = source[start + 2 : end]
        trim_left, trim_right = inside.startswith("-"), inside.endswith("-")
        inside = inside.removeprefix("-").removeprefix("+").removesuffix("-").strip()
        yield _Expression(inside, line, trim_left, trim_right)
        place = end + 2
    if place < len(source):
        yield source[place:]


def _end(source: str, start: int) -> int | None:
    """Find where ``}}`` closes an expression: not in a string, and not in brackets."""
    open_brackets: list[str] = []
    for token in _TOKENS.finditer(source, start):
        text = token.group()
        if text in _CLOSERS:
            open_brackets.append(_CLOSERS[text])
        elif open_brackets and text == open_brackets[-1]:
            open_brackets.pop()
        elif text == "}" and source.startswith("}}", token.start()):
            return token.start()  # also where a bracket is left open: the expression is wrong, and is told so
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Evaluating, and saying what is wrong


def _evaluate(expression: _Expression, namespace: Mapping[str, Any]) -> Any:
    if not expression.source:
        raise TemplateError("nothing stands between the braces.", f"{_SYNTAX} {_RAW}")
    from jupyter_localllm.prompt.sandbox import evaluate

    return evaluate(expression.source, namespace)


def _told(expression: _Expression, error: BaseException, namespace: Mapping[str, Any]) -> LocalLLMError:
    """Make of any error one that names the expression and its line."""
    from jinja2 import TemplateSyntaxError
    from jinja2.exceptions import SecurityError

    from jupyter_localllm.prompt.sandbox import Missing

    where = f"`{_excerpt(expression.label)}` in line {expression.line}"
    if isinstance(error, LocalLLMError) and isinstance(error.__cause__, (Missing, SecurityError)):
        error = error.__cause__  # an undefined value that a filter has put into a list
    if isinstance(error, LocalLLMError):
        return type(error)(f"{where}: {error.message}", _named(error.hint, expression))
    if isinstance(error, Missing):
        what, near = _missing(error.name, error.owner, error.is_variable, namespace)
        return TemplateError(f"{where}: {what}.", f"{near} {_RAW}".strip())
    if isinstance(error, TemplateSyntaxError):
        return TemplateError(f"{where}: {_plain(error.message or '')}.", _syntax_hint(error))
    if isinstance(error, SecurityError):
        hint = f"Do it in a cell, and put the name of its result between the braces. {_RAW}"
        return TemplateError(f"{where}: {error}.", hint)
    return TemplateError(f"{where} raised {type(error).__name__}: {error}", _RAW)


def _named(hint: str, expression: _Expression) -> str:
    """Put the name into a hint of the room `sources`, which did not know it."""
    if not re.fullmatch(r"\w+(?:\.\w+)*", expression.source):
        return hint
    return hint.replace("{{ " + UNNAMED, "{{ " + expression.source)


def _missing(name: str, owner: Any, is_variable: bool, namespace: Mapping[str, Any]) -> tuple[str, str]:
    """Say what is not there, and what comes near it."""
    from jupyter_localllm.prompt.sandbox import BUILTINS, columns_of

    if is_variable:
        what, known = f"there is no variable `{name}`", [*namespace, *BUILTINS]
    elif columns := columns_of(owner):
        shown = ", ".join(columns[:12]) + (f" and {len(columns) - 12:,} more" if len(columns) > 12 else "")
        what = f"the frame has no column or attribute `{name}`; its columns are {shown}"
        known = [*columns, *_attributes(owner)]
    elif isinstance(owner, Mapping) and (twins := [key for key in owner if str(key) == name]):
        hint = f"It has {twins[0]!r} of {type(twins[0]).__name__}."
        return f"the {type(owner).__name__} has no such key `{name}`", hint
    elif isinstance(owner, Mapping):
        what, known = f"the {type(owner).__name__} has no key `{name}`", [str(key) for key in owner]
    else:
        what, known = f"{type(owner).__name__} has no attribute or item `{name}`", _attributes(owner)
    return what, close_match(name, [word for word in known if not word.startswith("__")][:_MOST_KNOWN])


def _attributes(value: Any) -> list[str]:
    try:
        return [name for name in dir(value) if not name.startswith("_")]
    except Exception:  # a __dir__ of somebody else's
        return []


def _syntax_hint(error: Exception) -> str:
    from jinja2.filters import FILTERS

    found = re.match(r"No filter named '(\w+)'", str(error))
    near = close_match(found[1], FILTERS) if found else _SYNTAX
    return f"{near} {_RAW}".strip()


def _plain(message: str) -> str:
    """Reword Jinja's messages that speak of its inside."""
    message = message.removesuffix(".")
    if "end of template" in message:
        return "it ends too early"
    if message == "chunk after expression":
        return "it is not one expression; something stands behind it"
    return message


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
