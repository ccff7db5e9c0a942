"""PDF files by their pages."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

from jupyter_localllm.errors import DependencyMissing, SourceError
from jupyter_localllm.sources.document.pdf import HeldPdf
from jupyter_localllm.sources.snapshot import take_snapshot
from jupyter_localllm.types import Locator


def _write(path: Path, pages: list[str], password: str = "") -> Path:
    made = FPDF()
    made.set_font("Helvetica", size=12)
    for page in pages:
        made.add_page()
        if page:
            made.multi_cell(0, 8, page)
    if password:
        made.set_encryption("owner", password)
    made.output(str(path))
    return path


def test_passages_have_page_and_lines(tmp_path: Path) -> None:
    """A citation says where in the document it stands, and is found there again."""
    path = _write(tmp_path / "a.pdf", ["The value is 5.\nSecond line.", "", "Page three says 7."])
    held = take_snapshot(path, "doc")
    assert (held.kind, held.size) == ("pdf", "3 pages")
    passages = list(held.passages())
    assert [(p.locator.page, p.locator.lines, p.locator.label) for p in passages] == [
        (1, (1, 2), "page 1, lines 1 to 2"),
        (3, (1, 1), "page 3, line 1"),
    ]
    assert "The value is 5." in passages[0].text
    assert all(held.resolve(p.locator) == p for p in passages)
    assert list(held.passages()) == passages
    assert held.resolve(Locator(page=4, lines=(1, 1))) is None
    assert held.resolve(Locator(lines=(1, 1))) is None


def test_pages_without_text_are_told(tmp_path: Path) -> None:
    """Somebody may wonder where page 2 went."""
    held = take_snapshot(_write(tmp_path / "a.pdf", ["One.", "", "Three."]), "doc")
    assert [note.text for note in held.notes] == ["doc: page 2 without text, perhaps pictures only"]


def test_a_broken_page_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are read, and the note says which is not."""
    from pypdf import PageObject

    held = take_snapshot(_write(tmp_path / "a.pdf", ["One.", "Two.", "Three."]), "doc")
    assert isinstance(held, HeldPdf)
    read = PageObject.extract_text

    def broken(page: Any) -> str:
        if page.page_number == 1:
            raise RecursionError
        return read(page)

    monkeypatch.setattr(PageObject, "extract_text", broken)
    assert [p.locator.page for p in held.passages()] == [1, 3]
    assert [note.text for note in held.notes] == ["doc: page 2 cannot be read"]


def test_a_changed_file_has_other_hashes(tmp_path: Path) -> None:
    """And a page that did not change keeps its own."""
    before = take_snapshot(_write(tmp_path / "a.pdf", ["One.", "Two."]), "doc")
    now = take_snapshot(_write(tmp_path / "a.pdf", ["One.", "Three."]), "doc")
    assert before.sha256 != now.sha256
    first, second = before.passages()
    assert now.resolve(first.locator) == first
    found = now.resolve(second.locator)
    assert found is not None
    assert found.sha256 != second.sha256


def test_pictures_only_needs_ocr(tmp_path: Path) -> None:
    """A scan is said to be one."""
    with pytest.raises(SourceError, match=r"a\.pdf\) holds pictures only: there is no text on its 2 pages") as caught:
        take_snapshot(_write(tmp_path / "a.pdf", ["", ""]), "doc")
    assert "OCR" in caught.value.hint


def test_a_password_is_asked_for_plainly(tmp_path: Path) -> None:
    """No password is guessed but the empty one, which many files have."""
    with pytest.raises(SourceError, match="locked by a password"):
        take_snapshot(_write(tmp_path / "a.pdf", ["One."], "geheim"), "doc")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 garbage", b"not a pdf at all"])
def test_a_broken_file_is_said_to_be_broken(tmp_path: Path, content: bytes) -> None:
    """Whatever pypdf makes of it."""
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="is broken and cannot be read"):
        take_snapshot(path, "doc")


def test_a_truncated_file_is_no_other_error(tmp_path: Path) -> None:
    """A download that stopped: read as far as pypdf can repair it, or a plain word."""
    whole = _write(tmp_path / "a.pdf", ["One."] * 3).read_bytes()
    path = tmp_path / "cut.pdf"
    for size in range(0, len(whole), max(1, len(whole) // 12)):
        path.write_bytes(whole[:size])
        with contextlib.suppress(SourceError):
            list(take_snapshot(path, "doc").passages())


def test_without_pypdf_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install stands in the hint."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyMissing) as caught:
        take_snapshot(_write(tmp_path / "a.pdf", ["One."]), "doc")
    assert caught.value.hint == "pip install jupyter_localllm[pdf]"
