"""Chromium, for the tests and for the benchmarks of the browser's half."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

__all__ = ["launched"]

_FLAGS = [
    "--no-sandbox",  # the tests may run as root in a container
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--disable-component-update",
    "--no-pings",
]


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser, closed at the end.

    Raises
    ------
    FileNotFoundError
        Chromium is not installed.
    """
    path = os.environ.get("JLLM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise FileNotFoundError("Chromium is needed: `apt-get install chromium` (`make test` does it where it may).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
