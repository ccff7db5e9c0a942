"""PDF files: the text of each page, read with pypdf when it is asked for."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jupyter_localllm.errors import DependencyMissing, LocalLLMError, SourceError
from jupyter_localllm.sources.held import Held, plural
from jupyter_localllm.sources.passages_text import HeldText
from jupyter_localllm.types import Locator, Note, Passage

__all__ = ["HeldPdf", "hold_pdf"]

_SHOWN = 8  # pages that a note names


@dataclass(frozen=True)
class HeldPdf(Held):
    """A PDF file, kept as its bytes.

    Parameters
    ----------
    data : bytes
    reader : pypdf.PdfReader
    """

    data: bytes = field(repr=False)
    reader: Any = field(repr=False, compare=False)
    _read: dict[int, HeldText | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def kind(self) -> str:
        """Say ``"pdf"``."""
        return "pdf"

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return len(self.reader.pages)

    def passages(self) -> Iterator[Passage]:
        """Paragraphs of each page; a page is read when its turn comes."""
        for number in range(1, self.pages + 1):
            page = self.page(number)
            if page is not None:
                yield from page.passages()

    def resolve(self, locator: Locator) -> Passage | None:
        """The paragraph on this page in these lines."""
        if locator.page is None or not 0 < locator.page <= self.pages:
            return None
        page = self.page(locator.page)
        return page.resolve(locator) if page is not None else None

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What people must be told, pages that could not be read among it."""
        told = super().notes
        broken = [number for number, page in self._read.items() if page is None]
        blank = [number for number, page in self._read.items() if page is not None and not page.text.strip()]
        for numbers, what in ((broken, "cannot be read"), (blank, "without text, perhaps pictures only")):
            if numbers:
                told = (*told, Note("skipped", f"{self.name}: {_pages(sorted(numbers))} {what}"))
        return told

    def page(self, number: int) -> HeldText | None:
        """The text of a page, counted from 1; None if it is broken."""
        if number not in self._read:
            try:
                with _quiet():
                    text = self.reader.pages[number - 1].extract_text()
            except Exception:  # a broken page raises anything; the others are not lost for it
                self._read[number] = None
            else:
                self._read[number] = HeldText(self.name, "", (), text, markdown=False, page=number)
        return self._read[number]


def hold_pdf(data: bytes, file: str, name: str) -> HeldPdf:
    """Hold a PDF file.

    Parameters
    ----------
    data : bytes
        The whole file.
    file, name : str
        Name of the file, and of the variable.

    Raises
    ------
    SourceError
        It is broken, locked by a password, or holds pictures only.
    DependencyMissing
        pypdf is not installed.
    """
    if importlib.util.find_spec("pypdf") is None:
        raise DependencyMissing(
            f"{name} ({file}) is a PDF file, and pypdf is not installed to read it.",
            "pip install jupyter_localllm[pdf]",
        )
    who = f"{name} ({file})"
    try:
        with _quiet():
            reader = _opened(data, who)
            held = HeldPdf(name, plural(len(reader.pages), "page"), (), data, reader)
    except LocalLLMError:
        raise
    except Exception as error:  # what a broken file makes pypdf raise is of many types
        raise SourceError(
            f"{who} is broken and cannot be read as a PDF file: {str(error) or type(error).__name__}",
            "Open it in a viewer and save it again.",
        ) from error
    if not any(page is not None and page.text.strip() for page in map(held.page, range(1, held.pages + 1))):
        raise SourceError(
            f"{who} holds pictures only: there is no text on its {held.size}.",
            "Run OCR over it first (for example ocrmypdf in.pdf out.pdf), and cite what comes out.",
        )
    return held


def _opened(data: bytes, who: str) -> Any:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        try:
            opened = reader.decrypt("")  # many files are encrypted with no password, and forbid only printing
        except DependencyError as error:
            raise SourceError(f"{who} is encrypted with AES.", "pip install cryptography") from error
        if not opened:
            raise SourceError(f"{who} is locked by a password.", "Save a copy without the password, and cite that.")
    return reader


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pypdf's warnings about small faults of a file out of the cell."""
    import warnings

    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _pages(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"page {numbers[0]}"
    some = ", ".join(map(str, numbers[:_SHOWN]))
    return f"pages {some}{f' and {len(numbers) - _SHOWN:,} more' if len(numbers) > _SHOWN else ''}"
