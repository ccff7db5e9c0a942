"""Texts that follow each other, made one passage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jupyter_localllm.sources.snapshot import Snapshot
from jupyter_localllm.types import Locator, Passage

__all__ = ["merge_neighbours"]


def merge_neighbours(
    passages: Sequence[Passage],
    costs: Sequence[int],
    snapshots: Sequence[Snapshot],
    fixed: int,
    count: Callable[[list[str]], list[int]],
) -> tuple[list[Passage], list[int]]:
    """Merge neighbouring passages of text, where their source knows the merged place and no token is lost by it.

    Parameters
    ----------
    passages, costs : sequence
        Chosen passages in their final order, and the tokens of each.
    snapshots : sequence of Snapshot
        They make the merged passages (``resolve``), so that those can be found again as any other.
    fixed : int
        How many at the beginning stay as they are.
    count : callable
        Tokens of each of some texts.

    Returns
    -------
    (list of Passage, list of int)
    """
    sources = {snapshot.name: snapshot for snapshot in snapshots}
    merged, tokens = list(passages[:fixed]), list(costs[:fixed])
    for passage, cost in zip(passages[fixed:], costs[fixed:], strict=True):
        both = _merged(merged[-1], passage, sources) if len(merged) > fixed else None
        size = count([both.text])[0] if both is not None else 0
        if both is not None and size <= tokens[-1] + cost:
            merged[-1], tokens[-1] = both, size
        else:
            merged.append(passage)
            tokens.append(cost)
    return merged, tokens


def _merged(one: Passage, other: Passage, sources: dict[str, Snapshot]) -> Passage | None:
    """What the source has at the place of both; None if they are no neighbours, or it has nothing that holds both."""
    a, b = one.locator.lines, other.locator.lines
    same = (one.source, one.kind, one.locator.page) == (other.source, other.kind, other.locator.page)
    if not same or one.kind not in ("text", "code") or a is None or b is None or not a[0] <= b[0] <= a[1] + 1:
        return None
    lines = (a[0], max(a[1], b[1]))
    place = Locator(lines=lines, page=one.locator.page, label=f"lines {lines[0]} to {lines[1]}")
    found = sources[one.source].resolve(place) if one.source in sources else None
    whole = found is not None and one.text in found.text and other.text in found.text
    return found if whole else None
