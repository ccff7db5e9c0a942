"""Single values: numbers, dates, and what stands for a missing one.

Three texts of the same value are needed: in a sentence (`ScalarKind`), inside of a structure (`json_text`), and in the
cell of a table (`is_missing` and ``str``).
"""

from __future__ import annotations

import datetime as dt
import json
import math
import struct
import uuid
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from jupyter_localllm.sources.base import Rendered

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["ScalarKind", "is_missing", "is_numpy_scalar", "json_text", "moment_text", "short_float32"]

_PLAIN = (bool, int, float, complex, Decimal, Fraction, uuid.UUID, Enum, dt.date, dt.time, dt.timedelta, dt.tzinfo)


class ScalarKind:
    """Values that stand in a sentence, without a word on their size."""

    name = "scalar"

    def matches(self, value: Any) -> bool:
        """Whether the value is one number, date, or the like."""
        return value is None or isinstance(value, _PLAIN) or is_missing(value) or is_numpy_scalar(value)

    def render(self, value: Any, name: str) -> Rendered:
        """Write it as ``print`` would."""
        return Rendered(str(value))

    def snapshot(self, value: Any, name: str) -> Snapshot:
        """Hold the one value."""
        from jupyter_localllm.sources.held import HeldValue

        shown = str(value)
        return HeldValue(name, "1 value", (), shown, json_text(value) or shown)


def is_numpy_scalar(value: Any) -> bool:
    """Whether the value is one of numpy's scalars, without importing numpy."""
    return any(c.__name__ == "generic" and c.__module__ == "numpy" for c in type(value).__mro__)


def is_missing(value: Any) -> bool:
    """Whether the value stands for nothing: ``None``, pandas' ``NA`` and ``NaT``, numpy's ``NaT`` and masked values.

    A float that is not a number does not count: for pandas it stands for nothing, for others it is a result.
    """
    if value is None:
        return True
    kind = type(value)
    if kind.__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    return kind.__name__ in ("datetime64", "timedelta64") and str(value) == "NaT"


def json_text(value: Any) -> str | None:
    """Write a scalar or a string as it stands inside of a structure.

    Parameters
    ----------
    value : object

    Returns
    -------
    str or None
        JSON (RFC 8259) where JSON has a form for it, else the value's text in quotes; numbers that JSON lacks are
        ``NaN`` and ``Infinity`` as Python's own ``json`` writes them. ``None`` if the value is not a scalar.

    Examples
    --------
    >>> json_text("a"), json_text(True), json_text(None)
    ('"a"', 'true', 'null')
    """
    if is_missing(value):
        return "null"
    if is_numpy_scalar(value):
        return _numpy_json(value)
    if isinstance(value, str) and not isinstance(value, Enum):
        return quoted(str.__str__(value))
    if isinstance(value, _PLAIN):
        return _plain_json(value)
    return None


def quoted(text: str) -> str:
    """Write a JSON string that keeps letters of every language."""
    return json.dumps(text, ensure_ascii=False)


def moment_text(value: dt.date | dt.time) -> str:
    """Write a date or time in ISO 8601, with a space between both as people write it."""
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()


def short_float32(value: float) -> str:
    """Write a 32-bit float that was widened to 64 bits in the fewest digits that give it back.

    Examples
    --------
    >>> short_float32(0.10000000149011612)
    '0.1'
    """
    if not math.isfinite(value):
        return str(value)
    for digits in range(1, 10):  # nine digits tell all 32-bit floats apart
        short = float(f"{value:.{digits}g}")
        try:
            if struct.unpack("f", struct.pack("f", short))[0] == value:
                return repr(short)
        except OverflowError:  # rounded up beyond the largest 32-bit float
            continue
    return repr(value)


def _plain_json(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and not isinstance(value, Enum):
        return _float_json(float.__repr__(value)) if isinstance(value, float) else int.__repr__(value)
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    return quoted(value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value))


def _float_json(text: str) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)


def _numpy_json(value: Any) -> str | None:
    kind = value.dtype.kind
    if kind == "b":
        return "true" if value else "false"
    if kind in "iu":
        return str(value)
    if kind == "f":
        return _float_json(str(value))  # numpy writes the fewest digits for the value's own size
    if kind in "SV":
        return None  # bytes and records are not scalars here
    return quoted(str(value))
