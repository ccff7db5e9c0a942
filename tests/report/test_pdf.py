"""A page as a PDF."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest

from jupyter_localllm.errors import DependencyMissing
from jupyter_localllm.report import pdf

PAGE = "<h1>A report</h1><p>Of the night.</p>"
HOSTILE = "<script>document.body.innerHTML = 'changed'</script><img src='http://127.0.0.1:9/x.png'>"


def test_a_page_is_printed() -> None:
    """The words are in it, no script ran, and the headings are its outline."""
    try:
        made = pdf.printed(PAGE + HOSTILE)
    except DependencyMissing as error:
        pytest.skip(str(error))
    reader = pypdf.PdfReader(io.BytesIO(made))
    words = reader.pages[0].extract_text()
    assert "Of the night." in words
    assert "changed" not in words
    assert [str(one.title) for one in reader.outline if not isinstance(one, list)] == ["A report"]


def test_without_playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(DependencyMissing, match="playwright") as caught:
        pdf.check()
    assert "pip install playwright" in caught.value.hint


def test_browsers_are_tried_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright's own first, then what is on the path, then what is installed elsewhere."""
    own = tmp_path / "own"
    monkeypatch.setattr(pdf.shutil, "which", lambda name: f"/bin/{name}" if name == "google-chrome" else None)

    class Chromium:
        executable_path = str(own)

    ways: list[dict[str, Any]] = [
        {"executable_path": "/bin/google-chrome"},
        {"channel": "chrome"},
        {"channel": "msedge"},
    ]
    assert list(pdf._ways(Chromium)) == ways
    own.touch()
    assert list(pdf._ways(Chromium)) == [{}, *ways]
