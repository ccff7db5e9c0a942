r"""Text that is safe to print: no terminal escape sequences, no control characters, no hidden direction changes.

What a model writes may hold the bytes that move a terminal's cursor, set its title, write its clipboard (OSC 52) or
turn the reading direction of a line ("Trojan Source", CVE-2021-42574). Nothing here depends on the terminal: the same
text goes into ``text/plain``, into logs and into HTML.

Sequences are those of ECMA-48 (ISO 6429): CSI, the string controls DCS, SOS, OSC, PM and APC, and two-character
escapes, each in its seven-bit and its eight-bit (C1) form.
"""

from __future__ import annotations

import re

__all__ = ["PlainStream", "clean"]

# A string control that is still open after so many characters is taken for text, so that no piece is held for ever.
_LONGEST_STRING = 4096
_LONGEST_CSI = 64

_STRING_START = r"(?:\x1b[PX\]^_]|[\x90\x98\x9d\x9e\x9f])"
# Another beginning breaks a string off: looked through once for each, thousands within each other would take minutes.
_STRING_BODY = rf"[^\x07\x1b\x90\x98\x9c-\x9f]{{0,{_LONGEST_STRING}}}"
_CSI_START = r"(?:\x1b\[|\x9b)"
_CSI_BODY = rf"[0-?]{{0,{_LONGEST_CSI}}}[ -/]{{0,{_LONGEST_CSI}}}"

_SEQUENCE = re.compile(
    rf"{_STRING_START}{_STRING_BODY}(?:\x07|\x1b\\|\x9c)"
    rf"|{_CSI_START}{_CSI_BODY}[@-~]"
    r"|\x1b[ -/]{1,8}[0-~]"
    r"|\x1b[0-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
# The same sequences, begun and not ended: what a stream must hold back until the next piece.
_UNFINISHED = re.compile(rf"(?:{_STRING_START}{_STRING_BODY}\x1b?|{_CSI_START}{_CSI_BODY}|\x1b[ -/]{{0,8}}|\r)\Z")
_LONGEST_UNFINISHED = _LONGEST_STRING + 2 * _LONGEST_CSI + 4

_LINE_BREAK = re.compile(r"\r\n?")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ANYTHING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    r"""Remove terminal sequences and control characters; make direction changes visible.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        The same text without escape sequences and without C0 and C1 controls except ``\n`` and ``\t``; a carriage
        return counts as a line break, a bidirectional override or isolate reads as its code point, half of a surrogate
        pair becomes U+FFFD.

    Examples
    --------
    >>> clean("\x1b[31mred\x1b[0m and\r\nplain")
    'red and\nplain'
    >>> clean("user\u202enimda")
    'user[U+202E]nimda'
    """
    if not _ANYTHING.search(text):
        return text
    text = _LINE_BREAK.sub("\n", text)
    text = _SEQUENCE.sub("", text)
    text = _DIRECTION.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)
    return _SURROGATE.sub("\ufffd", text)


class PlainStream:
    r"""The same for a text that comes in pieces: a sequence cut across pieces is still removed.

    The pieces that come out, joined, are `clean` of the pieces that went in, joined.

    Examples
    --------
    >>> stream = PlainStream()
    >>> stream.feed("a\x1b[3") + stream.feed("1mb") + stream.close()
    'ab'
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take the next piece and return what can be shown now."""
        text = self._held + piece
        # Only the end can be unfinished, and only so far back; a search from there stays cheap on long texts.
        match = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_UNFINISHED))
        cut = match.start() if match else len(text)
        self._held = text[cut:]
        return clean(text[:cut])

    def close(self) -> str:
        """Return what was held back; the text is over."""
        held, self._held = self._held, ""
        return clean(held)
