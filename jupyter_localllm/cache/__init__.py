"""Answers kept on disk: canonical keys, a cache that never unpickles, what changed, and a file to commit.

Nothing here imports `diskcache` or touches the disk before an `AnswerCache` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_localllm.cache.answers import AnswerCache
    from jupyter_localllm.cache.entry import Entry
    from jupyter_localllm.cache.explain import changes
    from jupyter_localllm.cache.grouped import Grouped
    from jupyter_localllm.cache.housekeeping import CacheStats
    from jupyter_localllm.cache.key import AnswerKey, answer_key, canonical, content_sha256
    from jupyter_localllm.cache.transfer import ImportCounts, export, import_

__all__ = [
    "AnswerCache",
    "AnswerKey",
    "CacheStats",
    "Entry",
    "Grouped",
    "ImportCounts",
    "answer_key",
    "canonical",
    "changes",
    "content_sha256",
    "export",
    "import_",
]

_HOMES = {
    "AnswerCache": "answers",
    "AnswerKey": "key",
    "CacheStats": "housekeeping",
    "Entry": "entry",
    "Grouped": "grouped",
    "ImportCounts": "transfer",
    "answer_key": "key",
    "canonical": "key",
    "changes": "explain",
    "content_sha256": "key",
    "export": "transfer",
    "import_": "transfer",
}


def __getattr__(name: str) -> Any:
    # Lazily (PEP 562): `%load_ext` imports the room without paying for what it does not use yet.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
