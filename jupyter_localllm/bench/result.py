"""The result of a run: a table, a plot, JSON."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jupyter_localllm._version import __version__
from jupyter_localllm.bench.measured import Row, Spread
from jupyter_localllm.bench.plan import Plan
from jupyter_localllm.bench.plot import Plot, plot
from jupyter_localllm.bench.quality import KINDS
from jupyter_localllm.config.masked import masked
from jupyter_localllm.errors import UsageError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.show.tables import Page, Table

__all__ = ["Benchmark", "about_here"]


@dataclass(frozen=True)
class Benchmark:
    """What was measured. Shows itself as a table.

    Parameters
    ----------
    plan : Plan
    inference : Mapping
        The settings that all cases had, as far as they are not the defaults.
    machine : Mapping
        Processor, system, versions, and how busy it was before.
    rows : tuple of Row
        One for each case that was measured so far.
    begun : str
        When, in UTC.
    """

    plan: Plan
    inference: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    begun: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))

    def with_row(self, row: Row) -> Benchmark:
        """The same with one more case."""
        return replace(self, rows=(*self.rows, row))

    def to_dict(self) -> dict[str, Any]:
        """Everything, each prompt's figures among it."""
        return {
            "benchmark": "jupyter_localllm",
            "version": __version__,
            "begun": self.begun,
            "machine": dict(self.machine),
            "bench": self.plan.to_dict(),
            "inference": masked(dict(self.inference)),
            "rows": [row.to_dict() for row in self.rows],
        }

    def to_json(self) -> str:
        """`to_dict` as text. Given to ``%llm bench --file``, the same is measured again."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, default=str) + "\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file: ``.json`` with everything, ``.csv`` with the figures, ``.svg`` with the plot.

        A file that is there is replaced at once, never by a half one.

        Raises
        ------
        UsageError
            The name ends otherwise, or the file cannot be written.
        """
        target = checked_path(path)
        made = _WRITERS[target.suffix.lower()](self)
        try:
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                    file.write(made)
                os.replace(name, target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise UsageError(f"{target} cannot be written: {error}") from None
        return target

    def to_frame(self) -> Any:
        """The figures as a pandas frame, a row for each case."""
        import pandas as pd

        return pd.DataFrame([row.figures() for row in self.rows])

    def plot(self) -> Plot:
        """Bars for each figure, a bar for each case; SVG, which notebooks show."""
        return plot(self.rows)

    def table(self) -> Table:
        """A column for each case, and a row for each figure that any of them has."""
        lines = [(name, *(make(row) for row in self.rows)) for name, make in _FIGURES.items()]
        return Table([line for line in lines if any(line[1:])], ("", *(row.label for row in self.rows)), align="right")

    def remarks(self) -> list[str]:
        """What should be known of the figures; what is so in every case is said once."""
        told = [dict.fromkeys((*row.notes, *([row.error] if row.error else []))) for row in self.rows]
        common = [text for text in (told[0] if told else ()) if all(text in texts for texts in told)]
        each = [
            f"{row.label}: {text}"
            for row, texts in zip(self.rows, told, strict=True)
            for text in texts
            if text not in common
        ]
        return [*common, *each]

    def csv(self) -> str:
        """The figures as text with commas."""
        import csv
        import io

        out = io.StringIO()
        names = list(dict.fromkeys(name for row in self.rows for name in row.figures()))
        writer = csv.DictWriter(out, names, restval="")
        writer.writeheader()
        writer.writerows(row.figures() for row in self.rows)
        return out.getvalue()

    def __str__(self) -> str:
        return str(self._page())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._page()._repr_mimebundle_()

    def _page(self) -> Page:
        return Page((self.table(), "\n".join([self._foot(), *self.remarks()])))

    def _foot(self) -> str:
        where = ", ".join(str(self.machine[name]) for name in ("processor", "system") if self.machine.get(name))
        prompts = "1 prompt" if self.plan.n == 1 else f"{self.plan.n} prompts"
        return (
            f"{prompts} after {self.plan.warmup} to warm up, answers of {self.plan.max_tokens} tokens at "
            f"most; {where}".rstrip("; ")
        )


def about_here() -> dict[str, Any]:
    """The machine that is measured, and how busy it was before."""
    import psutil

    from jupyter_localllm.engine.processor import model_name
    from jupyter_localllm.pipeline import version_of

    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": f"{model_name()}, {psutil.cpu_count(logical=False)} cores",
        "system": platform.system(),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "llama-cpp-python": version_of("llama-cpp-python"),
        "load_before": None if busy is None else round(busy, 2),
    }


def checked_path(path: str | os.PathLike[str]) -> Path:
    """A path that a result can be written to.

    Raises
    ------
    UsageError
        It is no path, ends otherwise than the formats do, or its folder is not there.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UsageError(f"out cannot be {path!r}", f"It is the path of a file that ends in {', '.join(_WRITERS)}.")
    target = Path(path).expanduser()
    if "\0" in str(target):
        raise UsageError(f"{str(target)!r} holds a zero character, which no file's name can", "Name another file.")
    if target.suffix.lower() not in _WRITERS:
        raise UsageError(f"{target} is no file for a result by its name", f"It ends in {', '.join(_WRITERS)}.")
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} is not there", "Make it first.")
    return target


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _spread(spread: Spread | None) -> str:
    return "" if spread is None else f"{spread.p50:,.0f} / {spread.p90:,.0f} / {spread.p99:,.0f}"


def _fall(row: Row) -> str:
    both = row.early_late
    return "" if both is None else f"{both[0]:,.1f} / {both[1]:,.1f}"


def _right(kind: str) -> Callable[[Row], str]:
    """How many of one kind of the fixed questions are right."""

    def told(row: Row) -> str:
        right, asked = (row.quality or {}).get(kind, (0, 0))
        return f"{right:g} of {asked}" if asked else ""

    return told


def _size(count: int | None) -> str:
    return "" if not count else size_text(count)


_FIGURES: dict[str, Callable[[Row], str]] = {
    "type": lambda row: row.quantization,
    "backend": lambda row: row.backend,
    "window": lambda row: _whole(row.n_ctx),
    "first load ms": lambda row: _whole(row.first_load_ms),
    "load ms": lambda row: _whole(row.load_ms),
    "first token ms, p50 / 90 / 99": lambda row: _spread(row.ttft_ms),
    "latency ms, p50 / 90 / 99": lambda row: _spread(row.latency_ms),
    "prompt tokens/s": lambda row: _rate(row.prompt_tokens_per_second),
    "writing tokens/s": lambda row: _rate(row.tokens_per_second),
    "writing, early / late": _fall,
    "memory": lambda row: _size(row.resident_bytes),
    "video": lambda row: _size(row.video_bytes),
    "J/token": lambda row: "" if row.joules_per_token is None else f"{row.joules_per_token:.2f}",
    "quality": lambda row: "" if row.quality_share is None else f"{row.quality_share:.0%}",
    **{f"- {kind}": _right(kind) for kind in KINDS},
}
_WRITERS: dict[str, Callable[[Benchmark], str]] = {
    ".json": Benchmark.to_json,
    ".csv": Benchmark.csv,
    ".svg": lambda result: result.plot().svg,
}
