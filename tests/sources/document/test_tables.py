"""Files of tables become frames."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow  # noqa: F401 - one of the libraries that may be at hand
import pytest

from jupyter_localllm.errors import DependencyMissing, SourceError
from jupyter_localllm.sources.document import tables
from jupyter_localllm.sources.snapshot import take_snapshot


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(tables, "_LIBRARIES", (request.param,))
    return str(request.param)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "City,n\nRome,2\nBari,3\n"),
        ("a.csv", "\ufeffCity;n\nRome;2\nBari;3\n"),
        ("a.tsv", "City\tn\nRome\t2\nBari\t3\n"),
    ],
)
def test_a_text_table_is_a_frame(tmp_path: Path, library: str, name: str, content: str) -> None:
    """Whichever library is at hand, the cells can be cited."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    held = take_snapshot(tmp_path / name, "table")
    assert (held.kind, held.name) == ("frame", "table")
    texts = " ".join(passage.text for passage in held.passages())
    assert "Bari" in texts
    assert "\ufeff" not in texts


def test_a_parquet_file_is_a_frame(tmp_path: Path, library: str) -> None:
    """The same for the binary form."""
    pl.DataFrame({"City": ["Rome", "Bari"], "n": [2, 3]}).write_parquet(tmp_path / "a.parquet")
    held = take_snapshot(tmp_path / "a.parquet", "table")
    assert held.kind == "frame"
    assert "2 rows x 2 columns" in held.size


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n \n", "is empty"),
        ("a.csv", b"a,b\ncaf\xe9,1\n", "not text in UTF-8"),
        ("a.parquet", b"PAR1 no", "cannot be read as a table"),
    ],
)
def test_a_broken_table_is_a_plain_word(tmp_path: Path, library: str, name: str, content: bytes, why: str) -> None:
    """Each library has its own errors; ours is one."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=why) as caught:
        take_snapshot(tmp_path / name, "table")
    assert caught.value.hint


def test_the_library_in_use_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is imported while one is there."""
    taken: list[str] = []
    for known in ("pandas", "polars", "pyarrow"):
        monkeypatch.setitem(
            tables._CSV, known, lambda data, separator, known=known: taken.append(known) or pd.DataFrame({"a": [1]})
        )
    (tmp_path / "a.csv").write_text("a\n1\n")
    for known in ("pandas", "pyarrow"):
        monkeypatch.delitem(sys.modules, known)
    take_snapshot(tmp_path / "a.csv", "table")
    assert taken == ["polars"]


def test_without_any_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is a command."""
    monkeypatch.setattr(tables, "_LIBRARIES", ("no_such_library",))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(DependencyMissing) as caught:
        take_snapshot(tmp_path / "a.csv", "table")
    assert "pip install" in caught.value.hint
