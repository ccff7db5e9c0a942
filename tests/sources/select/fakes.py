"""Sources made for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_localllm.sources.select import Ranked
from jupyter_localllm.types import Locator, Note, Passage

__all__ = ["Lines", "SearchingLines", "count_words"]


def count_words(texts: list[str]) -> list[int]:
    """A tokenizer that is easy to foresee."""
    return [len(text.split()) for text in texts]


@dataclass
class Lines:
    """A text whose lines are its passages."""

    name: str
    lines: Sequence[str]
    passage_count: int | None = None
    kind: str = "text"
    size: str = ""
    notes: tuple[Note, ...] = ()
    read: int = 0

    @property
    def sha256(self) -> str:
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()

    def passages(self) -> Iterator[Passage]:
        for number in range(1, len(self.lines) + 1):
            self.read += 1
            yield self.at(number, number)

    def at(self, first: int, last: int) -> Passage:
        text = "\n".join(self.lines[first - 1 : last])
        return Passage(self.name, "text", text, Locator(lines=(first, last), label=f"lines {first} to {last}"))

    def resolve(self, locator: Locator) -> Passage | None:
        return self.at(*locator.lines) if locator.lines else None


class SearchingLines(Lines):
    """One that ranks its lines itself: the last one first."""

    def search(self, question: str, limit: int) -> list[Ranked]:
        found = [Ranked(passage, 1.0, order=n) for n, passage in enumerate(self.passages())]
        return found[::-1][:limit]
