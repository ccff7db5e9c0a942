"""Dates that are written in words."""

from __future__ import annotations

from jupyter_localllm.sources.select.numerals import date_terms
from jupyter_localllm.sources.select.token import Token

__all__ = ["join_dates"]

_LINKS = frozenset(("de", "of", "di", "del"))  # between the parts of a written date: "5 de mayo de 2024"


def join_dates(found: list[Token]) -> list[Token]:
    """Join the words of each written date; every one of them stays findable.

    Parameters
    ----------
    found : list of Token

    Returns
    -------
    list of Token
        With one token for ``5 May 2024``, ``May 5th, 2024``, ``5 de mayo de 2024`` or ``May 2024``.
    """
    joined: list[Token] = []
    at = 0
    while at < len(found):
        size, date = _date_at(found, at)
        if date is None:
            joined.append(found[at])
            at += 1
        else:
            joined.append(date)
            at += size
    return joined


def _date_at(found: list[Token], at: int) -> tuple[int, Token | None]:
    """The written date that begins here, and how many tokens it takes."""
    taken: list[Token] = []
    size = 0
    for token in found[at : at + 5]:
        if token.forms and token.forms[0] in _LINKS and taken:
            size += 1
            continue
        if not (token.month or _integer(token) is not None) or len(taken) == 3:
            break
        taken.append(token)
        size = size + 1
        if (_integer(token) or 0) > 31:
            break
    numbers = [n for n in map(_integer, taken) if n is not None]
    months = [t.month for t in taken if t.month]
    if len(months) != 1 or not numbers or _integer(taken[-1]) is None:
        return 0, None
    date = date_terms(numbers[-1], months[0], numbers[0] if len(numbers) == 2 else None)
    if not date:
        return 0, None
    parts = tuple(t.forms + (t.parts[0] if t.parts else ()) for t in taken)
    return size, Token(date[:1], parts, date[1:-1], exact=True)


def _integer(token: Token) -> int | None:
    """The number that a token is, also of ``5th``; None if it is none, or a long one."""
    if token.exact and len(token.forms) >= 1 and not token.parts and token.forms[0].isdecimal():
        return int(token.forms[0]) if len(token.forms[0]) <= 4 else None
    if len(token.parts) == 2 and token.parts[0][0].isdecimal() and token.parts[1][0] in ("st", "nd", "rd", "th", "er"):
        return int(token.parts[0][0]) if len(token.parts[0][0]) <= 2 else None
    return None
