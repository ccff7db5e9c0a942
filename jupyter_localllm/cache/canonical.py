"""Canonical JSON: one text for one value, so that its hash can stand for it.

Sorted keys, no white space, UTF-8, as in RFC 8785, but with Python's ``repr`` of floats, which is as unique.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.errors import CacheError

__all__ = ["canonical", "content_sha256", "dump", "parse"]


def canonical(value: Any) -> bytes:
    """Write the one JSON text of a value.

    Parameters
    ----------
    value : object
        None, bool, int, float, str, and lists, tuples and mappings of these; keys are str.

    Returns
    -------
    bytes
        UTF-8. Two values give the same bytes only if they are equal with the same types: ``1`` and ``1.0`` differ, a
        tuple and a list do not. A lone surrogate (Python strings may hold one, UTF-8 may not) is written in the three
        bytes it would have, so that it stays apart from every other text.

    Raises
    ------
    CacheError
        The value holds something else, such as NaN or a key that is not a str.

    Examples
    --------
    >>> canonical({"b": (1, 2.0), "a": "é"}).decode()
    '{"a":"é","b":[1,2.0]}'
    """
    return dump(value, sort_keys=True)


def parse(data: bytes) -> Any:
    """Read what `canonical` wrote; strict about everything that is not JSON.

    Raises
    ------
    CacheError
        It is not JSON, or it is nested without end.
    """
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CacheError(f"This is not JSON: {error}") from None


def content_sha256(content: str | bytes) -> str:
    """Hash a content with sha256, in hex; a text is hashed as UTF-8.

    Examples
    --------
    >>> content_sha256("abc") == content_sha256(b"abc")
    True
    """
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


def dump(value: Any, *, sort_keys: bool) -> bytes:
    """Write `value` as `canonical` does, its keys perhaps in their own order."""
    try:
        text = json.dumps(
            _plain(value), sort_keys=sort_keys, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except (ValueError, RecursionError) as error:
        raise CacheError(f"This cannot be part of a cache key: {error}") from None
    return text.encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    # json.dumps would turn the keys 1 and "1", or None and "null", into the same text, so keys are checked here.
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CacheError(f"{value} cannot be part of a cache key.", "Give a finite number.")
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise CacheError(f"The mapping key {key!r} cannot be part of a cache key: it is not text.")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise CacheError(f"A value of type {type(value).__name__} cannot be part of a cache key.")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
