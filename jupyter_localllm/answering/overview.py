"""Tables as a whole: their columns, figures of columns and groups, and first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jupyter_localllm.answering.evidence import POSSIBLE, Evidence, Limits
from jupyter_localllm.answering.prompt import LEAST_TOKENS, estimated_tokens
from jupyter_localllm.compute.question import Question
from jupyter_localllm.compute.reading import Reading
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
from jupyter_localllm.sources.select import Choice
from jupyter_localllm.sources.tokens import tokens
from jupyter_localllm.types import Note, Passage

__all__ = ["asks_for_all", "overview"]

_FIGURES = 12
_NAMED = 20  # columns or values that are named


def asks_for_all(asked: Question, frames: Sequence[FrameSnapshot], best: Reading | None) -> bool:
    """Whether a question is about tables as a whole: it says so, or it names a table and nothing else."""
    if "overview" in asked.operations:
        return True
    names = {word for frame in frames for word in tokens(frame.name)}
    pointed = "table" in asked.operations or not names.isdisjoint(asked.words)
    nothing = best is None or best.certainty < POSSIBLE
    return pointed and nothing and names.issuperset(asked.unexplained(0))


def overview(
    frames: Sequence[FrameSnapshot], choice: Choice | None, notes: tuple[Note, ...], limits: Limits
) -> Evidence:
    """The cards of the tables, figures of columns and groups, and first rows, for a question about them as a whole."""
    told = [_first(frame) for frame in frames if frame.table.columns]
    cards, said = tuple(card for card, _ in told), tuple(text for _, text in told)
    more = (passage for frame in frames for passage in frame.overview(_FIGURES, limits.progress))
    passages = (*cards, *_within(more, limits.tokens - sum(estimated_tokens([card.text for card in cards]))))
    return Evidence(passages, None, (), 1.0 if cards else 0.0, said, choice, notes)


def _within(passages: Iterator[Passage], tokens: int) -> Iterator[Passage]:
    """Those that fit; one that does not is passed over."""
    for passage in passages:
        cost = estimated_tokens([passage.text])[0]
        if cost <= tokens:
            tokens -= cost
            yield passage
        if tokens <= LEAST_TOKENS:  # nothing more is computed that could not be told
            return


def _first(frame: FrameSnapshot) -> tuple[Passage, str]:
    """What is told first of a table: its columns, or of a single column its first values."""
    columns = frame.table.columns
    if len(columns) > 1 or not frame.table.rows:
        return frame.card(), f"{frame.name} has {frame.size}: {_listed([c.label for c in columns], len(columns))}"
    block = frame.block(range(frame.table.rows))
    values = columns[0].read_rows(list(block.locator.rows or ()))
    return block, f"{frame.name} has {frame.size}: {_listed(values, frame.table.rows)}"


def _listed(texts: Sequence[str], of: int) -> str:
    shown = texts[:_NAMED]
    more = of - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
