"""Choosing passages for a question: by words (BM25), by meaning where an embedding model is there, within a budget."""

from __future__ import annotations

from jupyter_localllm.sources.select.base import Bounds, PassageIndex, Progress, Ranked, Searching
from jupyter_localllm.sources.select.choose import Choice, Cut, choose
from jupyter_localllm.sources.select.coverage import HALF, Coverage, coverage, share_of
from jupyter_localllm.sources.select.fulltext import FullText, new_index
from jupyter_localllm.sources.select.fuse import Embed, KeptVectors, Vectors, fuse
from jupyter_localllm.sources.select.kept import Kept
from jupyter_localllm.sources.select.plain import PlainIndex
from jupyter_localllm.sources.select.question import Asked, read
from jupyter_localllm.sources.select.words import words

__all__ = [
    "HALF",
    "Asked",
    "Bounds",
    "Choice",
    "Coverage",
    "Cut",
    "Embed",
    "FullText",
    "Kept",
    "KeptVectors",
    "PassageIndex",
    "PlainIndex",
    "Progress",
    "Ranked",
    "Searching",
    "Vectors",
    "choose",
    "coverage",
    "fuse",
    "new_index",
    "read",
    "share_of",
    "words",
]
