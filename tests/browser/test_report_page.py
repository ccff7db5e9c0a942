"""Pages of reports in Chromium, with scripts on: nothing runs, nothing is fetched, and all of it can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_notebook
from playwright.sync_api import BrowserContext, Page

from jupyter_localllm.report.page import html
from tests.report.page.places import everywhere
from tests.report.samples import notebook
from tests.show.hostile import MARKDOWN

pytestmark = pytest.mark.browser


def opened(context: BrowserContext, made: str, path: Path) -> tuple[Page, list[str]]:
    """The page from a file, and the addresses it asked for."""
    path.write_text(made, encoding="utf-8")
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.route("http*://**", lambda route: route.abort())
    page.goto(path.as_uri())
    return page, [url for url in asked if not url.startswith(("data:", path.as_uri()))]


def test_hostile_notebook(context: BrowserContext, tmp_path: Path) -> None:
    """All that hostile text can do wherever it stands, and with code: no script runs, and no server hears of it."""
    cells = [cell for text in MARKDOWN.values() for cell in everywhere(text[:20_000]).cells]
    page, asked = opened(context, html(new_notebook(cells=cells), code=True), tmp_path / "hostile.html")
    assert page.evaluate("() => window.pwned") is None
    assert asked == []
    assert page.locator("article.answer").count() > len(MARKDOWN)
    assert page.locator("script, iframe, form, svg, object, link").count() == 0
    page.close()


def test_it_can_be_read(context: BrowserContext, tmp_path: Path, pictures: Path) -> None:
    """On wide and narrow screens nothing sticks out, marks lead to their source and back, light and dark."""
    page, _ = opened(context, html(notebook(), code=True), tmp_path / "page.html")
    for scheme, width in (("light", 1250), ("dark", 1250), ("light", 390)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=pictures / f"report-{scheme}-{width}.png", full_page=True)
    page.locator("a.mark").first.click()
    note = page.locator(".notes li:target")
    assert "Berlin" in note.inner_text()
    note.locator(".verdict a").first.click()
    assert page.locator("article.answer a.mark:target").count() == 1
    page.close()
