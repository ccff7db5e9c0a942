"""HTML of a notebook, made into HTML that can do nothing but be read.

What an output or a Markdown cell holds may come from anybody: no script, no style sheet, no form, no frame, no picture
but those that stand in the file itself, no address but those of plain links. bleach does the work; the page's content
security policy would stop what might get past it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from markupsafe import Markup

from jupyter_localllm.report.needed import bleach
from jupyter_localllm.show.plain import clean

__all__ = ["LONGEST", "as_pre", "is_blank", "sanitized"]

_Token = dict[str, Any]  # of html5lib

LONGEST = 300_000
"""Characters of HTML; more is left out, and said."""

_LONGEST_PRE = 20_000
_DEEPEST = 200  # elements within each other; the parser's work grows with the square of it

_TAGS = """
a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5
h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub summary sup table tbody td tfoot th thead tr
tt u ul var
"""
_WITH_CONTENT = frozenset({"script", "style"})  # they go together with what stands in them
_STYLES = ("text-align", "font-weight", "font-style", "text-decoration", "vertical-align", "white-space")
_PLAIN = frozenset({"title", "dir", "style", "colspan", "rowspan", "scope", "open", "start", "alt"})
_LINK = re.compile(r"(?:https?://|mailto:)\S*", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_ENTITY = re.compile(r"&#(?:x0*(?P<hex>[0-9a-f]{1,6})(?![0-9a-f])|0*(?P<dec>[0-9]{1,7})(?![0-9]));?", re.IGNORECASE)
_NUMBER = re.compile(
    r"\s*[-+\u2212(]?\s*[$€£¥]?\s*\d[\d.,'_\s]*(?:e[-+]?\d+)?\s*[)%$€£¥]?\s*|\s*(?:NaN|nan|None|<NA>|-|\u2013)?\s*"
)
_TAG = re.compile(r"<[^>]*>")
_EDGE = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
# Elements that nothing stands in, and those that end where the next one begins.
_NOT_NESTED = frozenset(
    [
        "br",
        "col",
        "hr",
        "img",
        "input",
        "wbr",
        "p",
        "li",
        "tr",
        "td",
        "th",
        "dt",
        "dd",
        "thead",
        "tbody",
        "tfoot",
        "option",
    ]
)


def sanitized(html: str) -> Markup:
    """The HTML without all that is alive; cells of tables that hold a number get the class ``num``.

    Parameters
    ----------
    html : str
        Anything, hostile or not.

    Raises
    ------
    DependencyMissing
        bleach is not installed.

    Examples
    --------
    >>> sanitized('<b onclick="x()">3</b><script>x()</script>')
    Markup('<b>3</b>')
    """
    if len(html) > LONGEST:
        return Markup("<p><em>{} characters of HTML are left out here.</em></p>").format(f"{len(html):,}")
    if _depth(html) > _DEEPEST:
        return as_pre(html, _LONGEST_PRE)
    try:
        return Markup(_cleaner().clean(_ENTITY.sub(_plain, clean(html))))
    except RecursionError:  # nested deeper than the parser follows
        return as_pre(html, _LONGEST_PRE)


def _plain(entity: re.Match[str]) -> str:
    """An entity, or what `clean` makes of its sign."""
    sign = chr(min(int(entity["hex"], 16) if entity["hex"] else int(entity["dec"]), 0x10FFFF))
    cleaned = clean(sign)
    return entity[0] if cleaned == sign else escape(cleaned) or "\ufffd"


def is_blank(html: str) -> bool:
    """Whether nothing would be seen.

    Examples
    --------
    >>> is_blank("<div> </div>"), is_blank("<p>x</p>")
    (True, False)
    """
    return "<img" not in html and not _TAG.sub("", html).strip()


def _depth(html: str) -> int:
    """How deep elements may stand within each other, at most."""
    deepest = depth = 0
    for edge in _EDGE.finditer(html):
        if edge[2].lower() not in _NOT_NESTED:
            depth = max(0, depth - 1) if edge[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest


@functools.lru_cache(maxsize=1)
def _cleaner() -> Any:
    library = bleach()
    return library.sanitizer.Cleaner(
        tags=frozenset(_TAGS.split()) | _WITH_CONTENT,
        attributes=_is_allowed,
        protocols=("http", "https", "mailto", "data"),
        css_sanitizer=library.css_sanitizer.CSSSanitizer(allowed_css_properties=_STYLES),
        strip=True,
        filters=[_without_content, _with_rel, _with_numbers],
    )


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return tag == "a" and _LINK.fullmatch(value) is not None
    if name == "src":
        return tag == "img" and _PICTURE.fullmatch(value) is not None
    return name in _PLAIN


def _without_content(source: Iterator[_Token]) -> Iterator[_Token]:
    """Leave scripts and style sheets out, with what stands in them; pictures without a source, too."""
    within = 0
    for token in source:
        name, kind = token.get("name"), token["type"]
        if name in _WITH_CONTENT:
            within += {"StartTag": 1, "EndTag": -1}.get(kind, 0)
        elif not within and not (name == "img" and (None, "src") not in token.get("data", {})):
            yield token


def _with_rel(source: Iterator[_Token]) -> Iterator[_Token]:
    """Let links not say where they were read."""
    for token in source:
        if token["type"] == "StartTag" and token.get("name") == "a":
            token["data"][(None, "rel")] = "noopener noreferrer nofollow"
        yield token


def _with_numbers(source: Iterator[_Token]) -> Iterator[_Token]:
    """Tell cells of tables that hold a number, and the heads of columns of them."""
    table: list[_Token] = []
    depth = 0
    for token in source:
        if token.get("name") == "table":
            depth += {"StartTag": 1, "EndTag": -1}.get(token["type"], 0)
        if not depth and not table:
            yield token
            continue
        table.append(token)
        if not depth:
            _tell_numbers(table)
            yield from table
            table = []
    yield from table


def _tell_numbers(table: list[_Token]) -> None:
    columns: dict[int, list[bool]] = {}
    heads: list[tuple[int, _Token]] = []
    at = 0
    for index, token in enumerate(table):
        if token["type"] != "StartTag":
            continue
        if token["name"] == "tr":
            at = 0
        elif token["name"] in ("td", "th"):
            if token["name"] == "th":
                heads.append((at, token))
            else:
                is_number = _NUMBER.fullmatch(_words(table, index)) is not None
                columns.setdefault(at, []).append(is_number)
                if is_number:
                    token["data"][(None, "class")] = "num"
            at += int(width) if (width := token["data"].get((None, "colspan"), "1")).isdecimal() else 1
    for at, token in heads:
        if columns.get(at) and all(columns[at]):
            token["data"][(None, "class")] = "num"


def _words(table: list[_Token], index: int) -> str:
    """The text of the cell that begins there, without runs of blanks: a pattern takes cubic time over those."""
    words = []
    for at in range(index + 1, len(table)):
        token = table[at]
        if token["type"] == "EndTag" and token["name"] in ("td", "tr", "table"):
            break
        if token["type"] in ("Characters", "SpaceCharacters"):
            words.append(token["data"])
    return " ".join("".join(words).split())


def as_pre(text: str, most: int) -> Markup:
    """A text as it was written, without what a terminal would do with it; of a very long one the beginning."""
    words = clean(text[:most])
    more = f"\n… ({len(text):,} characters)" if len(text) > most else ""
    return Markup(f"<pre>{escape(words + more, quote=False)}</pre>")
