"""The index in SQLite's FTS5."""

from __future__ import annotations

import _thread
import gc
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.select import FullText, PlainIndex, new_index
from jupyter_localllm.sources.select import fulltext as module
from tests.sources.select.index_contract import IndexContract, many, passages

pytestmark = pytest.mark.skipif(not module.has_fts5(), reason="this SQLite has no FTS5")


class TestFullText(IndexContract):
    """It keeps the contract."""

    @pytest.fixture
    def index(self) -> Iterator[FullText]:
        made = FullText()
        yield made
        made.close()


class TestFullTextInAFile(IndexContract):
    """It keeps the contract when nearly nothing may stay in memory."""

    @pytest.fixture
    def index(self) -> Iterator[FullText]:
        made = FullText(memory_bytes=64 * 1024)
        yield made
        made.close()


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(max_size=60), max_size=8), question=st.text(max_size=60))
def test_finds_what_plain_python_finds(texts: list[str], question: str) -> None:
    """Any texts and any question: the same passages with the same scores from both indexes."""
    fulltext, plain = FullText(), PlainIndex()
    fulltext.add(passages(texts))
    plain.add(passages(texts))
    assert fulltext.search(question, 5) == plain.search(question, 5)
    fulltext.close()


def test_without_fts5_python_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite that cannot search texts is no reason to refuse."""
    monkeypatch.setattr(module, "has_fts5", lambda: False)
    assert isinstance(new_index(), PlainIndex)


@pytest.mark.skipif(sys.platform == "win32", reason="SQLite's variable for the directory is of Unix")
def test_no_file_is_left(tmp_path: Path) -> None:
    """What does not fit in memory goes to a file without a name: even a killed process leaves nothing behind."""
    code = (
        "import os, sys\n"
        "from jupyter_localllm.sources.select import FullText\n"
        "from jupyter_localllm.types import Passage\n"
        "index = FullText(memory_bytes=64 * 1024)\n"
        "index.add(Passage('s', 'text', f'word{n} and {n * n}') for n in range(5000))\n"
        "assert index.search('word77', 3)[0].order == 77\n"
        "print(index.bytes, os.listdir(os.environ['SQLITE_TMPDIR']))\n"
        "sys.stdout.flush()\n"
        "os._exit(9)\n"
    )
    environment = {**os.environ, "SQLITE_TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 9, done.stderr
    size, listed = done.stdout.split(" ", 1)
    assert int(size) > 64 * 1024
    assert listed.strip() == "[]"
    assert os.listdir(tmp_path) == []


def test_memory_is_bounded_and_nothing_is_written_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the working directory nor Python's temporary directory gets a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    index = FullText(memory_bytes=64 * 1024)
    index.add(many(3000))
    assert os.listdir(tmp_path) == []
    index.close()


def test_garbage_collection_closes_it() -> None:
    """An index that nobody holds gives its memory and file back."""
    index = FullText()
    finalizer = index._finalizer
    assert finalizer.alive
    del index
    gc.collect()
    assert not finalizer.alive


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt reaches a thread that is in SQLite on Unix only")
def test_a_long_query_is_interrupted() -> None:
    """An interrupt while SQLite is at work is heard as one, and the index goes on working."""
    index = FullText()
    index.add(many(20_000))
    begun = threading.Event()
    heard = threading.Event()

    def interrupt() -> None:
        begun.wait()
        if not heard.wait(0.02):
            _thread.interrupt_main()

    def ask_for_ever() -> None:
        begun.set()
        while True:
            index.candidates(["population"], 10)

    helper = threading.Thread(target=interrupt)
    helper.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ask_for_ever()
    finally:
        heard.set()
        helper.join()
    assert index.search("population", 1)
    index.close()


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database cannot grow, the reader learns how far it came and what to do, and the index is closed."""
    index = FullText()
    index._database.execute("PRAGMA max_page_count = 40")
    with pytest.raises(SourceError, match=r"cannot be written or read: database or disk is full") as caught:
        index.add(many(10_000))
    assert "Free some space" in caught.value.hint
    with pytest.raises(SourceError, match="closed"):
        index.search("x", 1)
