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

from jupyter_localllm.errors import DependencyMissing
from jupyter_localllm.show.plain import clean

__all__ = ["LONGEST", "is_blank", "sanitized"]

LONGEST = 2_000_000
"""Characters of HTML; more is left out, and said."""

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
_NUMBER = re.compile(
    r"\s*[-+\u2212(]?\s*[$€£¥]?\s*\d[\d.,'_\s]*(?:e[-+]?\d+)?\s*[)%$€£¥]?\s*|\s*(?:NaN|nan|None|<NA>|-|\u2013)?\s*"
)
_TAG = re.compile(r"<[^>]*>")


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
    try:
        return Markup(_cleaner().clean(clean(html)))
    except RecursionError:  # nested deeper than the parser follows
        return Markup("<pre>{}</pre>").format(clean(html))


def is_blank(html: str) -> bool:
    """Whether nothing would be seen.

    Examples
    --------
    >>> is_blank("<div> </div>"), is_blank("<p>x</p>")
    (True, False)
    """
    return "<img" not in html and not _TAG.sub("", html).strip()


@functools.lru_cache(maxsize=1)
def _cleaner() -> Any:
    try:
        from bleach.css_sanitizer import CSSSanitizer
        from bleach.sanitizer import Cleaner
    except ImportError:
        raise DependencyMissing("bleach is not installed", 'Run: pip install "jupyter_localllm[report]"') from None
    return Cleaner(
        tags=frozenset(_TAGS.split()) | _WITH_CONTENT,
        attributes=_is_allowed,
        protocols=("http", "https", "mailto", "data"),
        css_sanitizer=CSSSanitizer(allowed_css_properties=_STYLES),
        strip=True,
        filters=[_without_content, _with_numbers],
    )


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return tag == "a" and _LINK.fullmatch(value) is not None
    if name == "src":
        return tag == "img" and _PICTURE.fullmatch(value) is not None
    return name in _PLAIN


def _without_content(source: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Leave scripts and style sheets out, with what stands in them; pictures without a source, too."""
    within = 0
    for token in source:
        name, kind = token.get("name"), token["type"]
        if name in _WITH_CONTENT:
            within += {"StartTag": 1, "EndTag": -1}.get(kind, 0)
        elif not within and not (name == "img" and (None, "src") not in token.get("data", {})):
            yield token


def _with_numbers(source: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Tell cells that hold a number, and let links not say where they were read."""
    cell: list[dict[str, Any]] = []
    for token in source:
        name, kind = token.get("name"), token["type"]
        if kind == "StartTag" and name == "a":
            token["data"][(None, "rel")] = "noopener noreferrer nofollow"
        if kind == "StartTag" and name == "td":
            yield from cell
            cell = [token]
        elif cell:
            cell.append(token)
            if kind == "EndTag" and name == "td":
                words = "".join(one.get("data", "") for one in cell if one["type"] in ("Characters", "SpaceCharacters"))
                if _NUMBER.fullmatch(words):
                    cell[0]["data"][(None, "class")] = "num"
                yield from cell
                cell = []
        else:
            yield token
    yield from cell


def as_pre(text: str, most: int) -> Markup:
    """A text as it was written, without what a terminal would do with it; of a very long one the beginning."""
    words = clean(text[:most])
    more = f"\n… ({len(text):,} characters)" if len(text) > most else ""
    return Markup(f"<pre>{escape(words + more, quote=False)}</pre>")
