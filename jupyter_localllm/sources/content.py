"""What a column holds, as one hash: equal cells have equal hashes in every process, whatever chunks they lie in.

Cells are hashed and never only their addresses: a frame may lie over an array that the notebook still writes to, as
polars and pyarrow do with an array of numpy that they were made of, so that equal addresses prove nothing.

Numbers are hashed as they lie in memory. Texts are hashed as their lengths in UTF-8 and the bytes of all of them, which
is what Arrow keeps (https://arrow.apache.org/docs/format/Columnar.html), so most libraries need not make a Python
string of each.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import narwhals as nw
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["STILL", "content_of"]

STILL = frozenset({str, int, float, bool, bytes, type(None), dt.date, dt.datetime, dt.time, dt.timedelta, Decimal})
"""Types of which no value ever changes."""

_SLICE = 100_000  # cells that are Python's at once
_NUMBERS = frozenset({"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"})
_MISSING = -1  # the length of a cell that is none; an empty text has 0


def content_of(series: nw.Series[Any], texts: Callable[[range], list[str]], *, loose: bool = False) -> str:
    """Hash the type and the cells of a column with sha256, in hex.

    Parameters
    ----------
    series : narwhals.Series
    texts : callable
        The cells of some rows as people read them; asked for cells of which Python cannot say exactly what they are.
    loose : bool
        Whether any cell may be any object, whatever type the column says that it has.

    Examples
    --------
    >>> import narwhals as nw, polars as pl
    >>> one = nw.from_native(pl.Series(["a", "b"]), series_only=True)
    >>> content_of(one, one.to_list) == content_of(one[:1], one.to_list)
    False
    """
    dtype = str(series.dtype)
    digest = hashlib.sha256(f"{dtype}\x1f{len(series)}\x1f".encode())
    if dtype in _NUMBERS or dtype == "Boolean":
        known = _numbers(series, digest)
    elif series.dtype.is_temporal():
        known = _moments(series, digest)
    elif loose:
        known = False
    elif dtype == "String":
        known = _strings(series, digest)
    elif dtype == "Categorical" or dtype.startswith("Enum"):
        known = _categories(series, digest)
    else:
        known = False
    if not known:
        _cells(series, digest, texts)
    return digest.hexdigest()


def _feed(digest: Any, array: NDArray[Any]) -> None:
    import numpy as np

    digest.update(np.ascontiguousarray(array).view(np.uint8))


def _numbers(series: nw.Series[Any], digest: Any) -> bool:
    if series.null_count():
        missing = series.is_null()
        _feed(digest, missing.to_numpy().astype(bool))
        series = series.fill_null(False if str(series.dtype) == "Boolean" else 0)
    array = series.to_numpy()
    if array.dtype.kind not in "iufb":
        return False
    _feed(digest, array)
    return True


def _moments(series: nw.Series[Any], digest: Any) -> bool:
    """Counts since the epoch."""
    import narwhals as nw

    if series.implementation.is_pandas_like():
        counts = getattr(nw.to_native(series).array, "asi8", None)
        if counts is not None:  # those of pyarrow are cast, as below
            _feed(digest, counts)  # a missing one is the least number
            return True
    try:
        return _numbers(series.cast(nw.Int64()), digest)
    except Exception:  # pyarrow does not cast every one of its types
        return False


def _strings(series: nw.Series[Any], digest: Any) -> bool:
    lengths, letters = hashlib.sha256(), hashlib.sha256()
    for sizes, data in _arrow_texts(series) if _is_arrow(series) else _python_texts(series):
        _feed(lengths, sizes)
        letters.update(data)
    digest.update(lengths.digest() + letters.digest())
    return True


def _is_arrow(series: nw.Series[Any]) -> bool:
    """Whether the texts lie as Arrow keeps them, or nearly so, and pyarrow is there to tell where."""
    import narwhals as nw

    if series.implementation.is_pandas_like() and not hasattr(nw.to_native(series).array, "_pa_array"):
        return False
    if series.implementation.is_pyarrow() or "pyarrow" in sys.modules:
        return True
    return len(series) > _SLICE and importlib.util.find_spec("pyarrow") is not None


def _arrow_texts(series: nw.Series[Any]) -> Iterator[tuple[NDArray[np.int32], Any]]:
    """Lengths of texts and their bytes, piece by piece."""
    import narwhals as nw
    import numpy as np

    pa: Any = importlib.import_module("pyarrow")

    native = nw.to_native(series)
    if series.implementation.is_pandas_like():
        native = native.array.__arrow_array__()
    elif not series.implementation.is_pyarrow():
        native = series.to_arrow()
    for chunk in native.chunks if isinstance(native, pa.ChunkedArray) else [native]:
        plain = chunk if pa.types.is_large_string(chunk.type) else chunk.cast(pa.large_string())
        if not len(plain):
            continue
        _, places, data = plain.buffers()
        offsets = np.frombuffer(places, np.int64, len(plain) + 1, plain.offset * 8)
        sizes = np.diff(offsets).astype("<i4")
        letters = memoryview(b"" if data is None else data)[int(offsets[0]) : int(offsets[-1])]
        if plain.null_count:
            missing = np.asarray(plain.is_null().to_numpy(zero_copy_only=False), dtype=bool)
            if sizes[missing].any():  # letters under a missing cell are no content
                yield from _python_texts(nw.from_native(pa.chunked_array([plain]), series_only=True))
                continue
            sizes[missing] = _MISSING
        yield sizes, letters


def _python_texts(series: nw.Series[Any]) -> Iterator[tuple[NDArray[np.int32], bytes]]:
    import numpy as np

    for start in range(0, len(series), _SLICE):
        cells = [cell if isinstance(cell, str) else None for cell in series[start : start + _SLICE].to_list()]
        joined = "".join(cell for cell in cells if cell is not None)
        if joined.isascii():
            sizes = [_MISSING if cell is None else len(cell) for cell in cells]
        else:
            sizes = [_MISSING if cell is None else len(cell.encode("utf-8", "surrogatepass")) for cell in cells]
        yield np.array(sizes, "<i4"), joined.encode("utf-8", "surrogatepass")


def _categories(series: nw.Series[Any], digest: Any) -> bool:
    import narwhals as nw

    array: Any = getattr(nw.to_native(series), "array", None)
    if not hasattr(array, "categories"):  # as those of Arrow are, in pandas as well
        return _strings(series.cast(nw.String()), digest)
    named = array.categories.tolist()
    if not {type(one) for one in named} <= STILL:
        return False
    _feed_texts(digest, list(map(_exactly, named)))
    _feed(digest, array.codes)
    return True


def _cells(series: nw.Series[Any], digest: Any, texts: Callable[[range], list[str]]) -> None:
    """Cells of any kind, each by what Python says that it is, or by its text."""
    for start in range(0, len(series), _SLICE):
        rows = range(start, min(start + _SLICE, len(series)))
        values = series[rows.start : rows.stop].to_list()
        kinds = set(map(type, values))
        digest.update(b"exactly" if kinds <= STILL else b"as read")
        _feed_texts(digest, list(map(_exactly, values)) if kinds <= STILL else texts(rows))


def _feed_texts(digest: Any, told: list[str]) -> None:
    digest.update(repr(list(map(len, told))).encode())  # so that no text can look like two
    digest.update("".join(told).encode("utf-8", "surrogatepass"))


def _exactly(value: Any) -> str:
    return f"s{value}" if type(value) is str else f"{type(value).__name__} {value!r}"
