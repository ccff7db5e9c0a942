"""How far a report is: the cell, the speed of the last answer, and the time that is left."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jupyter_localllm.batch.view import duration
from jupyter_localllm.errors import without_secrets
from jupyter_localllm.show.bundle import ANSWER_MIME, METADATA_KEY, speed
from jupyter_localllm.show.listing import clipped, one_line
from jupyter_localllm.sources.secrets import looks_secret

__all__ = ["Progress", "Tracker", "Watch", "earlier_times", "first_words", "speed_of", "summary_of"]

_LONGEST = 59
_ASSIGNED = re.compile(r"(?P<name>\w+)\s*(?::[^=]*)?=(?!=)\s*")
_SAYS_SOMETHING_S = 2.0  # cells that only import things say nothing about those that ask


@dataclass(frozen=True)
class Progress:
    """How far a report is.

    Parameters
    ----------
    cell, cells : int
        The cell that runs now, counted from 1, and how many there are.
    source : str
        Its first line.
    done, total : int
        Code cells that have run, and all.
    tokens_per_second : float
        Of the last answer that a model wrote; 0 if there is none yet.
    seconds_left : float or None
        An estimate; None if nothing is known.
    """

    cell: int
    cells: int
    source: str
    done: int
    total: int
    tokens_per_second: float = 0.0
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """Share of the code cells that have run."""
        return self.done / self.total if self.total else 1.0

    @property
    def text(self) -> str:
        """In a line.

        Examples
        --------
        >>> Progress(3, 12, "%%llm", 1, 6, 81.4, 42.0).text
        'cell 3 of 12, about 42 s left, 81.4 tokens/s: %%llm'
        """
        facts = [f"cell {self.cell} of {self.cells}"]
        if self.seconds_left is not None:
            facts.append(f"about {duration(self.seconds_left)} left")
        if self.tokens_per_second:
            facts.append(speed(self.tokens_per_second))
        return ", ".join(facts) + (f": {self.source}" if self.source else "")


class Watch(Protocol):
    """Who is told."""

    def at(self, tracker: Tracker) -> None:
        """A cell begins; `tracker` tells at any time how far the report is."""

    def answered(self, line: str) -> None:
        """An answer, in a line."""


class Tracker:
    """What has run, and what that says of the rest.

    Where an earlier run of the notebook is known, its times count; else a cell takes what the cells so far took.

    Parameters
    ----------
    cells : sequence of NotebookNode
    earlier : Mapping of str to float
        Seconds of cells in an earlier run, by cell id.
    clock : callable
        Seconds.
    """

    def __init__(
        self, cells: Any, earlier: Mapping[str, float], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cells = cells
        self._earlier = earlier
        self._clock = clock
        self._code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
        self._took: dict[int, float] = {}
        self._now, self._begun = 0, clock()
        self.tokens_per_second = 0.0

    def begin(self, index: int) -> None:
        """A cell begins."""
        self._now, self._begun = index, self._clock()

    def end(self, index: int) -> None:
        """A cell is over."""
        self._took[index] = self._clock() - self._begun

    def progress(self) -> Progress:
        """How far the report is at this moment."""
        took = dict(self._took)  # a display may ask from its own thread
        done = sum(index in took for index in self._code)
        return Progress(
            self._now + 1,
            len(self._cells),
            first_words(self._cells[self._now].source) if len(self._cells) else "",
            done,
            len(self._code),
            self.tokens_per_second,
            self._left(took),
        )

    def _left(self, took: Mapping[int, float]) -> float | None:
        ran = [took[index] for index in self._code if index in took]
        mean = sum(ran) / len(ran) if sum(ran) >= _SAYS_SOMETHING_S else None
        left = 0.0
        for index in self._code:
            if index in took:
                continue
            needs = self._earlier.get(self._cells[index].get("id", ""), mean)
            if needs is None:
                return None
            left += max(0.0, needs - (self._clock() - self._begun)) if index == self._now else needs
        return left


def earlier_times(path: Path) -> dict[str, float]:
    """Seconds of each cell, by its id, as papermill wrote them into the notebook of an earlier run; empty if none."""
    try:
        cells = json.loads(path.read_bytes())["cells"]
        pairs = [(cell.get("id"), cell.get("metadata", {}).get("papermill", {}).get("duration")) for cell in cells]
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return {}
    # papermill's clock is the wall's: one that was set back meanwhile gives times below zero
    return {
        name: float(took)
        for name, took in pairs
        if isinstance(name, str) and isinstance(took, (int, float)) and 0 <= took < math.inf
    }


def first_words(source: str) -> str:
    """The first line of a cell, for a line of its own; without passwords and keys, of addresses and by their names.

    Examples
    --------
    >>> first_words("api_key = 'x'"), first_words("region = 'EU'")
    ('api_key = …', "region = 'EU'")
    """
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    if (found := _ASSIGNED.match(line)) and looks_secret(found["name"]):
        line = f"{found[0]}…"
    return clipped(without_secrets(one_line(line)), _LONGEST)


def summary_of(output: Any) -> str:
    """The line of an answer, if a kernel's output is one (see `jupyter_localllm.show.HeadlessSurface`)."""
    if not isinstance(output, Mapping) or METADATA_KEY not in output.get("metadata", {}):
        return ""
    data = output.get("data", {})
    text = data.get("text/plain", "") if ANSWER_MIME not in data else ""
    return one_line(str(text))


def speed_of(output: Any) -> float:
    """Tokens per second of the answer in an output; 0 if no model wrote one."""
    try:
        told = output["metadata"][METADATA_KEY]["volatile"]
        return 0.0 if told["cached"] else float(told["timings"]["tokens_per_second"])
    except (LookupError, TypeError, ValueError):
        return 0.0
