"""Answers that come with a notebook: an export of the cache, taken in before the notebook runs."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from jupyter_localllm.cache import AnswerCache, import_
from jupyter_localllm.config import Settings

__all__ = ["imported"]


@contextlib.contextmanager
def imported(path: Path, settings: Mapping[str, str], folder: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Take in the answers of a file that ``%llm cache export`` wrote.

    Where no new answer may be made (``cache`` is ``require``), these answers alone are the cache, for this run and in a
    folder of its own: so the report is what the file says, whatever else was asked on this machine. Otherwise they go
    into the cache that the notebook would use; an answer that is there already stays.

    Parameters
    ----------
    path : Path
    settings : Mapping of str to str
        What the kernel is told.
    folder : Path
        Where the kernel works; settings of a project are found from there.

    Yields
    ------
    settings : dict
        The same with the cache's place.
    told : str
        What came of it.

    Raises
    ------
    CacheError
        The file cannot be read, or the cache not written.
    """
    with contextlib.ExitStack() as stack:
        if settings.get("cache") == "require":
            made = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="jupyter_localllm-", ignore_cleanup_errors=True)
            )
            place = Path(made)
        else:
            place = _usual(folder)
        cache = AnswerCache(place)
        try:
            counts = import_(cache, path)
        finally:
            cache.close()
        told = f"answers of {path}: {counts.added:,} taken in"
        told += f", {counts.same:,} there already" if counts.same else ""
        told += f", {counts.kept:,} not, for the cache has others to the same questions" if counts.kept else ""
        yield {**settings, "cache_dir": str(place)}, told


def _usual(folder: Path) -> Path:
    """The cache that a kernel in this folder uses."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        return Path(Settings().cache_dir).expanduser().absolute()
    finally:
        os.chdir(before)
