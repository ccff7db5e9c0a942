"""A page as a browser would take it apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Page", "read"]

_EMPTY = {"meta", "br", "hr", "img", "col"}


@dataclass
class Page:
    """What stands in a page."""

    tags: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""
    open: list[str] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value for _, attribute, value in self.attributes if attribute == name]


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.add(tag)
        self.page.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _EMPTY:
            self.page.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.page.open:
            while self.page.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.page.open:
            self.page.text += data


def read(html: str) -> Page:
    page = Page()
    _Reader(page).feed(html)
    return page
