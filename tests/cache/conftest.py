from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_localllm.cache import AnswerCache

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def open_cache(tmp_path: Path, notices: list[str]) -> Iterator[Callable[..., AnswerCache]]:
    """Opens caches, by default all on the same directory, as several kernels would; closes them at the end."""
    opened = []

    def make(directory: Path | None = None, **options: int) -> AnswerCache:
        cache = AnswerCache(directory or tmp_path / "cache", on_notice=notices.append, **options)
        opened.append(cache)
        return cache

    yield make
    for cache in opened:
        cache.close()


@pytest.fixture
def cache(open_cache: Callable[..., AnswerCache]) -> AnswerCache:
    return open_cache()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file with the answers of `cache`."""
    return tmp_path / "cache" / "answers" / "cache.db"


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python programs that can import the package and these tests; none outlives the test."""
    started = []

    def start(program: str, *arguments: object, stdin: int | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=stdin,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
