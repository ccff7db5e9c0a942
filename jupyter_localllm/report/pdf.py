"""A page as a PDF, printed by a Chromium that has neither scripts nor a network."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from jupyter_localllm.errors import DependencyMissing

__all__ = ["check", "printed"]

_T = TypeVar("_T")
_LIMIT_MS = 120_000
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_CHANNELS = ("chrome", "msedge")  # as installed on Windows and macOS, where they are not on the path
_HOW = "Run: pip install playwright, and: playwright install chromium. A Chromium or Chrome of the system will do, too."


def check() -> None:
    """Start the browser once.

    Raises
    ------
    DependencyMissing
        There is none; the hint names the commands.
    """
    _apart(_started)


def printed(html: str) -> bytes:
    """Print a page.

    Parameters
    ----------
    html : str
        It must hold all that it needs: nothing is fetched, and no script runs.

    Raises
    ------
    DependencyMissing
        There is no browser.
    """
    return _apart(lambda: _printed(html))


def _apart(work: Callable[[], _T]) -> _T:
    """Do it in a thread of its own: playwright refuses one in which an event loop runs, as in a notebook."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _started() -> None:
    with _browser():
        pass


def _printed(html: str) -> bytes:
    with _browser() as browser:
        context = browser.new_context(java_script_enabled=False, offline=True)
        page = context.new_page()
        page.route("**/*", lambda route: route.abort())
        page.set_content(html, wait_until="load", timeout=_LIMIT_MS)
        pdf: bytes = page.pdf(format="A4", print_background=True, prefer_css_page_size=True, tagged=True, outline=True)
        return pdf


@contextlib.contextmanager
def _browser() -> Iterator[Any]:
    with DependencyMissing.unless_imported("a PDF needs playwright", _HOW):
        from playwright.sync_api import Error, sync_playwright
    with sync_playwright() as playwright:
        for way in _ways(playwright.chromium):
            try:
                browser = playwright.chromium.launch(**way)
            except Error:  # of another system, or without its libraries: the next one may do
                continue
            with contextlib.closing(browser):
                yield browser
            return
        raise DependencyMissing("a PDF needs a browser that prints it, and no Chromium was found", _HOW)


def _ways(chromium: Any) -> Iterator[dict[str, str]]:
    """How a Chromium may be started here: playwright's own first."""
    if Path(chromium.executable_path).exists():
        yield {}
    yield from ({"executable_path": path} for name in _NAMES if (path := shutil.which(name)))
    yield from ({"channel": name} for name in _CHANNELS)
