"""Several rankings made one, and passages ranked by meaning where an embedding model is there."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_localllm.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embed", "KeptVectors", "Vectors", "by_meaning", "fuse"]

Embed = Callable[[Sequence[str]], Any]
"""Texts to an array of shape (texts, dimensions)."""

_BATCH = 64
_K = 60
_T = TypeVar("_T", bound=Hashable)


def fuse(rankings: Iterable[Sequence[_T]], k: int = _K) -> list[tuple[_T, float]]:
    """Merge rankings by reciprocal rank: only places count, so scores of different kinds need no common scale.

    Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods",
    SIGIR 2009.

    Parameters
    ----------
    rankings : iterable of sequence
        Each with the best one first. What a ranking does not name gets nothing from it.
    k : int, optional
        How little the first places stand out; 60 in the paper.

    Returns
    -------
    list of (item, score)
        The best one first; equal ones as they were first met.

    Examples
    --------
    >>> [item for item, _ in fuse([["a", "b", "c"], ["b", "c"]])]
    ['b', 'c', 'a']
    """
    scores: dict[_T, float] = {}
    for ranking in rankings:
        for place, item in enumerate(dict.fromkeys(ranking), 1):
            scores[item] = scores.get(item, 0.0) + 1 / (k + place)
    met = {item: place for place, item in enumerate(scores)}
    return sorted(scores.items(), key=lambda pair: (-pair[1], met[pair[0]]))


class KeptVectors:
    """Vectors by a hash, those of one model. Safe to use from several threads.

    Parameters
    ----------
    most_bytes : int, optional
        What they may take; the least recently used ones are dropped first.
    """

    def __init__(self, most_bytes: int = 64 * 1024 * 1024) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0

    def found(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Those of them that are kept."""
        with self._lock:
            return {key: self._kept[key] for key in keys if key in self._kept}

    def keep(self, key: bytes, vector: NDArray[np.float32]) -> None:
        """Keep one, and drop what is too much."""
        with self._lock:
            if key not in self._kept:
                self._bytes += vector.nbytes
            self._kept[key] = vector
            self._kept.move_to_end(key)
            while self._bytes > self._most and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes


class Vectors:
    """Embeddings of texts by one model, kept by the text's hash. Safe to use from several threads.

    Parameters
    ----------
    embed : callable
        See `Embed`.
    kept : KeptVectors, optional
        What was made before; others may look at it as well.
    remote : str, optional
        The address of the model, if it is not on this machine.
    """

    def __init__(self, embed: Embed, kept: KeptVectors | None = None, remote: str = "") -> None:
        self._embed, self._remote = embed, remote
        self._used = False
        self._kept = KeptVectors() if kept is None else kept

    @property
    def asked_elsewhere(self) -> str:
        """The model's address if it is not on this machine and vectors of it were used, empty otherwise."""
        return self._remote if self._used else ""

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of texts, of shape (texts, dimensions); zeros for a text that has no direction.

        Raises
        ------
        EngineError
            The model gave something else than one vector for each text.
        """
        import numpy as np

        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        found = self._kept.found(keys)
        self._used = True
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        todo = list(missing.items())
        for start in range(0, len(todo), _BATCH):
            batch = todo[start : start + _BATCH]
            made = _unit(self._embed([text for _, text in batch]), len(batch))
            for (key, _), vector in zip(batch, made, strict=True):
                found[key] = vector
                self._kept.keep(key, vector)
        return np.stack([found[key] for key in keys]) if keys else np.zeros((0, 0), dtype=np.float32)


def by_meaning(vectors: Vectors, question: str, texts: Sequence[str]) -> list[int]:
    """Positions of texts by the cosine of their vectors with the question's, the nearest one first.

    Equal ones, and those that differ by less than rounding may, stand in the order given.
    """
    if not texts:
        return []
    asked = vectors.of([question])[0]
    near = [round(float(n), 5) for n in vectors.of(texts) @ asked]
    return sorted(range(len(texts)), key=lambda i: (-near[i], i))


def _unit(made: Any, expected: int) -> NDArray[np.float32]:
    import numpy as np

    vectors = np.array(made, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != expected:
        raise EngineError(f"The embedding model gave an array of shape {vectors.shape} for {expected} texts.")
    vectors[~np.isfinite(vectors).all(axis=1)] = 0
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
