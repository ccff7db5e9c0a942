"""Functions that the tests give to models."""

from __future__ import annotations

from typing import Literal

from jupyter_localllm import tool


def price(item: str, count: int = 1) -> float:
    """The price of an item, in euros.

    Parameters
    ----------
    item : str
        What to buy.
    """
    return {"tea": 12.0, "coffee": 7.5}[item] * count


@tool(safe=True)
def weather(city: Literal["Oslo", "Rome"]) -> str:
    """The weather in a city now."""
    return f"sunny in {city}"


@tool(pure=True, safe=True)
def double(number: int) -> int:
    """Twice a number."""
    return 2 * number
