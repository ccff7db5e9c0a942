"""JupyterLab in Chromium for the tests: the fixture `lab`.

The browser is Debian's ``chromium`` (``JLLM_CHROMIUM`` names another one), driven by the PyPI package ``playwright``.
Server and browser end with this folder: while Playwright's synchronous interface is awake, its event loop counts
as running in the main thread, and ``asyncio.run`` of other tests would refuse to work.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error

from .lab import Lab
from .launch import launched_profile
from .server import LABEXTENSION, Server, running_server


@pytest.fixture(scope="package")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Chromium, with its first page, which stays empty."""
    with launched_profile(
        tmp_path_factory.mktemp("chromium"),
        viewport={"width": 1200, "height": 900},
        service_workers="block",
        permissions=["clipboard-read", "clipboard-write"],
    ) as context:
        yield context


@pytest.fixture(scope="package")
def jupyter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not (LABEXTENSION / "package.json").exists():
        pytest.fail("The labextension is not built: `cd labextension && npm ci && npm run build:prod`.")
    # As in tests/conftest.py: two threads and Chromium do not share two cores, and speeds have tests of their own.
    env = {"JUPYTER_LOCALLLM_N_THREADS": "1", "JUPYTER_LOCALLLM_CALIBRATE": "false"}
    with running_server(tmp_path_factory.mktemp("jupyter") / "home", env) as server:
        yield server


@pytest.fixture
def context(profile: BrowserContext, jupyter_server: Server) -> Iterator[BrowserContext]:
    """The browser for one test: its pages are closed afterwards, and nothing that they stored is left."""
    yield profile
    first, *others = profile.pages
    for page in others:
        page.close()
    profile.clear_cookies()
    stored = "local_storage,indexeddb,cache_storage,websql,file_systems,service_workers"
    origin = jupyter_server.url.rstrip("/")
    profile.new_cdp_session(first).send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": stored})


@pytest.fixture
def lab(context: BrowserContext, jupyter_server: Server) -> Iterator[Lab]:
    """A fresh page with JupyterLab; `Lab.open` opens a notebook in it."""
    lab = Lab(context, jupyter_server)
    yield lab
    with contextlib.suppress(Error):  # the page may not have got that far
        lab.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go; ``JLLM_PICTURES`` names a directory to keep them in."""
    directory = Path(os.environ.get("JLLM_PICTURES") or tmp_path / "pictures")
    directory.mkdir(parents=True, exist_ok=True)
    return directory
