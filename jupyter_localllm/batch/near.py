"""Vectors of many texts, and which of them are near each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def joined_to_earlier(
    vectors: NDArray[np.float32],
    positions: Sequence[int],
    threshold: float,
    said: Mapping[tuple[int, int], bool] | None = None,
) -> dict[int, int]:
    """Positions that join another's group, and whose.

    Each goes to the nearest earlier one that began a group, if their cosine is at least the threshold. Memory is that
    of 1,024 rows of cosines and of the vectors once more; time grows with the number of rows times the number of
    groups.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)
        Of length 1.
    positions : sequence of int
        Of each vector's row, ascending.
    threshold : float
    said : Mapping, optional
        What is known of pairs of positions, a later and an earlier one: whether they belong together. Who does not
        belong to the nearest goes to the one that it is known to belong to, or begins a group.
    """
    import numpy as np

    said = said or {}
    friends = _friends(said)
    denied = {position for (position, _), together in said.items() if not together}
    joined: dict[int, int] = {}
    leaders: list[int] = []  # positions
    chosen = np.empty_like(vectors)  # theirs, so that no block copies them
    for start in range(0, len(vectors), _COMPARED):
        block = vectors[start : start + _COMPARED]
        known = len(leaders)
        near, within = block @ chosen[:known].T, block @ block.T
        own: list[int] = []  # places of leaders in the block
        for offset, position in enumerate(positions[start : start + len(block)]):
            cosines = np.concatenate([near[offset], within[offset, own]])
            best = int(np.argmax(cosines)) if len(cosines) else -1
            leader = leaders[best] if best >= 0 and cosines[best] >= threshold else None
            if leader is not None and not said.get((position, leader), True):
                leader = next((one for one in friends.get(position, ()) if one not in joined), None)
            if leader is not None:
                joined[position] = leader
                if position not in denied or (position, leader) in said:
                    continue  # who was denied once and is to be asked about another may yet begin a group
            chosen[len(leaders)] = block[offset]
            leaders.append(position)
            own.append(offset)
    return joined


def _friends(said: Mapping[tuple[int, int], bool]) -> dict[int, list[int]]:
    """Of each position the earlier ones that it is known to belong to."""
    friends: dict[int, list[int]] = {}
    for (position, earlier), together in said.items():
        if together:
            friends.setdefault(position, []).append(earlier)
    return friends
