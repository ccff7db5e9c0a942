"""Chromium, for the tests and for the benchmarks of the browser's half."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

__all__ = ["launched", "launched_profile"]

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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_path(), args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def launched_profile(directory: Path, **options: Any) -> Iterator[BrowserContext]:
    """A browser with one profile on a disk, closed at the end.

    Only there Chromium keeps what it has compiled of JupyterLab, which is a third of the work of opening a page.

    Parameters
    ----------
    directory : Path
    **options
        As for ``Browser.new_context``.

    Raises
    ------
    FileNotFoundError
        Chromium is not installed.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        context = chromium.launch_persistent_context(directory, executable_path=_path(), args=_FLAGS, **options)
        try:
            yield context
        finally:
            context.close()


def _path() -> str:
    path = os.environ.get("JLLM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise FileNotFoundError("Chromium is needed: `apt-get install chromium` (`make test` does it where it may).")
    return path
