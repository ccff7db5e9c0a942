"""The samples that pytest and jest share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "labextension" / "tests" / "protocol.json").read_text(encoding="utf-8")
)


def expand(value: Any) -> Any:
    """What stands for something too large, too deep or too broken to be written down."""
    if isinstance(value, dict):
        if "$repeat" in value:
            text, count = value["$repeat"]
            return text * count
        if "$list" in value:
            item, count = value["$list"]
            return [item] * count
        if "$nest" in value:
            nested: list[Any] = []
            for _ in range(value["$nest"] - 1):
                nested = [nested]
            return nested
        if "$half" in value:
            return "\ud800"
        return {name: expand(item) for name, item in value.items()}
    return [expand(item) for item in value] if isinstance(value, list) else value


def about(samples: list[dict[str, Any]]) -> list[Any]:
    """Samples as parameters of a test, named by what they are."""
    import pytest

    return [pytest.param(sample, id=sample["about"]) for sample in samples]
