"""The cells of one column of a table, as text."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.objects import ObjectKind
from jupyter_localllm.sources.scalar import ScalarKind, is_missing, moment_text, short_float32
from jupyter_localllm.sources.structure import StructureKind, inline_text
from jupyter_localllm.sources.text import TextKind

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["cell_texts", "column_texts", "escaped"]

_EPOCH = dt.datetime(1970, 1, 1)
_MIDNIGHT = dt.time()

# What would end a line or a cell is shown, so that a table stays a table and the reader sees what was there.
_ESCAPES = {ord("|"): "\\|", ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"} | {
    code: f"\\x{code:02x}" for code in (*range(9), 11, 12, *range(14, 32), 127, 0x85)
}
_ESCAPES |= {0x2028: "\\u2028", 0x2029: "\\u2029"}


def escaped(text: str) -> str:
    r"""Show what would break the row of a Markdown table.

    Examples
    --------
    >>> print(escaped("a|b"))
    a\|b
    """
    return text if text.isalnum() else text.translate(_ESCAPES)


def column_texts(series: nw.Series[Any], *, nan_is_missing: bool) -> list[str]:
    """Write the cells of a column.

    Parameters
    ----------
    series : narwhals.Series
    nan_is_missing : bool
        Whether a float that is not a number stands for a missing value, as it does in pandas.

    Returns
    -------
    list of str
        One text for each row, complete, escaped for a Markdown table.
    """
    dtype = str(series.dtype)
    if not nan_is_missing and ("'ns'" in dtype or (dtype == "Time" and _counts_nanoseconds(series))):
        return _nanosecond_texts(series)
    values = series.to_list()
    if dtype in ("Float32", "Float16"):
        texts = ["" if is_missing(value) else short_float32(value) for value in values]
        return [_float_text(text, nan_is_missing) for text in texts]
    return cell_texts(values, nan_is_missing=nan_is_missing)


def cell_texts(values: list[Any], *, nan_is_missing: bool) -> list[str]:
    """Write Python values as the cells of one column; see `column_texts`."""
    if _only_dates(values):
        return ["" if is_missing(value) else value.date().isoformat() for value in values]
    return [_cell(value, nan_is_missing) for value in values]


def _cell(value: Any, nan_is_missing: bool) -> str:
    kind = type(value)
    if kind is str:
        return _string(value)
    if kind is int or kind is bool:
        return str(value)
    if isinstance(value, float):
        return _float_text(str(value), nan_is_missing)
    if is_missing(value):
        return ""
    if isinstance(value, (dt.date, dt.time)):
        return moment_text(value)
    return _string(_other(value))


def _string(text: str) -> str:
    """Escape a text; one whose blanks would be lost in the table is put in quotes."""
    return escaped(text) if text and text == text.strip() else f'"{escaped(text)}"'


def _other(value: Any) -> str:
    """Write values of the rarer kinds: nested ones on one line, objects by their own text."""
    for kind in (TextKind(), ScalarKind()):
        if kind.matches(value):
            return kind.render(value, "A cell").text
    if StructureKind().matches(value):
        return inline_text(value)
    return ObjectKind().render(value, "A cell").text


def _only_dates(values: list[Any]) -> bool:
    """Whether a column of datetimes holds dates: no zone, and midnight everywhere."""
    found = False
    for value in values:
        if is_missing(value):
            continue
        if not isinstance(value, dt.datetime) or value.tzinfo is not None or value.time() != _MIDNIGHT:
            return False
        if getattr(value, "nanosecond", 0):
            return False
        found = True
    return found


def _float_text(text: str, nan_is_missing: bool) -> str:
    if text != "nan":
        return text
    return "" if nan_is_missing else "NaN"


def _counts_nanoseconds(series: nw.Series[Any]) -> bool:
    """Whether times of the day are kept so; narwhals calls times of every unit the same."""
    import narwhals as nw

    return not series.implementation.is_pyarrow() or str(nw.to_native(series).type) == "time64[ns]"


def _nanosecond_texts(series: nw.Series[Any]) -> list[str]:
    """Write times in nanoseconds, of which Python's own types would lose the last three digits."""
    import narwhals as nw

    dtype = series.dtype
    counts: list[int | None] = series.cast(nw.Int64()).to_list()
    if not any(count is not None and count % 1000 for count in counts):
        return cell_texts([_moment(count, dtype) for count in counts], nan_is_missing=False)
    return ["" if count is None else _with_nanoseconds(_moment(count, dtype), count % 1000) for count in counts]


def _moment(count: int | None, dtype: Any) -> Any:
    name = str(dtype)
    if count is None:
        return None
    passed = dt.timedelta(microseconds=count // 1000)
    if name.startswith("Duration"):
        return passed
    moment = _EPOCH + passed
    if name == "Time":
        return moment.time()
    if dtype.time_zone is None:
        return moment
    from zoneinfo import ZoneInfo

    return moment.replace(tzinfo=dt.timezone.utc).astimezone(ZoneInfo(dtype.time_zone))


def _with_nanoseconds(moment: Any, rest: int) -> str:
    """Put three more digits behind the microseconds."""
    if isinstance(moment, dt.timedelta):
        text = str(moment)
        return f"{text}{rest:03d}" if "." in text else f"{text}.000000{rest:03d}"
    whole = (
        moment.isoformat(sep=" ", timespec="microseconds")
        if isinstance(moment, dt.datetime)
        else (moment.isoformat(timespec="microseconds"))
    )
    point = whole.index(".") + 7
    return f"{whole[:point]}{rest:03d}{whole[point:]}"
