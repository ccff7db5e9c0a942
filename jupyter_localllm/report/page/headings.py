"""The headings of a page: places to link to, and the contents made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape

from markupsafe import Markup

__all__ = ["Heading", "Headings"]

_HEADING = re.compile(r"<h(?P<level>[1-6])(?P<rest>[^>]*)>(?P<words>.*?)</h(?P=level)>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Heading:
    """A heading: its place, its words, its level (1 to 6)."""

    anchor: str
    words: str
    level: int


class Headings:
    """Gives headings their places, in the order of the page."""

    def __init__(self) -> None:
        self.found: list[Heading] = []

    def marked(self, html: Markup) -> Markup:
        """The HTML with a place at each heading.

        Parameters
        ----------
        html : Markup
            Sanitized: headings have no identifiers of their own.
        """
        return Markup(_HEADING.sub(self._one, str(html)))

    def _one(self, match: re.Match[str]) -> str:
        words = " ".join(unescape(_TAG.sub("", match["words"])).split())
        if not words:
            return match[0]
        heading = Heading(f"part-{len(self.found) + 1}", words, int(match["level"]))
        self.found.append(heading)
        return f'<h{match["level"]} id="{heading.anchor}"{match["rest"]}>{match["words"]}</h{match["level"]}>'


def contents(found: Iterable[Heading], most: int = 3) -> list[tuple[Heading, int]]:
    """The headings for the contents, each with its depth from 0; a first heading that is the page's title is left out.

    Examples
    --------
    >>> contents([Heading("a", "Sales", 1), Heading("b", "Europe", 2), Heading("c", "Asia", 2)])[0][1]
    0
    """
    listed = list(found)
    top = [heading for heading in listed if heading.level == 1]
    if len(top) == 1 and listed[0] is top[0]:
        listed = listed[1:]
    levels = sorted({heading.level for heading in listed})[:most]
    return [(heading, levels.index(heading.level)) for heading in listed if heading.level in levels]
