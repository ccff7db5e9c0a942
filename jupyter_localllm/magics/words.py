r"""Words of a magic's line: split as a shell would, except where that hurts.

A shell's rules are wrong for prompts and for Windows: an apostrophe would open a quote (``What's``), and a backslash
would vanish (``C:\models``). Here a quote opens only where a word begins, or right after ``--option=``, and closes only
where a word ends; a backslash is a backslash, except before a double quote inside double quotes. Where ``\"`` could be
both, as in ``"C:\models\"``, it closes the quote if nothing else does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Word", "next_word", "quote"]

_WORD = re.compile(
    r"""\s*(?P<word>(?P<head>--[A-Za-z][\w-]*=)?(?:
        "(?P<double>(?:\\"|[^"])*)"(?=\s|$)   # an escaped quote is tried first, a closing one when that leads nowhere
        | '(?P<single>.*?)'(?=\s|$)           # the first apostrophe that ends a word, so that 'Don't go' is one word
        | (?P<bare>\S+)
    ))""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Word:
    """One word of a line.

    Parameters
    ----------
    text : str
        The word without its quotes.
    start, end : int
        Its place in the line, quotes included.
    quoted : bool
        Whether it stands in quotes as a whole.
    closed : bool
        False if a quote opens the word, or its value after ``--option=``, and never closes.
    """

    text: str
    start: int
    end: int
    quoted: bool = False
    closed: bool = True


def next_word(line: str, position: int = 0) -> Word | None:
    r"""Read the word at or after a position; `None` if there is none.

    Examples
    --------
    >>> next_word("--system 'Be brief.' Hi", 8)
    Word(text='Be brief.', start=9, end=20, quoted=True, closed=True)
    >>> next_word("What's up").text
    "What's"
    >>> print(next_word(r'--model="C:\my models\x.gguf"').text)
    --model=C:\my models\x.gguf
    """
    match = _WORD.match(line, position)
    if match is None:
        return None
    head = match["head"] or ""
    start, end = match.span("word")
    if match["double"] is not None:
        return Word(head + match["double"].replace('\\"', '"'), start, end, quoted=not head)
    if match["single"] is not None:
        return Word(head + match["single"], start, end, quoted=not head)
    return Word(head + match["bare"], start, end, closed=match["bare"][0] not in "\"'")


def quote(text: str) -> str:
    r"""Write a word so that `next_word` reads it back.

    Examples
    --------
    >>> quote("price"), quote("unit price"), quote('12" pipe')
    ('price', '"unit price"', '"12\\" pipe"')
    """
    plain = text and not re.search(r"\s", text) and text[0] not in "\"'-"
    return text if plain else '"' + text.replace('"', '\\"') + '"'
