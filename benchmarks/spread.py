"""Medians with their spread, measurements in turn, and the machine they were made on."""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Pairs", "alternate", "machine", "percentile", "row", "spread"]

Pairs = list[tuple[float, float]]
"""Ours and the reference, of one round each."""


def spread(values: list[float]) -> dict[str, float]:
    """Median, the quarter and three-quarter points, and how many there were."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return {"median": round(middle, 3), "p25": round(low, 3), "p75": round(high, 3), "n": len(values)}


def percentile(values: list[float], share: float) -> float:
    """The smallest of the values that is not exceeded by this share of them (nearest rank).

    Examples
    --------
    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.95)
    4.0
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def alternate(rounds: int, ours: Callable[[], float], reference: Callable[[], float]) -> Pairs:
    """Measure both in every round, each first in turn: a machine drifts."""
    pairs = []
    for i in range(rounds):
        if i % 2:
            other = reference()
            pairs.append((ours(), other))
        else:
            own = ours()
            pairs.append((own, reference()))
    return pairs


def row(
    what: str,
    against: str,
    pairs: Pairs,
    *,
    unit: str,
    at_least: float | None = None,
    at_most: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One line of the report; the gate holds for the median of the ratios, ours through reference."""
    ratios = [ours / reference for ours, reference in pairs]
    middle = statistics.median(ratios)
    gate: dict[str, Any] | str = "informational"
    if at_least is not None:
        gate = {"at_least": at_least, "kept": middle >= at_least}
    elif at_most is not None:
        gate = {"at_most": at_most, "kept": middle <= at_most}
    return {
        "what": what,
        "unit": unit,
        "ours": spread([ours for ours, _ in pairs]),
        "against": against,
        "reference": spread([reference for _, reference in pairs]),
        "ratio": spread(ratios),
        "gate": gate,
        **more,
    }


def machine() -> dict[str, Any]:
    """Processor, system, and how busy they were before."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": _processor(),
        "python": platform.python_version(),
        "system": platform.system(),
        "load_before": busy and round(busy, 2),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        names = re.findall(r"model name\s*:\s*(.*)", text)
        return f"{names[0]}, {len(names)} logical cores"
    except (OSError, IndexError):
        return platform.processor()
