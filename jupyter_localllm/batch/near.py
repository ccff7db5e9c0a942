"""Vectors of many texts, and which of them are near each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["joined_to_earlier", "vectors_of"]

_EMBEDDED = 256  # texts at a time
_COMPARED = 1024  # rows at a time


def vectors_of(embed: Callable[[list[str]], NDArray[np.float32]], texts: Sequence[str]) -> NDArray[np.float32]:
    """An array of shape (n, dim); equal texts are embedded once.

    Parameters
    ----------
    embed : callable
        Gives the vectors of some texts.
    texts : sequence of str
    """
    import numpy as np

    unique = list(dict.fromkeys(texts))
    made = [embed(unique[start : start + _EMBEDDED]) for start in range(0, len(unique), _EMBEDDED)]
    if not made:
        return np.zeros((0, 0), dtype=np.float32)
    places = {text: place for place, text in enumerate(unique)}
    vectors: NDArray[np.float32] = np.concatenate(made)[[places[text] for text in texts]]
    return vectors


def joined_to_earlier(vectors: NDArray[np.float32], positions: Sequence[int], threshold: float) -> dict[int, int]:
    """Positions that join another's group, and whose.

    Each goes to the nearest earlier one that began a group, if their cosine is at least the threshold. Memory is that
    of 1,024 rows of cosines; time grows with the number of rows times the number of groups.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)
        Of length 1.
    positions : sequence of int
        Of each vector's row, ascending.
    threshold : float
    """
    import numpy as np

    joined: dict[int, int] = {}
    leaders: list[int] = []  # places among the vectors
    for start in range(0, len(vectors), _COMPARED):
        block = vectors[start : start + _COMPARED]
        near = block @ vectors[leaders].T if leaders else np.zeros((len(block), 0), dtype=np.float32)
        known = len(leaders)
        for offset, vector in enumerate(block):
            cosines = np.concatenate([near[offset], vectors[leaders[known:]] @ vector])
            best = int(np.argmax(cosines)) if len(cosines) else -1
            if best >= 0 and cosines[best] >= threshold:
                joined[positions[start + offset]] = positions[leaders[best]]
            else:
                leaders.append(start + offset)
    return joined
