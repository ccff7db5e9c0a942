"""Files that hold a table: read by the library that is at hand, and cited as its frame."""

from __future__ import annotations

import csv
import importlib.util
import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import DependencyMissing, SourceError
from jupyter_localllm.sources.base import KINDS

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["hold_table"]

_LIBRARIES = ("pandas", "polars", "pyarrow")
_SAMPLE = 16_384  # characters from which the separator of a CSV file is told


def hold_table(data: bytes, ending: str, file: str, name: str) -> Snapshot:
    """Read a table and hold its frame.

    Parameters
    ----------
    data : bytes
        The whole file.
    ending : str
        ``".csv"``, ``".tsv"``, ``".tab"``, ``".parquet"`` or ``".pq"``.
    file, name : str
        Name of the file, and of the variable.

    Raises
    ------
    SourceError
        The file is broken or empty.
    DependencyMissing
        None of pandas, polars and pyarrow is installed.
    """
    libraries = [known for known in _LIBRARIES if known in sys.modules]
    libraries += [known for known in _LIBRARIES if known not in libraries and importlib.util.find_spec(known)]
    if not libraries:
        raise DependencyMissing(
            f"{name} ({file}) is a table, and neither pandas, polars nor pyarrow is installed to read it.",
            "Install one: pip install pandas",
        )
    if not data.strip():
        raise SourceError(f"{name} ({file}) is empty.", "Cite a file that holds a table.")
    frame = _frame(libraries, data, ending, file, name)
    held: Snapshot = KINDS.snapshot(frame, name)
    return held


def _frame(libraries: list[str], data: bytes, ending: str, file: str, name: str) -> Any:
    parquet = ending in (".parquet", ".pq")
    if parquet and libraries[0] == "pandas" and "pyarrow" not in libraries and "polars" in libraries:
        libraries = ["polars"]  # pandas reads Parquet through others
    try:
        if parquet:
            return _PARQUET[libraries[0]](data)
        data.decode("utf-8")  # pyarrow would take other bytes for binary cells
        return _CSV[libraries[0]](data, _separator(data, ending))
    except ImportError as error:
        raise DependencyMissing(f"{name} ({file}) cannot be read: {error}", "pip install pyarrow") from error
    except UnicodeDecodeError as error:
        guess = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
        raise SourceError(
            f"{name} ({file}) is not text in UTF-8.",
            f'Read it in a cell: df = pandas.read_csv({name}, encoding="{guess}"), and cite df.',
        ) from error
    except Exception as error:  # each library has its own tree of errors
        what = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(
            f"{name} ({file}) cannot be read as a table: {what}",
            "Repair the file, or read it in a cell with the options it needs, and cite the frame.",
        ) from error


def _separator(data: bytes, ending: str) -> str:
    if ending != ".csv":
        return "\t"
    sample = data[:_SAMPLE].decode("utf-8-sig", "replace")
    try:
        return csv.Sniffer().sniff(sample, ",;\t|").delimiter
    except csv.Error:  # one column, or too few lines to tell
        return ","


def _pandas_csv(data: bytes, separator: str) -> Any:
    import pandas as pd

    return pd.read_csv(io.BytesIO(data), sep=separator, encoding="utf-8-sig", low_memory=False)


def _polars_csv(data: bytes, separator: str) -> Any:
    import polars as pl

    return pl.read_csv(data, separator=separator, infer_schema_length=None)


def _arrow_csv(data: bytes, separator: str) -> Any:
    from pyarrow import csv as arrow_csv  # type: ignore[import-untyped]

    return arrow_csv.read_csv(io.BytesIO(data), parse_options=arrow_csv.ParseOptions(delimiter=separator))


def _pandas_parquet(data: bytes) -> Any:
    import pandas as pd

    return pd.read_parquet(io.BytesIO(data))


def _polars_parquet(data: bytes) -> Any:
    import polars as pl

    return pl.read_parquet(io.BytesIO(data))


def _arrow_parquet(data: bytes) -> Any:
    from pyarrow import parquet

    return parquet.read_table(io.BytesIO(data))


_CSV: dict[str, Callable[[bytes, str], Any]] = {"pandas": _pandas_csv, "polars": _polars_csv, "pyarrow": _arrow_csv}
_PARQUET: dict[str, Callable[[bytes], Any]] = {
    "pandas": _pandas_parquet,
    "polars": _polars_parquet,
    "pyarrow": _arrow_parquet,
}
