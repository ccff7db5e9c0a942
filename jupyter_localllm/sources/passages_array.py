"""Passages of arrays: blocks of values with the positions of their rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from jupyter_localllm.sources.arrays import is_number_array, plain_values
from jupyter_localllm.sources.held import Held, HeldValue, plural, sha256_of
from jupyter_localllm.sources.passages_values import hold_structure
from jupyter_localllm.sources.scalar import json_text
from jupyter_localllm.sources.statistics import number_text
from jupyter_localllm.types import Locator, Note, Passage

__all__ = ["MAX_ARRAY_VALUES", "HeldArray", "hold_array"]

MAX_ARRAY_VALUES = 10_000_000
"""Most values of an array that are copied; 80 MB of 64-bit numbers."""

_BLOCK = 20  # values in one passage
_PART = 100_000  # whole numbers that are added up at once
_FIGURES = {"max": "maximum", "min": "minimum", "mean": "mean, average", "sum": "sum, total"}


@dataclass(frozen=True)
class HeldArray(Held):
    """An array of one or two dimensions, copied.

    Parameters
    ----------
    array : numpy.ndarray
    """

    array: Any

    @property
    def kind(self) -> str:
        """Say ``"array"``."""
        return "array"

    @cached_property
    def sha256(self) -> str:
        """Of type, shape and values."""
        import hashlib

        digest = hashlib.sha256(f"{self.array.dtype.str} {self.array.shape}".encode())
        step = max(1, 1_000_000 // self._width)
        for start in range(0, self._rows, step):
            rows = self.array[start : start + step]
            digest.update(repr(plain_values(rows)).encode() if hasattr(rows, "mask") else rows.tobytes())
        return digest.hexdigest()

    @property
    def _rows(self) -> int:
        return int(self.array.shape[0])

    @property
    def _width(self) -> int:
        return max(1, int(self.array.shape[1])) if self.array.ndim == 2 else 1

    def passages(self) -> Iterator[Passage]:
        """Figures of all values, one each; then blocks of values, of a wide row its columns in blocks."""
        if not self.array.size:
            return
        yield from self._figures.values()
        step = max(1, _BLOCK // self._width)
        for start in range(0, self._rows, step):
            yield from self._row_block(start, min(start + step, self._rows))

    def resolve(self, locator: Locator) -> Passage | None:
        """The figure of this operation, or the block of these rows and columns."""
        if locator.operation is not None:
            return self._figures.get(locator.operation)
        rows = locator.rows
        if not rows or locator.path is not None or rows != tuple(range(rows[0], rows[0] + len(rows))):
            return None
        if rows[0] < 0 or rows[-1] >= self._rows:
            return None
        found = self._row_block(rows[0], rows[-1] + 1)
        return next((passage for passage in found if passage.locator.columns == locator.columns), None)

    @cached_property
    def _figures(self) -> dict[str, Passage]:
        """Figures of all values, by their operation; missing values are left out. None of what is no number."""
        import numpy as np

        if self.told:  # of a part there is no figure
            return {}
        values = self.array.compressed() if hasattr(self.array, "mask") else self.array.ravel()
        if values.dtype.kind == "f":
            values = values[~np.isnan(values)]
        if values.dtype.kind not in "iuf" or not values.size:
            return {}
        told = {f"{name}({self.name})": _text(one) for name in _FIGURES if (one := _figure(values, name)) is not None}
        missing = self.array.size - values.size
        count = f"n = {values.size:,}" + (f", {missing:,} missing" if missing else "")

        def figure(code: str, words: str) -> Passage:
            text = f"{words} of {self.name}: {told[code]} ({count})"
            return Passage(
                self.name, "statistic", text, Locator(operation=code, label=code), sha256_of(text), told[code]
            )

        return {code: figure(code, _FIGURES[code.partition("(")[0]]) for code in told}

    def _row_block(self, start: int, stop: int) -> Iterator[Passage]:
        columns = range(0, self._width, _BLOCK) if self._width > _BLOCK else (0,)
        for left in columns:
            right = min(left + _BLOCK, self._width)
            yield self._block(start, stop, left, right)

    def _block(self, start: int, stop: int, left: int, right: int) -> Passage:
        flat = self.array.ndim == 1
        part = self.array[start:stop] if flat else self.array[start:stop, left:right]
        values = plain_values(part)
        label = _range("value" if flat else "row", start, stop)
        names: tuple[str, ...] = ()
        if not flat and right - left < self._width:
            names = tuple(map(str, range(left, right)))
            label = f"{label}, {_range('column', left, right)}"
        rows = [values] if flat else values
        shown = [", ".join(map(_text, row)) for row in rows]
        if flat or len(rows) == 1:
            text = f"{label} of {self.name}: {shown[0]}"
        else:
            lines = (f"row {start + place + 1}: {row}" for place, row in enumerate(shown))
            text = f"{label} of {self.name}:\n" + "\n".join(lines)
        locator = Locator(rows=tuple(range(start, stop)), columns=names, label=label)
        value = shown[0] if part.size == 1 else ""
        return Passage(self.name, "value", text, locator, sha256_of(repr(values)), value)


def hold_array(value: Any, name: str) -> Held:
    """Hold an array of numpy or of one of its relatives.

    Parameters
    ----------
    value : array
        Something with ``shape``, ``dtype`` and ``tolist``.
    name : str

    Returns
    -------
    Held
        One value without dimensions; blocks of rows with one or two; with more only the shape can be cited. Arrays of
        objects and records, and those of other packages, are held as lists.
    """
    shape = tuple(int(n) for n in value.shape)
    size = plural(shape[0], "value") if len(shape) == 1 else f"{' x '.join(f'{n:,}' for n in shape)} array"
    if not shape:
        plain = plain_values(value)
        return HeldValue(name, "1 value", (), _text(plain), repr(plain))
    if len(shape) > 2:
        told = Note("cut", f"of {name} only the shape can be cited; its values can as {name}[0] and the like")
        shown = f"array of shape {' x '.join(map(str, shape))}, {value.dtype}"
        return HeldValue(name, size, (told,), shown, shown)
    if not is_number_array(value):
        return hold_structure(value, name, size)
    return _copied(value, name, size, shape)


def _copied(value: Any, name: str, size: str, shape: tuple[int, ...]) -> HeldArray:
    width = shape[1] if len(shape) == 2 else 1
    rows = max(1, MAX_ARRAY_VALUES // max(1, width))
    held = HeldArray(name, size, (), value[:rows].copy())
    if rows >= shape[0]:
        return held
    return replace(held, told=(Note("cut", f"only the first {rows:,} of {shape[0]:,} rows of {name} were read"),))


def _figure(values: Any, name: str) -> Any:
    """A figure as a number of Python; the sum of whole numbers is exact. None if it is not finite."""
    import numpy as np

    if name in ("min", "max"):
        found = plain_values(getattr(values, name)())
    elif name == "sum" and values.dtype.kind in "iu":
        found = _whole_sum(values)
    else:
        with np.errstate(all="ignore"):
            found = float(getattr(values, name)(dtype=np.float64))
        if values.dtype.itemsize < np.dtype(np.float64).itemsize and math.isfinite(found):
            found = float(number_text(found))  # without digits that the values do not have
    return found if isinstance(found, int) or math.isfinite(found) else None


def _whole_sum(values: Any) -> int:
    import numpy as np

    parts = (values[start : start + _PART] for start in range(0, values.size, _PART))
    most = max(abs(int(values.min())), abs(int(values.max())))
    return sum(int(part.sum(dtype=np.int64 if most < 2**63 // _PART else object)) for part in parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value) or str(value)


def _range(word: str, start: int, stop: int) -> str:
    return f"{word} {start + 1:,}" if stop == start + 1 else f"{word}s {start + 1:,} to {stop:,}"
