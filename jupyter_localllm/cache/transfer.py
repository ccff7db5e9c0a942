"""The cache as a text file that one can commit, and back.

JSON Lines in UTF-8. The first line names the format, its version and the sha256 of the models; each other line is an
answer, in order of digests, in canonical JSON. Nothing in it depends on when or how fast an answer was made, so two
exports of the same answers are the same bytes, and a changed answer is one changed line in a diff.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from jupyter_localllm.cache.answers import AnswerCache
from jupyter_localllm.cache.canonical import canonical, parse
from jupyter_localllm.cache.entry import Entry
from jupyter_localllm.cache.key import AnswerKey
from jupyter_localllm.cache.plain import from_plain, to_plain
from jupyter_localllm.errors import CacheError

__all__ = ["ImportCounts", "export", "import_"]

_FORMAT = "jupyter_localllm answers"
_VERSION = 1
_LINE = 16 << 20  # bytes; as large as an entry may be
_FILE = 1 << 30
_LINES = 1_000_000
_MODELS = 1_000
_NAME = 256  # characters of a model's name or hash


@dataclass(frozen=True)
class ImportCounts:
    """What became of the answers in a file.

    Parameters
    ----------
    added : int
        Were not in the cache.
    same : int
        Were there already.
    kept : int
        Other answers to the same question are in the cache, and stay.
    replaced : int
        Other answers to the same question were in the cache, and gave way (``replace=True``).
    models : int
        Models whose sha256 was not known here.
    """

    added: int = 0
    same: int = 0
    kept: int = 0
    replaced: int = 0
    models: int = 0


@dataclass(frozen=True)
class _Header:
    format: str
    version: int
    models: Mapping[str, str]


def export(cache: AnswerCache, path: str | os.PathLike[str]) -> int:
    """Write all answers into a text file; one that is there is replaced when the new one is complete.

    Returns
    -------
    int
        How many answers.

    Raises
    ------
    CacheError
        The cache cannot be read, or the file not written.
    """
    target = Path(path).expanduser()
    try:
        target = Path(os.path.realpath(target))  # a link is followed, not replaced
        if target.exists() and not target.is_file():
            raise CacheError(f"The answers cannot be written to {target}: it is no regular file.")
        with _replacing(target) as file, tempfile.TemporaryFile(dir=target.parent) as lines:
            # The header knows the models only when all answers have been seen; they wait in a file, not in memory, and
            # beside the target: where there is room for it.
            used: set[str] = set()
            count = 0
            for digest, entry in cache.entries():
                lines.write(canonical(_line(digest, entry)) + b"\n")
                used.add(entry.key_document["model_sha256"])
                count += 1
            models = {name: sha256 for name, sha256 in cache.models().items() if sha256 in used}
            file.write(canonical(to_plain(_Header(_FORMAT, _VERSION, models))) + b"\n")
            lines.seek(0)
            shutil.copyfileobj(lines, file)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        raise CacheError(f"The answers could not be written to {target}: {error}.") from None
    return count


def import_(cache: AnswerCache, path: str | os.PathLike[str], *, replace: bool = False) -> ImportCounts:
    """Take in the answers of a file that `export` wrote.

    The whole file is checked before anything of it is taken in.

    Parameters
    ----------
    cache : AnswerCache
    path : path
    replace : bool
        Whether an answer of the file takes the place of another answer to the same question. By default the one in the
        cache stays.

    Raises
    ------
    CacheError
        The file is not such a file, is of another version, is damaged (the line is named), or the cache cannot be
        written.
    """
    source = Path(path).expanduser()
    try:
        _check_file(source)
        header = _read_header(source)
        for _ in _read_answers(source):
            pass
        counts = dict.fromkeys(("added", "same", "kept", "replaced"), 0)
        for entry in _read_answers(source):
            counts[_take_in(cache, entry, replace)] += 1
    except OSError as error:
        raise CacheError(f"The file {source} cannot be read: {error}.") from None
    return ImportCounts(**counts, models=_remember(cache, header))


def _line(digest: str, entry: Entry) -> dict[str, Any]:
    durable = entry.durable()
    return {"digest": digest, "document": durable.key_document, "answer": durable.to_plain()}


def _take_in(cache: AnswerCache, entry: Entry, replace: bool) -> str:
    key = AnswerKey(entry.digest, entry.key_document)
    here = cache.peek(key)
    if here is not None:
        if here.durable() == entry:
            return "same"
        if not replace:
            return "kept"
    if not cache.put(key, entry):
        raise CacheError(f"The answer {key.digest[:12]} could not be written to the cache.", "Nothing after it was.")
    return "added" if here is None else "replaced"


def _remember(cache: AnswerCache, header: _Header) -> int:
    # What this machine knows of its own files counts more than what a file from elsewhere says.
    new = {name: sha256 for name, sha256 in header.models.items() if cache.model_sha256(name) is None}
    for name, sha256 in new.items():
        cache.remember_model(name, sha256)
    return len(new)


# ---------------------------------------------------------------------------------------------------------------------
# Reading a file that anybody may have written


def _check_file(path: Path) -> None:
    if not path.is_file():  # reading a pipe or a device could last for ever
        raise CacheError(f"There is no file {path}.")
    size = path.stat().st_size
    if size > _FILE:
        raise CacheError(f"The file {path} has {size:,} bytes; {_FILE:,} are the most an export may have.")


def _read_header(path: Path) -> _Header:
    with open(path, "rb") as stream, _named(path, 1):
        return _header(stream.readline(_LINE))


def _read_answers(path: Path) -> Iterator[Entry]:
    with open(path, "rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(_LINE + 1), b""), start=1):
            with _named(path, number):
                if len(line) > _LINE or number > _LINES:
                    raise CacheError("The file is larger than an export may be.")
                entry = _answer(line) if number > 1 else None
            if entry is not None:
                yield entry


@contextlib.contextmanager
def _named(path: Path, number: int) -> Iterator[None]:
    try:
        yield
    except CacheError as error:
        hint = error.hint or "Export the answers again, or take the file from its last good version."
        raise CacheError(f"{path}, line {number}: {error.message}", hint) from None


def _header(line: bytes) -> _Header:
    data = parse(line)
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise CacheError("This is not an export of jupyter_localllm.")
    if data.get("version") != _VERSION:
        raise CacheError(
            f"The export has version {str(data.get('version'))[:20]}; what is installed here reads {_VERSION}.",
            "Export the answers again with the version that is installed here.",
        )
    header = from_plain(_Header, data, "header")
    if len(header.models) > _MODELS or any(len(text) > _NAME for pair in header.models.items() for text in pair):
        raise CacheError("The names of the models are more or longer than an export may have.")
    return header


def _answer(line: bytes) -> Entry:
    data = parse(line)
    if not isinstance(data, dict) or set(data) != {"digest", "document", "answer"}:
        raise CacheError("This is not an answer.")
    entry = Entry.from_plain(data["document"], data["answer"])
    if entry.digest != data["digest"]:
        raise CacheError("The digest does not belong to the document: the line was changed.")
    if entry.result.finish_reason == "interrupted":
        raise CacheError("An interrupted answer is none.")
    # Whatever else was in it: what is taken in is what an export of it would hold.
    return entry.durable()


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """Open a new file that becomes the target at the end, or is deleted."""
    # Not by tempfile: its files are private, and an export is made to be shared.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as stream:
            yield stream
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
