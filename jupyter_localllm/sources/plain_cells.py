"""The cells of a column as people read them, each on one line."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.cells import column_texts
from jupyter_localllm.sources.scalar import is_missing, moment_text

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["is_loose", "is_text", "plain_series", "plain_texts"]

_FEW = 64  # values of an array that are written out
_LONG = 2_000  # characters of a nested cell that are written out
_SLICE = 100_000  # texts that are looked at together


def is_text(dtype: Any) -> bool:
    """Whether the cells of a column of this type are texts, or categories, which are compared as texts."""
    return str(dtype) in ("String", "Categorical") or str(dtype).startswith("Enum")


def is_loose(series: nw.Series[Any]) -> bool:
    """Whether cells may be objects of any type, or texts that no library can keep, whatever the column's type says.

    narwhals calls a column of Python's objects one of texts if the first hundred are texts or missing.
    """
    import narwhals as nw

    if str(series.dtype) == "Object":
        return True
    if not is_text(series.dtype) or not series.implementation.is_pandas_like():
        return False
    native = nw.to_native(series)
    if hasattr(native.array, "_pa_array"):
        return False
    if hasattr(native.array, "categories"):
        named = native.array.categories
        return not hasattr(named.array, "_pa_array") and not _is_unicode([x for x in named if isinstance(x, str)])
    return not all(_are_texts(native.iloc[n : n + _SLICE].tolist()) for n in range(0, len(native), _SLICE))


def _are_texts(cells: list[Any]) -> bool:
    """Whether all of them are texts or missing."""
    texts = [cell for cell in cells if type(cell) is str]
    if len(texts) < len(cells) and not all(type(cell) is str or _is_nothing(cell) for cell in cells):
        return False
    return _is_unicode(texts)


def _is_nothing(cell: Any) -> bool:
    return is_missing(cell) or (isinstance(cell, float) and math.isnan(cell))


def _is_unicode(texts: list[str]) -> bool:
    """Whether none has half of a surrogate pair, which is no character and cannot be written as UTF-8."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_series(series: nw.Series[Any]) -> nw.Series[Any]:
    """Texts as `plain_texts` writes them, by the table's own library; null where nothing is left.

    Parameters
    ----------
    series : narwhals.Series
        Of a type for which `is_text` holds.
    """
    import narwhals as nw

    raw = series if str(series.dtype) == "String" else series.cast(nw.String())
    text = raw.alias("text").str.strip_chars()
    loose = raw.str.contains("\n|  ").fill_null(False)
    if bool(loose.any()):
        text = text.str.replace_all(r"\s+", " ").zip_with(loose, text)
    return text.to_frame().select(nw.when(nw.col("text") != "").then(nw.col("text")).alias("text"))["text"]


def plain_texts(series: nw.Series[Any], pandas: bool, *, times: bool = False) -> list[str]:
    """The cells as people read them, without the escapes of a Markdown table where they are plain texts.

    Parameters
    ----------
    series : narwhals.Series
    pandas : bool
        Whether NaN stands for a missing value.
    times : bool
        Whether moments are written with the time of day, even if all of these are at midnight.
    """
    if str(series.dtype) == "Object" or is_text(series.dtype):
        texts = [_line(value) if type(value) is str else _other(value, pandas) for value in series.to_list()]
        if series.implementation.is_polars() and str(series.dtype) != "Object":
            return texts
        return texts if _is_unicode(texts) else [text.encode(errors="backslashreplace").decode() for text in texts]
    if times and (pandas or "'ns'" not in str(series.dtype)):
        return ["" if is_missing(value) else moment_text(value) for value in series.to_list()]
    try:
        texts = column_texts(series, nan_is_missing=pandas)
        return list(map(_whole_or_hashed, texts)) if series.dtype.is_nested() else texts
    except Exception:  # one cell of a rare type spoils the column: cell by cell, then
        return [_other(value, pandas) for value in series.to_list()]


def _line(text: str) -> str:
    """A text on one line, as a cell is read."""
    return " ".join(text.split()) if "\n" in text or "  " in text else text.strip()


def _other(value: Any, pandas: bool) -> str:
    """A cell that is no text: a number, a date, a list. Of a foreign object only its type: to ask it may be slow."""
    from jupyter_localllm.sources.arrays import is_array
    from jupyter_localllm.sources.cells import cell_texts
    from jupyter_localllm.sources.scalar import ScalarKind
    from jupyter_localllm.sources.structure import StructureKind

    if is_missing(value):
        return ""
    kind = type(value)
    if kind is range or (kind.__name__ in ("Interval", "Period") and kind.__module__.partition(".")[0] == "pandas"):
        return str(value)
    if is_array(value) and value.size > _FEW:
        return _large_array(value)
    try:
        if ScalarKind().matches(value) or StructureKind().matches(value):
            return _whole_or_hashed(_line(cell_texts([value], nan_is_missing=pandas)[0]))
    except Exception as error:  # whatever a foreign object in a list does while it is read
        return f"<unreadable {type(value).__name__}: {type(error).__name__}>"
    return f"<{type(value).__name__}>"


def _large_array(value: Any) -> str:
    """A picture or a vector, by its size and what tells it from others."""
    try:
        content = hashlib.sha256(value.tobytes()).hexdigest()[:8] if value.dtype.kind != "O" else "objects"
        return f"<array of {' x '.join(map(str, value.shape))} {value.dtype}, {content}>"
    except Exception as error:  # whatever an array of another library does
        return f"<unreadable {type(value).__name__}: {type(error).__name__}>"


def _whole_or_hashed(text: str) -> str:
    """The text of a nested cell; of a very long one how it begins, and what tells it from others."""
    if len(text) <= _LONG:
        return text
    content = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{text[:_LONG]} … <{len(text):,} characters, {content}>"
