"""Answers that are committed in groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.cache import AnswerCache, AnswerKey, Entry, Grouped, answer_key
from jupyter_localllm.cache.store import Store
from jupyter_localllm.cache.trouble import Busy, Unavailable
from jupyter_localllm.errors import CacheError
from jupyter_localllm.types import Message, Result, Sampling, Token
from tests.contracts import wait_for


def key(number: int) -> AnswerKey:
    return answer_key(
        messages=[Message.of("user", f"question {number}")],
        sampling=Sampling(),
        max_tokens=8,
        stop=(),
        model_sha256="ab" * 32,
        template_version="1",
    )


def entry(number: int) -> Entry:
    return Entry.of((Token("yes"),), Result("yes"), key(number))


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(tmp_path / "answers")


def test_they_come_together_and_soon(cache: AnswerCache, tmp_path: Path) -> None:
    """An answer is found at once here, by others after the time at most, without another answer or an end."""
    other = AnswerCache(tmp_path / "answers")
    grouped = Grouped(cache, seconds=0.2)
    grouped.put(key(0), entry(0))
    assert grouped.get(key(0)) is not None
    assert other.peek(key(0)) is None
    wait_for(lambda: other.peek(key(0)) is not None)


def test_the_end_commits_what_is_left(cache: AnswerCache) -> None:
    """Also where it is an error's, and a large group before that."""

    def fill() -> None:
        with Grouped(cache, seconds=60.0) as grouped:
            for number in range(300):
                grouped.put(key(number), entry(number))
            assert cache.stats().entries == 256
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert cache.stats().entries == 300


def test_an_error_of_the_cache_is_told(cache: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the one that puts the next answer: the answers themselves are not lost for want of a cache."""

    def refuse(entries: object, **_: object) -> int:
        raise CacheError("It belongs to somebody else.")

    monkeypatch.setattr(cache, "put_all", refuse)
    with Grouped(cache, seconds=60.0) as grouped:
        grouped.put(key(0), entry(0))
        grouped.commit()
        with pytest.raises(CacheError, match="somebody else"):
            grouped.put(key(1), entry(1))


def test_what_cannot_be_kept_is_said_once_and_let_go(cache: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only while another process holds the cache does a group wait for the next commit."""
    said: list[str] = []
    cache.on_notice = said.append
    trouble: list[CacheError] = [Busy("Another process writes to it."), Unavailable("The disk is full.")]
    written: list[int] = []

    def write_all(self: Store, rows: list[Any]) -> None:
        written.append(len(rows))
        if trouble:
            raise trouble[0]

    monkeypatch.setattr(Store, "write_all", write_all)
    with Grouped(cache, seconds=60.0) as grouped:
        grouped.put(key(0), entry(0))
        for _ in range(3):
            grouped.commit()
        assert written == [1, 1, 1]
        del trouble[0]
        for _ in range(3):
            grouped.commit()
        assert written == [1, 1, 1, 1]
        trouble.clear()
        grouped.put(key(1), Entry.of((), Result("y" * (40 << 20)), key(1)))
        for _ in range(3):
            grouped.commit()
    assert written == [1, 1, 1, 1]
    assert [sum(word in one for one in said) for word in ("Another process", "full", "too large")] == [1, 1, 1]


def test_an_error_of_the_last_commit_is_told(cache: AnswerCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a notice: the answers are there, and no other will be put that could tell it."""
    said: list[str] = []
    cache.on_notice = said.append

    def refuse(entries: object, **_: object) -> int:
        raise CacheError("It belongs to somebody else.")

    monkeypatch.setattr(cache, "put_all", refuse)
    with Grouped(cache, seconds=60.0) as grouped:
        grouped.put(key(0), entry(0))
    assert said == ["It belongs to somebody else. The last answers are not kept."]


def test_a_group_is_kept_whole(cache: AnswerCache) -> None:
    """What may not be kept is left out, and the others are kept."""
    interrupted = Entry.of((), Result("y", finish_reason="interrupted"), key(1))
    assert cache.put_all([(key(0), entry(0)), (key(1), interrupted), (key(2), entry(2))]) == 2
    assert [cache.peek(key(number)) is not None for number in range(3)] == [True, False, True]
    with pytest.raises(CacheError, match="not of this key"):
        cache.put_all([(key(3), entry(4))])
