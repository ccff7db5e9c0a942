"""The figures as bars: SVG without a library, so that it is there wherever a table is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from jupyter_localllm.bench.measured import Row, Spread
from jupyter_localllm.show.plain import clean

__all__ = ["Plot", "plot"]

_WIDE, _BAR, _GAP, _HEAD = 640, 16, 6, 34  # as wide as a cell beside an open sidebar
_LABEL, _VALUE = 200, 110
# Notebooks show the picture as an image, which knows nothing of their theme. So it has no background, and middle tones
# with a contrast above 4 to white and to JupyterLab's dark grey.
_COLOUR, _INK = "#4878a8", "#7a7a7a"
_LONGEST_LABEL = 29


@dataclass(frozen=True)
class _Panel:
    """One figure: its title, its value in a case, and how far a line goes beyond the bar (a p99)."""

    title: str
    value: Callable[[Row], float | None]
    upper: Callable[[Row], float | None] = lambda _row: None
    digits: int = 0


def _at(spread: Spread | None, share: float) -> float | None:
    if spread is None:
        return None
    return spread.p50 if share == 0.5 else spread.p99


_PANELS = (
    _Panel("writing, tokens/s (more is better)", lambda row: row.tokens_per_second, digits=1),
    _Panel("reading the prompt, tokens/s (more is better)", lambda row: row.prompt_tokens_per_second, digits=1),
    _Panel(
        "first token, ms: p50, line to p99 (less is better)",
        lambda row: _at(row.ttft_ms, 0.5),
        lambda row: _at(row.ttft_ms, 0.99),
    ),
    _Panel(
        "latency, ms: p50, line to p99 (less is better)",
        lambda row: _at(row.latency_ms, 0.5),
        lambda row: _at(row.latency_ms, 0.99),
    ),
    _Panel("memory, MB", lambda row: None if row.resident_bytes is None else row.resident_bytes / 1e6),
    _Panel("video memory, MB", lambda row: row.video_bytes / 1e6 if row.video_bytes else None),
    _Panel("energy, J/token", lambda row: row.joules_per_token, digits=2),
    _Panel("quality, % of the fixed questions", lambda row: row.quality_share and 100 * row.quality_share),
)


@dataclass(frozen=True)
class Plot:
    """A picture; notebooks show it.

    Parameters
    ----------
    svg : str
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def plot(rows: Sequence[Row]) -> Plot:
    """Draw a panel for each figure that any case has."""
    parts: list[str] = []
    top = 8.0
    for panel in _PANELS:
        if any(panel.value(row) is not None for row in rows):
            parts.extend(_drawn(panel, rows, top))
            top += _HEAD + len(rows) * (_BAR + _GAP)
    height = top + 8
    return Plot(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{height:.0f}" '
        f'viewBox="0 0 {_WIDE} {height:.0f}" role="img" aria-label="figures of the bench" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}">{"".join(parts)}</svg>'
    )


def _short(label: str) -> str:
    """A label without its middle: cases differ at the end."""
    half = _LONGEST_LABEL // 2
    return label if len(label) <= _LONGEST_LABEL else f"{label[:half]}…{label[-half:]}"


def _drawn(panel: _Panel, rows: Sequence[Row], top: float) -> Iterator[str]:
    yield f'<text x="8" y="{top + 20:.0f}" font-weight="bold">{escape(panel.title)}</text>'
    ends = [one for row in rows for one in (panel.value(row), panel.upper(row)) if one is not None]
    scale = (_WIDE - _LABEL - _VALUE) / (max(ends) or 1.0)
    for i, row in enumerate(rows):
        value, upper, y = panel.value(row), panel.upper(row), top + _HEAD - 4 + i * (_BAR + _GAP)
        name = clean(row.label)
        yield (
            f'<text x="{_LABEL - 8}" y="{y + 12:.0f}" text-anchor="end">{escape(_short(name))}'
            f"<title>{escape(name)}</title></text>"
        )
        if value is None:
            yield f'<text x="{_LABEL}" y="{y + 12:.0f}" font-style="italic">not measured</text>'
            continue
        yield f'<rect x="{_LABEL}" y="{y:.0f}" width="{value * scale:.1f}" height="{_BAR}" fill="{_COLOUR}"/>'
        end = value
        if upper is not None:
            end, middle = upper, y + _BAR / 2
            yield (
                f'<path d="M{_LABEL + value * scale:.1f} {middle:.1f}H{_LABEL + upper * scale:.1f}m0 -4v8" '
                f'stroke="{_INK}" fill="none"/>'
            )
        told = f"{value:,.{panel.digits}f}" + (f" / {upper:,.{panel.digits}f}" if upper is not None else "")
        yield f'<text x="{_LABEL + end * scale + 6:.1f}" y="{y + 12:.0f}">{told}</text>'
