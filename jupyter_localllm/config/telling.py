"""Settings in words: all of them, and why one cannot have a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from traitlets import Enum, TraitError, TraitType

if TYPE_CHECKING:
    from jupyter_localllm.config.settings import Settings

__all__ = ["reason", "setting_table"]


def setting_table(settings: Settings) -> Iterable[tuple[str, Any, str, str]]:
    """Name, value, origin and meaning of each setting."""
    for name in settings.setting_names():
        yield name, getattr(settings, name), settings.origin(name), str(settings.traits()[name].help)


def reason(trait: TraitType[Any, Any], error: TraitError) -> str:
    """What a trait would take instead."""
    if isinstance(trait, Enum):
        return f"choose one of {', '.join(map(str, trait.values or ()))}"
    low, high = getattr(trait, "min", None), getattr(trait, "max", None)
    bounded = (low not in (None, float("-inf"))) or (high not in (None, float("inf")))
    if bounded:
        return (
            f"it is {trait.info()} from {low} to {high}"
            if high not in (None, float("inf"))
            else (f"it is {trait.info()} of at least {low}")
        )
    return str(error)
