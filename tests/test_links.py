"""Folders that come with somebody's project: a link in one does not lead to other files."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from jupyter_localllm.models.pull.partial import Origin, Partial

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")


@pytest.mark.filterwarnings("ignore:The cache")
def test_a_database_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """Neither the mode nor a byte of what it leads to is changed, also where that is a database."""
    victim = tmp_path / "history.sqlite"
    with sqlite3.connect(victim) as connection:
        connection.execute("create table mine (x)")
    connection.close()
    victim.chmod(0o644)
    before = victim.read_bytes()
    (tmp_path / "cache" / "answers").mkdir(parents=True)
    (tmp_path / "cache" / "answers" / "cache.db").symlink_to(victim)
    cache = AnswerCache(tmp_path / "cache")
    cache.stats()
    cache.close()
    assert (victim.read_bytes(), victim.stat().st_mode & 0o777) == (before, 0o644)


@pytest.mark.parametrize("end", [".part", ".part.json", ".part.lock"])
def test_a_file_that_is_fetched_is_not_written_through_a_link(end: str, tmp_path: Path) -> None:
    """What a link beside it leads to is neither overwritten nor made."""
    victim, new = tmp_path / "victim", tmp_path / "new"
    victim.write_text("precious")
    for number, target in enumerate((victim, new)):
        path = tmp_path / f"{number}.gguf"
        path.with_name(path.name + end).symlink_to(target)
        with Partial(path) as partial:
            partial.begin(Origin(*["x"] * len(Origin.__dataclass_fields__)), keep=False)
            partial.write(b"weights")
            partial.discard()
    assert victim.read_text() == "precious"
    assert not new.exists()
