from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache
from tests.cache.hostile import bomb, plant
from tests.cache.samples import entry, key


def test_it_is_a_mapping(cache: AnswerCache) -> None:
    """Other rooms use it as any mapping of text to text."""
    memo = cache.memo
    assert dict(memo) == {}
    memo["b"] = "1"
    memo["a"] = "2"
    memo["b"] = "3"
    assert dict(memo) == {"a": "2", "b": "3"}
    assert len(memo) == 2
    assert "a" in memo
    assert memo.get("c", "none") == "none"
    del memo["a"]
    assert list(memo) == ["b"]
    with pytest.raises(KeyError):
        memo["a"]
    with pytest.raises(KeyError):
        del memo["a"]
    assert memo.setdefault("d", "4") == "4"


@pytest.mark.parametrize("text", ["", "/pfad/é", "\udcff from os.fsdecode", "\x00", "x" * 100_000])
def test_every_text_is_kept(cache: AnswerCache, text: str) -> None:
    """Paths that are no UTF-8, and long texts, come back as they were."""
    cache.memo[text] = text
    assert cache.memo[text] == text
    assert list(cache.memo) == [text]


def test_it_is_shared_and_survives(cache: AnswerCache, open_cache: Callable[..., AnswerCache]) -> None:
    """Another kernel reads it, and clearing the answers leaves it."""
    cache.put(key(), entry(key()))
    cache.memo["a"] = "1"
    cache.remember_model("smollm2", "ab")
    cache.clear()
    cache.close()
    other = open_cache()
    assert other.memo["a"] == "1"
    assert other.model_sha256("smollm2") == "ab"
    assert other.model_sha256("other") is None
    assert other.models() == {"smollm2": "ab"}
    assert other.get(key()) is None


def test_models_can_change(cache: AnswerCache) -> None:
    """A model file that was replaced is remembered by its new hash."""
    cache.remember_model("smollm2", "ab")
    cache.remember_model("smollm2", "cd")
    assert cache.model_sha256("smollm2") == "cd"


def test_without_a_disk_it_is_a_mapping_in_memory(
    tmp_path: Path, open_cache: Callable[..., AnswerCache], notices: list[str]
) -> None:
    """Where the directory cannot be made, this kernel still hashes each file once, and it is said once."""
    (tmp_path / "file").write_text("")
    memo = open_cache(tmp_path / "file" / "cache").memo
    assert "a" not in memo
    memo["a"] = "1"
    memo["b"] = "2"
    assert dict(memo) == {"a": "1", "b": "2"}
    del memo["a"]
    assert dict(memo) == {"b": "2"}
    assert len(notices) == 1
    assert "cannot be used" in notices[0]


def test_planted_rows_are_no_memory(cache: AnswerCache, tmp_path: Path) -> None:
    """A pickle in the memo's database is not loaded, and writing puts it right."""
    cache.memo["a"] = "1"
    database = tmp_path / "cache" / "memo" / "cache.db"
    plant(database, b"a", mode=4, filename=None, value=bomb(tmp_path / "crater"))
    plant(database, b"\xff", mode=1, filename=None, value=b"x")
    plant(database, "text", mode=1, filename=None, value=b"x")
    plant(database, b"junk", mode=1, filename=None, value=b"\xff")
    assert dict.fromkeys(cache.memo) == {"junk": None}
    assert cache.memo.get("a") is None
    assert cache.memo.get("junk") is None
    cache.memo["a"] = "2"
    assert cache.memo["a"] == "2"
    assert not (tmp_path / "crater").exists()


def test_it_stays_small(cache: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its limit, what was written longest ago leaves."""
    monkeypatch.setattr("jupyter_localllm.cache.memo._LIMIT_BYTES", 400_000)
    for number in range(60):
        cache.memo[f"{number:02}"] = "x" * 20_000
    left = list(cache.memo)
    assert 5 < len(left) < 30
    assert left[-1] == "59"


@pytest.mark.skipif(os.name != "posix", reason="owners are POSIX")
def test_somebody_elses_directory_is_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of another user are refused; what the memo would hold is remembered in this process instead."""
    cache = AnswerCache(tmp_path / "cache")
    cache.memo["a"] = "1"
    cache.close()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    other = AnswerCache(tmp_path / "cache")
    assert other.memo.get("a") is None
    other.memo["b"] = "2"
    assert other.memo["b"] == "2"
