"""From a path to its file: found, read once, and given to whoever knows its kind.

The kind is told by the ending of the name. Nothing is guessed of what is inside, but for one thing: a file of an
unknown ending counts as text if all of it is.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import SourceError, close_match
from jupyter_localllm.sources.document.tables import hold_table
from jupyter_localllm.sources.passages_code import HeldCode
from jupyter_localllm.sources.passages_text import HeldText, text_size
from jupyter_localllm.sources.passages_values import hold_structure

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["MAX_FILE_BYTES", "decoded", "hold_file"]

MAX_FILE_BYTES = 1_000_000_000
"""Largest file that is read."""

_PROSE = frozenset({".txt", ".text", ".md", ".markdown", ".mdown", ".qmd", ".rmd", ".rst"})
_TABLES = frozenset({".csv", ".tsv", ".tab", ".parquet", ".pq"})
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".ico", ".svgz"})
# What to do with files that are neither text nor read here.
_ADVICE = {
    ".xlsx": "Read it in a cell: df = pandas.read_excel(path), and cite df.",
    ".xls": "Read it in a cell: df = pandas.read_excel(path), and cite df.",
    ".ods": "Read it in a cell: df = pandas.read_excel(path), and cite df.",
    ".feather": "Read it in a cell: df = pandas.read_feather(path), and cite df.",
    ".npy": "Read it in a cell: array = numpy.load(path), and cite array.",
    ".docx": "Save it as PDF, HTML or text, and cite that.",
    ".odt": "Save it as PDF, HTML or text, and cite that.",
    ".pptx": "Save it as PDF, and cite that.",
    ".epub": "Save it as PDF, HTML or text, and cite that.",
    ".gz": "Unpack it first.",
    ".zip": "Unpack it first, and cite a file of it.",
    ".db": "Read a table of it in a cell: df = pandas.read_sql(query, connection), and cite df.",
    ".sqlite": "Read a table of it in a cell: df = pandas.read_sql(query, connection), and cite df.",
}
_MOST_NAMES = 10_000  # files of a folder among which a close match is looked for


def hold_file(path: Path, name: str) -> Snapshot:
    """Read the file behind a path, once, and hold what is in it.

    Parameters
    ----------
    path : Path
    name : str
        How the person calls the path.

    Returns
    -------
    Snapshot

    Raises
    ------
    SourceError
        There is no such file, it is a folder, too large, or of a kind that cannot be read; says what to do.
    DependencyMissing
        The package that reads this kind is not installed.
    """
    path = _found(path, name)
    data = _read(path, name)
    ending = path.suffix.lower()
    if ending in _PICTURES:
        raise SourceError(f"{name} ({path.name}) is a picture; a text model cannot see it.", "Cite a text about it.")
    if ending in _TABLES:
        return hold_table(data, ending, path.name, name)
    held: Snapshot = _READERS.get(ending, _other)(data, path, name)
    return held


def decoded(data: bytes, path: Path, name: str) -> str:
    """Read bytes as UTF-8, with or without a byte order mark.

    Raises
    ------
    SourceError
        They are no text in UTF-8; names the line and what to do.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _wrong_encoding(path, name, "it starts with the mark of UTF-16", "utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"the byte 0x{data[error.start]:02x} in line {line:,} is none of UTF-8"
        raise _wrong_encoding(path, name, what, "latin-1") from error


def _wrong_encoding(path: Path, name: str, what: str, guess: str) -> SourceError:
    return SourceError(
        f"{name} ({path.name}) is not text in UTF-8: {what}.",
        "If it is text in another encoding, read it in a cell, and cite what comes out: "
        f'text = {name}.read_text(encoding="{guess}").',
    )


def _found(path: Path, name: str) -> Path:
    if not path.exists() and str(path).startswith("~"):
        path = path.expanduser()
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceError(f"{name}: there is no file {path}.", _nearest(path)) from error
    except OSError as error:
        raise SourceError(f"{name}: {path} cannot be read: {error.strerror or error}.") from error
    if stat.S_ISDIR(mode):
        files = sorted(entry.name for entry in _entries(path) if entry.is_file())[:5]
        hint = f"Cite a file of it, as {name} / {files[0]!r}." if files else "There is no file in it."
        raise SourceError(f"{name}: {path} is a folder, not a file.", hint)
    if not stat.S_ISREG(mode):
        raise SourceError(f"{name}: {path} is no ordinary file but a device, a pipe or the like.")
    return path


def _nearest(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder {folder} either; the notebook runs in {Path.cwd()}."
    names = [entry.name for entry in _entries(folder)]
    here = f"It was looked for in {folder.absolute()}."
    return close_match(path.name, names) or here


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [entry for entry, _ in zip(found, range(_MOST_NAMES), strict=False)]
    except OSError:
        return []


def _read(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{name}: {path} cannot be read: {error.strerror or error}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise SourceError(
            f"{name}: {path} is larger than {MAX_FILE_BYTES / 1e9:g} GB.", "Cite the part of it that matters."
        )
    return data


def _prose(data: bytes, path: Path, name: str) -> Snapshot:
    text = decoded(data, path, name)
    return HeldText(name, text_size(text), (), text)


def _python(data: bytes, path: Path, name: str) -> Snapshot:
    text = decoded(data, path, name)
    return HeldCode(name, text_size(text), (), text)


def _json(data: bytes, path: Path, name: str) -> Snapshot:
    try:
        value = json.loads(decoded(data, path, name))
    except json.JSONDecodeError as error:
        raise SourceError(
            f"{name} ({path.name}) is not JSON: {error.msg} in line {error.lineno:,}, column {error.colno:,}.",
            "Repair the file, or cite it as text: text = " + name + ".read_text().",
        ) from error
    except RecursionError as error:
        raise SourceError(f"{name} ({path.name}) is nested too deeply to be read.") from error
    return hold_structure(value, name, _size(value))


def _json_lines(data: bytes, path: Path, name: str) -> Snapshot:
    values = []
    for number, line in enumerate(decoded(data, path, name).split("\n"), 1):
        if line.strip():
            try:
                values.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise SourceError(
                    f"{name} ({path.name}) is not JSON Lines: {error.msg} in line {number:,}, column {error.colno:,}.",
                    "Repair the line, or cite the file as text: text = " + name + ".read_text().",
                ) from error
    return hold_structure(values, name, f"{len(values):,} records")


def _html(data: bytes, path: Path, name: str) -> Snapshot:
    from jupyter_localllm.sources.document.html import declared, hold_html

    charset = declared(data)
    return hold_html(data.decode(charset, "replace") if charset else decoded(data, path, name), name)


def _pdf(data: bytes, path: Path, name: str) -> Snapshot:
    from jupyter_localllm.sources.document.pdf import hold_pdf

    return hold_pdf(data, path.name, name)


def _other(data: bytes, path: Path, name: str) -> Snapshot:
    """A file of another ending: text if all of it is, and no Markdown, for ``#`` may start a comment."""
    ending = path.suffix.lower()
    if data.startswith(b"%PDF-"):
        return _pdf(data, path, name)
    if b"\0" in data[:65_536] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise SourceError(
            f"{name} ({path.name}, {len(data):,} bytes) is a binary file of a kind that is not read here.",
            _ADVICE.get(ending, "Read it in a cell with the package that knows it, and cite what comes out."),
        )
    try:
        text = decoded(data, path, name)
    except SourceError as error:
        raise SourceError(error.message, _ADVICE.get(ending, error.hint)) from error
    return HeldText(name, text_size(text), (), text, markdown=not ending)


def _size(value: Any) -> str:
    if isinstance(value, (dict, list)):
        word = "key" if isinstance(value, dict) else "item"
        return f"{len(value):,} {word}{'' if len(value) == 1 else 's'}"
    return "1 value"


_READERS: dict[str, Callable[[bytes, Path, str], Any]] = {
    **dict.fromkeys(_PROSE, _prose),
    **dict.fromkeys((".py", ".pyi"), _python),
    **dict.fromkeys((".json", ".geojson", ".ipynb"), _json),
    **dict.fromkeys((".jsonl", ".ndjson"), _json_lines),
    **dict.fromkeys((".html", ".htm", ".xhtml"), _html),
    ".pdf": _pdf,
}
