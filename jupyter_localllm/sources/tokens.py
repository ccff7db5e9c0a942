"""Words of names, cells and questions, in a form in which they can be compared."""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["alike", "fold", "pieces", "stem", "stems", "tokens", "unspaced"]

# Scripts that are written without spaces, of which each character is a token: kana, Chinese, Hangul (whose words end in
# particles), Thai and Lao, Burmese, Khmer.
_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
# Marks that stand behind a letter and belong to it: diacritics, Hebrew and Arabic points, the vowels of Indian scripts.
_MARK = "[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]|(?!\\d)[\u0900-\u0963\u0971-\u0dff]"
_CAMEL = re.compile(r"(?<=[a-z\u00df-\u00ff])(?=[A-Z])")
_TOKEN = re.compile(rf"\d{{4}}-\d\d-\d\d(?!\d)|[{_WIDE}]|\d+(?:[.,]\d+)*|(?:[^\W\d_{_WIDE}](?:{_MARK})*)+")
_UNSPACED = re.compile(f"[{_WIDE}]")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def fold(text: str) -> str:
    """Lower case without diacritics.

    Examples
    --------
    >>> fold("Größte ÉTÉ")
    'grosste ete'
    """
    if text.isascii():
        return text.lower()
    cased = unicodedata.normalize("NFKD", text).casefold()  # a letter of mathematics has a case once it is plain
    plain = unicodedata.normalize("NFKD", cased)
    return unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))


def tokens(text: str) -> list[str]:
    """Words and numbers in their order; identifiers are split, thousands are written without separators.

    A date in ISO 8601 is one token.

    Examples
    --------
    >>> tokens("unitPrice_EUR of 1,234 pieces")
    ['unit', 'price', 'eur', 'of', '1234', 'pieces']
    """
    return [_plain(piece) for piece in pieces(text)]


def pieces(text: str) -> list[str]:
    """The same as they are written.

    Examples
    --------
    >>> pieces("unitPrice in the US")
    ['unit', 'Price', 'in', 'the', 'US']
    """
    if text.isascii():
        return _TOKEN.findall(_CAMEL.sub(" ", text))
    # A letter and its mark are one character or two; a mark that stands alone is no word.
    found = _TOKEN.findall(_CAMEL.sub(" ", unicodedata.normalize("NFC", text)))
    return [piece for piece in found if _plain(piece)]


def unspaced(letter: str) -> bool:
    """Whether a character is of a script that is written without spaces, so that it is a token by itself.

    Examples
    --------
    >>> unspaced("語"), unspaced("ก"), unspaced("a")
    (True, True, False)
    """
    return _UNSPACED.match(letter) is not None


def _plain(token: str) -> str:
    if token[0].isdigit():
        return token.replace(",", "") if _GROUPED.fullmatch(token) else token
    return fold(token)


@functools.lru_cache(maxsize=65_536)
def stem(token: str) -> str:
    """Cut off the plural's s, which several languages have; nothing more, so that names stay apart.

    Examples
    --------
    >>> stem("cities"), stem("boxes"), stem("points"), stem("boss")
    ('city', 'box', 'point', 'boss')
    """
    if len(token) > 4 and token.endswith("ies"):
        return token[:-3] + "y"
    if len(token) > 4 and token.endswith(("sses", "ches", "shes", "xes")):
        return token[:-2]
    if len(token) > 3 and token.endswith("s") and not token.endswith("ss"):
        return token[:-1]
    return token


def stems(text: str) -> frozenset[str]:
    """The stems of a text's words.

    Examples
    --------
    >>> stems("Prices of houses") == {stem("price"), stem("of"), stem("house")}
    True
    """
    return frozenset(map(stem, tokens(text)))


def alike(one: str, other: str) -> float:
    """How much two stems are forms of one word: 1 if they are the same, 0.7 if one begins like the other.

    Examples
    --------
    >>> alike("population", "population"), alike("attend", "attendance"), alike("car", "cat")
    (1.0, 0.7, 0.0)
    """
    if one == other:
        return 1.0
    shorter = min(len(one), len(other))
    same = 0
    while same < shorter and one[same] == other[same]:
        same += 1
    if same < 4:
        return 0.0
    if same == shorter and abs(len(one) - len(other)) <= 4:
        return 0.7
    return 0.7 if same >= 0.7 * max(len(one), len(other)) else 0.0
