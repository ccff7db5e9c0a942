"""Sizes as people read them."""

from __future__ import annotations

__all__ = ["size_text"]


def size_text(n_bytes: int) -> str:
    """Write a number of bytes with its unit, decimal as file managers and download pages show it.

    Examples
    --------
    >>> size_text(98_362_432), size_text(0), size_text(4_661_211_808)
    ('98 MB', '0 bytes', '4.7 GB')
    """
    if abs(n_bytes) < 1000:
        return f"{n_bytes} bytes"
    value, units = n_bytes / 1000, ["kB", "MB", "GB", "TB", "PB", "EB"]
    while abs(value) >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if abs(value) < 9.95 else f"{value:.0f} {units[0]}"
