"""``%llm cache``, and what the command line shares with it."""

from __future__ import annotations

from pathlib import Path

from jupyter_localllm import cache as answers
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.magics.tables import table
from jupyter_localllm.models.figures import size_text

__all__ = ["DAYS", "cached"]

DAYS = 30.0
"""Days after which `prune` takes an answer for unused, unless told otherwise."""


def cached(handle: LocalLLM, action: str, file: str = "", days: float = DAYS) -> str:
    """Do something with the cache, and say what came of it.

    Parameters
    ----------
    handle : LocalLLM
        Whose cache.
    action : {"show", "clear", "prune", "export", "import"}
    file : str
        To export to, or import from.
    days : float
        For `prune`.

    Raises
    ------
    CacheError
        It cannot be done.
    """
    store = handle.answers
    if action == "clear":
        count = store.stats().entries
        store.clear()
        return f"{count:,} answers deleted"
    if action == "prune":
        return f"{store.prune(older_than_days=days):,} answers deleted that were not used for {days:g} days"
    if action == "export":
        path = Path(file).expanduser()
        count = answers.export(store, path)
        return f"{count:,} answers written to {path} ({size_text(path.stat().st_size)})"
    if action == "import":
        counts = answers.import_(store, Path(file).expanduser())
        return f"{counts.added:,} answers read, {counts.same + counts.kept:,} were there already"
    return _shown(handle)


def _shown(handle: LocalLLM) -> str:
    stats = handle.answers.stats()
    return table(
        [
            ("directory", str(stats.directory)),
            ("answers", f"{stats.entries:,}"),
            ("size", f"{size_text(stats.size_bytes)} of at most {size_text(handle.cache_size)}"),
            ("hits", f"{stats.hits:,}"),
            ("misses", f"{stats.misses:,}"),
            ("mode", f"{handle.cache} ({handle.origin('cache')})"),
        ]
    )
