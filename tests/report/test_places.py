"""Where reports go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.config.written import write
from jupyter_localllm.errors import UsageError
from jupyter_localllm.report.places import FORMAT, Places, places_of


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*outs: str, runs: Any = ({},), notebook: str | None = None, summary: str | None = None, rows: bool = False
          ) -> list[list[str]]:  # fmt: skip
    made = places_of(Path("in.ipynb"), outs, notebook, summary, runs, numbered=rows)
    return [[str(path) for path in places.all()] for places in made]


def test_what_is_not_named_stands_beside() -> None:
    """The executed notebook and the JSON stand beside the page, and never in the place of the notebook itself."""
    assert names("r.html") == [["r.html", "r.ipynb", "r.json"]]
    assert names("o/r.pdf", "r.html", notebook="n.ipynb", summary="s.json") == [
        ["r.html", "o/r.pdf", "n.ipynb", "s.json"]
    ]
    assert names("in.html") == [["in.html", "in.executed.ipynb", "in.json"]]
    assert names(notebook="o/n.ipynb") == [["o/n.ipynb", "o/n.json"]]


def test_placeholders() -> None:
    """{name} is a parameter, {row} the row; a value cannot leave the folder or name something hidden."""
    runs = [{"region": "EU"}, {"region": "../../etc/pass wd\n"}, {"region": "."}]
    assert [made[0] for made in names("o/{region}-{row}.html", runs=runs, rows=True)] == [
        "o/EU-1.html", "o/_.._etc_pass wd_-2.html", "o/_-3.html",
    ]  # fmt: skip


def test_numbers() -> None:
    """Rows whose names have no placeholder are numbered, all of their files."""
    assert names("r.html", runs=[{}] * 10, rows=True)[0] == ["r-01.html", "r-01.ipynb", "r-01.json"]
    assert names("r.html", runs=[{}], rows=True) == [["r-1.html", "r-1.ipynb", "r-1.json"]]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"outs": ()}, "nothing says where the report goes"),
        ({"outs": ("r.txt",)}, "neither a page nor a PDF"),
        ({"outs": ("r.html", "s.htm")}, "are of one kind"),
        ({"outs": ("{regoin}.html",), "runs": ({"region": 1},)}, r"\{regoin\} is no parameter"),
        ({"outs": ("{region}.html",), "runs": ({"region": 1}, {"region": 1}), "rows": True}, "1 and 2 would both"),
        ({"outs": ("r.html",), "notebook": "in.ipynb"}, "is the notebook that is to be run"),
        ({"outs": ("r.html",), "summary": "r.html"}, "two different files"),
        ({"outs": ("r.html",), "summary": "o/../r.html"}, "two different files"),
    ],
)
def test_names_that_cannot_be(asked: dict[str, Any], said: str) -> None:
    """What cannot be is said before anything runs."""
    with pytest.raises(UsageError, match=said):
        names(*asked.pop("outs"), **asked)


def test_files_of_others_stay(folder: Path) -> None:
    """A file that stands where nobody told us to write is replaced only if an earlier report wrote it."""
    (folder / "r.json").write_text('{"mine": 1}')
    with pytest.raises(UsageError, match=r"r\.json is there already") as caught:
        names("r.html")
    assert "--json" in caught.value.hint
    assert names("r.html", summary="r.json") == [["r.html", "r.ipynb", "r.json"]]  # as told
    (folder / "r.json").write_text(json.dumps({"format": FORMAT}))
    (folder / "r.ipynb").write_text('{"metadata": {}, "cells": []}')
    with pytest.raises(UsageError, match=r"r\.ipynb is there already"):
        names("r.html")
    (folder / "r.ipynb").write_text('{"metadata": {"papermill": {}}, "cells": []}')
    assert len(names("r.html")) == 1


def test_files_are_written_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves the old file and nothing else; links are followed; folders are made."""
    write(folder / "new" / "a.txt", "one")
    (folder / "link").symlink_to(folder / "new" / "a.txt")
    write(folder / "link", b"two")
    assert (folder / "new" / "a.txt").read_text() == "two"
    assert (folder / "link").is_symlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(folder / "new" / "a.txt", "three")
    assert [path.name for path in (folder / "new").iterdir()] == ["a.txt"]
    assert (folder / "new" / "a.txt").read_text() == "two"
    with pytest.raises(OSError, match="no regular file"):
        write(folder / "new", "x")


def test_all_names_each_once() -> None:
    """`all` is what is written."""
    assert Places(Path("n"), Path("j")).all() == (Path("n"), Path("j"))


def test_a_name_as_long_as_may_be(folder: Path) -> None:
    """What can be written can be replaced as well, in any script."""
    path = folder / ("\u6771" * 83 + ".html")
    for text in ("old", "new"):
        write(path, text)
    assert path.read_text() == "new"
    assert os.listdir(folder) == [path.name]
