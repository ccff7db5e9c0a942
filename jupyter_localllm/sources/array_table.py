"""Arrays that are tables: one row of numbers is a column, records are columns by their names.

So what is asked about them is computed, as for a frame. The columns need a library of tables; where none is installed,
an array is cited by blocks of its values.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from jupyter_localllm.sources import passages_array
from jupyter_localllm.sources.arrays import is_number_array

if TYPE_CHECKING:
    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot

__all__ = ["array_table"]

Library = Literal["polars", "pandas", "pyarrow"]
_LIBRARIES: tuple[Library, ...] = ("polars", "pandas", "pyarrow")
_LEAST = 2  # values of a column


def array_table(value: Any, name: str) -> FrameSnapshot | None:
    """An array of numpy as a table, copied; None if it is none, or cannot be one here.

    Parameters
    ----------
    value : numpy.ndarray
        Of one dimension, not too large to be copied: numbers, dates or texts, or records of these.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> array_table(np.array([1.5, 9.75]), "heights").table.columns[0].label
    'heights'
    """
    library = next((one for one in _LIBRARIES if find_spec(one)), None)
    if library is None or len(value.shape) != 1 or value.shape[0] < _LEAST or hasattr(value, "mask"):
        return None
    names = value.dtype.names
    parts = [(label, value[label]) for label in names] if names else [(name, value)]
    if not all(is_number_array(part) and len(part.shape) == 1 and part.dtype.kind != "c" for _, part in parts):
        return None
    if value.shape[0] * len(parts) > passages_array.MAX_ARRAY_VALUES or any(p.dtype.kind == "S" for _, p in parts):
        return None
    try:
        return _table(name, parts, library, () if names else (name,))
    except Exception:  # whatever the library does not take, as dates of a rare unit
        return None


def _table(name: str, parts: list[tuple[str, Any]], library: Library, asked: tuple[str, ...]) -> FrameSnapshot:
    import narwhals as nw

    from jupyter_localllm.sources.frame_held import told_apart
    from jupyter_localllm.sources.frame_snapshot import snapshot_of

    columns = [(label, nw.new_series(label, part.copy(), backend=library), False) for label, part in parts]
    rows = len(parts[0][1])
    size = f"{rows:,} values" if asked else f"{rows:,} rows x {len(parts)} columns"
    return snapshot_of(
        name, told_apart(columns), rows, size, pandas=library == "pandas", asked=asked[0] if asked else ""
    )
