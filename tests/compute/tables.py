"""Tables that the tests read questions over, in every library that can be cited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from jupyter_localllm.sources.frame import FrameKind
from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

CITIES: dict[str, list[Any]] = {
    "city": ["Arlen", "Bredo", "Corvin", "Dahl", "Esk", "Fenn"],
    "region": ["north", "south", "north", "east", "south", "north"],
    "population": [120_000, 45_500, 980_000, 45_500, 7_200, 310_000],
    "area_km2": [80.5, 12.25, 400.0, 33.0, 5.5, 150.75],
    "founded": [1650, 1820, 1104, 1750, 1999, 1902],
    "mayor": ["Ida Lund", "Per Holm", "Ada Roth", "Jon Vik", "Eva Strand", "Kai Berg"],
}

MAKERS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
}


def snapshot(data: Any, name: str = "cities") -> FrameSnapshot:
    """A table held still."""
    return FrameKind().snapshot(data, name)
