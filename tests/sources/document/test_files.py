"""From a path to what is in its file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path, PurePosixPath

import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources import render_for_prompt
from jupyter_localllm.sources.document import files
from jupyter_localllm.sources.snapshot import Snapshot, take_snapshot


def _hold(folder: Path, name: str, content: str | bytes) -> Snapshot:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return take_snapshot(path, "path")


def _texts(held: Snapshot) -> list[str]:
    return [passage.text for passage in held.passages()]


@pytest.mark.parametrize(
    ("name", "content", "kind", "texts"),
    [
        ("a.md", "# T\nhello there", "text", ["T: hello there"]),
        ("a.txt", "one.\r\ntwo.\r\n\r\nthree.", "text", ["one.\r\ntwo.", "three."]),
        ("A.TXT", b"\xef\xbb\xbfwith a mark", "text", ["with a mark"]),
        ("a.yaml", "# comment\na: 1\n", "text", ["# comment\na: 1"]),
        ("README", "# Title\ntext", "text", ["Title: text"]),
        ("a.py", "def f():\n    return 1\n", "code", ["f:\ndef f():\n    return 1"]),
        ("a.json", '{"a": {"b": [1, 2]}}', "structure", ["a > b: 1, 2"]),
        ("a.json", "3", "structure", ["path: 3"]),
        ("a.jsonl", '{"n": "x"}\n\n{"n": "y"}\n', "structure", ["n of x: x", "n of y: y"]),
        ("a.html", "<p>hello</p>", "html", ["hello"]),
    ],
)
def test_each_ending_is_read_as_what_it_is(
    tmp_path: Path, name: str, content: str | bytes, kind: str, texts: list[str]
) -> None:
    """Text as text, code as code, JSON by its pointers."""
    held = _hold(tmp_path, name, content)
    assert held.kind == kind
    assert held.name == "path"
    assert _texts(held) == texts


def test_a_path_in_a_prompt_stays_a_name(tmp_path: Path) -> None:
    """Only as a source does a path mean its file."""
    path = tmp_path / "a.txt"
    path.write_text("content")
    assert render_for_prompt(path).text == str(path)
    assert _texts(take_snapshot({"file": path}, "it")) == [f"file: {path}"]


@pytest.mark.skipif(os.name == "nt", reason="the path is one of another system there")
def test_a_pure_path_means_its_file_too(tmp_path: Path) -> None:
    """Whatever class a path is of."""
    (tmp_path / "a.txt").write_text("it is here.")
    assert _texts(take_snapshot(PurePosixPath(tmp_path / "a.txt"), "p")) == ["it is here."]


def test_secrets_of_a_json_file_are_left_out(tmp_path: Path) -> None:
    """A file is a structure like any other."""
    held = _hold(tmp_path, "config.json", json.dumps({"db": {"password": "x", "host": "h"}}))
    assert _texts(held) == ["db > host: h"]
    assert [note.code for note in held.notes] == ["secret"]


def test_the_file_is_read_once(tmp_path: Path) -> None:
    """What was read stays, whatever becomes of the file."""
    held = _hold(tmp_path, "a.txt", "before.")
    (tmp_path / "a.txt").unlink()
    assert _texts(held) == ["before."]


@pytest.mark.parametrize(
    ("name", "content", "why", "hint"),
    [
        ("a.json", "{'a': 1}", "is not JSON: ", "as text"),
        ("a.json", "[" * 100_000, "", ""),
        ("a.jsonl", '{"a": 1}\nnot\n', "in line 2", "as text"),
        ("a.txt", b"one\ncaf\xe9\n", "the byte 0xe9 in line 2", 'path.read_text(encoding="latin-1")'),
        ("a.txt", "é".encode("utf-16"), "UTF-16", 'path.read_text(encoding="utf-16")'),
        ("a.bin", b"a\0b", "binary file of a kind", "in a cell"),
        ("a.xlsx", b"PK\x03\x04\0\0", "binary file of a kind", "read_excel"),
        ("a.docx", b"PK\x03\x04\xff\xfe", "not text in UTF-8", "Save it as PDF"),
        ("a.png", b"\x89PNG", "is a picture", "text about it"),
        ("a.zip", b"PK\0", "binary file", "Unpack"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, content: str | bytes, why: str, hint: str) -> None:
    """The place of the fault and what to do, in plain words."""
    with pytest.raises(SourceError) as caught:
        _hold(tmp_path, name, content)
    assert why in caught.value.message
    assert name in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    """A typo is found."""
    (tmp_path / "report_2024.md").write_text("x")
    with pytest.raises(SourceError, match="there is no file") as caught:
        take_snapshot(tmp_path / "reprot_2024.md", "path")
    assert caught.value.hint == "Did you mean report_2024.md?"
    with pytest.raises(SourceError, match="there is no file") as caught:
        take_snapshot(tmp_path / "zzz", "path")
    assert str(tmp_path) in caught.value.hint
    with pytest.raises(SourceError, match="there is no file") as caught:
        take_snapshot(tmp_path / "no" / "zzz", "path")
    assert "There is no folder" in caught.value.hint


def test_a_folder_is_refused_and_says_what_is_in_it(tmp_path: Path) -> None:
    """Which file is meant is the person's to say."""
    with pytest.raises(SourceError, match="is a folder") as caught:
        take_snapshot(tmp_path, "path")
    assert "no file in it" in caught.value.hint
    (tmp_path / "b.txt").write_text("x")
    with pytest.raises(SourceError, match="is a folder") as caught:
        take_snapshot(tmp_path, "path")
    assert "'b.txt'" in caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
def test_a_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    """Nobody writes to it, so reading would wait for ever."""
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(SourceError, match="no ordinary file"):
        take_snapshot(tmp_path / "pipe.txt", "path")


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is said."""
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 10)
    assert _texts(_hold(tmp_path, "a.txt", "0123456 89"))
    with pytest.raises(SourceError, match="larger than"):
        _hold(tmp_path, "a.txt", "0123456 890")
