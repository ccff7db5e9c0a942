"""Every kind but tables keeps the contract of snapshots, in this process and in others."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydantic
import pytest

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.snapshot import CitableKind, take_snapshot
from jupyter_localllm.sources.text import TextKind
from tests.sources.snapshot_contract import Case, SnapshotContract

TEXT = "# Report\n\nBerlin grew. Much.\n\n## Rome\n\nRome did not.\nIt shrank.\n\n- one\n- two\n"
LONG = " ".join(f"Sentence number {n} tells of it." for n in range(200))
CODE = "import os\n\n\ndef first():\n    return 1\n\n\nclass Second:\n    def method(self):\n        return 2\n"


@dataclasses.dataclass
class House:
    street: str
    rooms: list[int]

    def __str__(self) -> str:
        raise RuntimeError("not asked")


class Model(pydantic.BaseModel):
    name: str
    sizes: dict[str, float]


class Speaks:
    def __init__(self) -> None:
        self.word = "blue"

    def _ai_repr_(self) -> str:
        return f"The sky is {self.word}.\n\nThe sea is deep."


def _setting(key: Any, new: Any) -> Any:
    def change(value: Any) -> Any:
        value[key] = new
        return value

    return change


def _with(name: str, new: Any) -> Any:
    def change(value: Any) -> Any:
        setattr(value, name, new)
        return value

    return change


def _cities() -> list[dict[str, Any]]:
    return [{"City": "Berlin", "Population": 3.9}, {"City": "Rome", "Population": 2.8}]


def _grow(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    value[1]["Population"] = 3.0
    return value


def _add(value: Any) -> Any:
    value.add("c")
    return value


CASES = [
    Case("text", lambda: TEXT, lambda text: text.replace("shrank", "grew"), "shrank"),
    Case("long line", lambda: LONG, lambda text: text.replace("number 100 ", "number x "), "number 100 "),
    Case("label", lambda: "Berlin", lambda text: "Rome", "Berlin"),
    Case("number", lambda: 3, lambda value: 4, "3"),
    Case("dict", lambda: {"a/b": {"m~n": 1, "": 2}, "c": 3}, _setting("c", 4), "c: 3"),
    Case("records", _cities, _grow, "of Rome: 2.8"),
    Case("numbers", lambda: {"n": list(range(45)), "m": 1}, _setting("m", 2), "m: 1"),
    Case("set", lambda: {"a", "b"}, _add, "a, b"),
    Case("dataclass", lambda: House("Elm", [1, 2]), _with("street", "Oak"), "Elm"),
    Case("namespace", lambda: SimpleNamespace(a=1, b=[2]), _with("a", 2), "a: 1"),
    Case("pydantic", lambda: Model(name="x", sizes={"s": 1.5}), _with("name", "y"), "name: x"),
    Case("prose in a dict", lambda: {"body": LONG, "n": 1}, _setting("n", 2), "n: 1"),
    Case("array", lambda: np.arange(50) + 1j, _setting(49, 7), "values 41 to 50"),
    Case("matrix", lambda: np.full((3, 45), "a"), _setting((1, 30), "b"), "row 2, columns 21 to 40"),
    Case("array in a dict", lambda: {"x": np.zeros(3), "y": 1}, _setting("y", 2), "y: 1"),
    Case("ai_repr", Speaks, _with("word", "red"), "blue"),
]


class TestKinds(SnapshotContract):
    @pytest.fixture(params=CASES, ids=lambda case: case.name)
    def case(self, request: pytest.FixtureRequest) -> Case:
        found: Case = request.param
        return found


class TestFiles(SnapshotContract):
    """A path stands for its file, as it was when it was read."""

    @pytest.fixture(params=["report.md", "code.py", "page.html", "data.json", "notes.cfg"])
    def case(self, request: pytest.FixtureRequest, tmp_path: Path) -> Case:
        before, after, stale = {
            "report.md": (TEXT, TEXT.replace("shrank", "grew"), "shrank"),
            "code.py": (CODE, CODE.replace("return 1", "return 3"), "return 1"),
            "page.html": ("<h1>A</h1>\n<p>one</p>\n<p>two</p>", "<h1>A</h1>\n<p>one</p>\n<p>three</p>", "two"),
            "data.json": ('{"a": [{"b": 1}], "c": 2}', '{"a": [{"b": 1}], "c": 3}', "c: 2"),
            "notes.cfg": ("# one\na = 1\n\nb = 2\n", "# one\na = 1\n\nb = 3\n", "b = 2"),
        }[request.param]
        path = tmp_path / request.param

        def make() -> Path:
            path.write_text(before, encoding="utf-8")
            return path

        def change(value: Path) -> Path:
            value.write_text(after, encoding="utf-8")
            return value

        return Case(request.param, make, change, stale)


def test_kinds_that_can_be_cited_keep_the_protocol() -> None:
    """A kind that can be cited is a kind with one method more."""
    assert isinstance(TextKind(), CitableKind)


def test_a_kind_without_snapshots_says_so() -> None:
    """What cannot be cited is refused with a word on what can."""
    with pytest.raises(SourceError, match=r"raw is bytes \(3 bytes\), not text") as caught:
        take_snapshot(b"abc", "raw")
    assert 'raw.decode("utf-8")' in caught.value.hint


def test_passages_are_the_same_in_every_process() -> None:
    """Two processes with different hash seeds give the same passages and hashes, sets among them."""
    code = """
import datetime, numpy as np
from jupyter_localllm.sources.snapshot import take_snapshot
words = {"red", "green", "blue", "x", "y"}
mixed = {1, "a", (2, 3), None, frozenset({"p", "q", "r"}), 2.5}
nested = {"in": [words, mixed], "when": datetime.date(2024, 1, 2)}
for value in (words, mixed, nested, np.arange(30.0), "One.\\n\\nTwo."):
    held = take_snapshot(value, "it")
    print(held.sha256, list(held.passages()))
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(outputs) == 1
    assert "blue, green, red, x, y" in outputs.pop()


def test_nothing_heavy_is_imported_for_values_of_python() -> None:
    """Text, numbers and nested data need no library of tables or of documents."""
    code = """
import sys
from jupyter_localllm.sources.snapshot import take_snapshot
for value in (1, "text. More.", [1, {"a": (2,)}], {1, 2}, print.__class__):
    try:
        held = take_snapshot(value, "it")
        list(held.passages()), held.notes
    except Exception:
        pass
heavy = {"pandas", "polars", "pyarrow", "numpy", "narwhals", "pydantic", "pypdf", "html.parser"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
