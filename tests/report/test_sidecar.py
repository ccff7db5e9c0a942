"""Answers that come with a notebook."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache, export
from jupyter_localllm.errors import CacheError
from jupyter_localllm.report.sidecar import imported
from tests.cache.samples import entry, key


def fill(folder: Path, answers: dict[str, str]) -> AnswerCache:
    cache = AnswerCache(folder)
    for question, answer in answers.items():
        cache.put(key(question), entry(key(question), answer))
    return cache


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An export of two answers."""
    cache = fill(tmp_path / "other", {"One?": "1", "Two?": "2"})
    export(cache, tmp_path / "kept.jsonl")
    cache.close()
    return tmp_path / "kept.jsonl"


def test_where_nothing_new_may_be_made_the_file_is_the_cache(file: Path, tmp_path: Path) -> None:
    """What else this machine was asked does not count, and nothing is left behind."""
    fill(Path(os.environ["JUPYTER_LOCALLLM_CACHE_DIR"]), {"Three?": "3"}).close()
    with imported(file, {"cache": "require", "model": "m"}, tmp_path) as (settings, told):
        place = Path(settings.pop("cache_dir"))
        assert settings == {"cache": "require", "model": "m"}
        assert told == f"answers of {file}: 2 taken in"
        cache = AnswerCache(place)
        assert cache.stats().entries == 2
        cache.close()
    assert not place.exists()


def test_otherwise_it_goes_into_the_usual_cache(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the notebook's folder; what is there already stays, and is told; we stay where we were."""
    monkeypatch.delenv("JUPYTER_LOCALLLM_CACHE_DIR")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[tool.jupyter_localllm]\ncache_dir = "mine"\n')
    cache = fill(folder / "mine", {"One?": "another"})
    cache.close()
    before = Path.cwd()
    with imported(file, {}, folder) as (settings, told):
        assert settings == {"cache_dir": str(folder / "mine")}
    assert told == f"answers of {file}: 1 taken in, 1 not, for the cache has others to the same questions"
    assert Path.cwd() == before
    cache = AnswerCache(folder / "mine")
    assert cache.stats().entries == 2
    cache.close()


@pytest.mark.parametrize("mode", ["require", "use"])
def test_a_file_that_is_none(mode: str, tmp_path: Path) -> None:
    """It is an error, and nothing is taken in."""
    (tmp_path / "none.jsonl").write_text("{}")
    with pytest.raises(CacheError, match="line 1"), imported(tmp_path / "none.jsonl", {"cache": mode}, tmp_path):
        pytest.fail("it was taken in")
