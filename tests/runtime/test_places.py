"""Models are looked for once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.errors import ModelNotFound
from jupyter_localllm.magics.models import fetched, models
from jupyter_localllm.magics.subcommands import Subcommand
from jupyter_localllm.models import found
from jupyter_localllm.runtime.places import Places
from tests.tiny_models import write_tiny_llama


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A note of each walk through a folder of the settings."""
    noted: list[Any] = []
    spots = found.folders.spots

    def noting(folder: Any, *others: Any) -> Any:
        noted.append(folder)
        return spots(folder, *others)

    monkeypatch.setattr(found.folders, "spots", noting)
    return noted


def test_questions_walk_through_no_folder(walks: list[Any], tmp_path: Path) -> None:
    """The first one looks for the model; later ones do not, whether they are answered from the cache or not."""
    (tmp_path / "own").mkdir()
    write_tiny_llama(tmp_path / "own" / "m.gguf")
    llm = LocalLLM(
        model="m", model_dirs=[str(tmp_path / "own")], cache_dir=str(tmp_path / "cache"), pull_dir=str(tmp_path / "p")
    )
    llm.generate("Hello", max_tokens=2)
    walks.clear()
    for question in ("Hello", "Hello there"):
        llm.generate(question, max_tokens=2)
    assert walks == []
    models(None, llm, Subcommand("models"))
    walks.clear()
    llm.generate("Hello", max_tokens=2)
    assert walks
    fetched(llm, str(write_tiny_llama(tmp_path / "other.gguf")), lambda _status: None)
    walks.clear()
    llm.generate("Hello", max_tokens=2)
    assert walks


def test_a_file_that_changed_is_looked_for_again(walks: list[Any], tmp_path: Path) -> None:
    """Replaced, it is found anew; gone, it is not there, or the next one of that name is meant."""
    places, search = Places(), (str(tmp_path / "a"), str(tmp_path / "b"))
    for folder in "ab":
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "m.gguf").write_bytes(b"one")
    assert places.locate("m", search, {})[1] == tmp_path / "a" / "m.gguf"
    walks.clear()
    assert places.locate("m", search, {})[1] == tmp_path / "a" / "m.gguf"
    assert not walks
    (tmp_path / "a" / "m.gguf").write_bytes(b"other")
    assert places.locate("m", search, {})[1] == tmp_path / "a" / "m.gguf"
    assert walks
    (tmp_path / "b" / "m.gguf").write_bytes(b"two")
    (tmp_path / "a" / "m.gguf").unlink()
    assert places.locate("m", search, {})[1] == tmp_path / "b" / "m.gguf"
    (tmp_path / "b" / "m.gguf").unlink()
    with pytest.raises(ModelNotFound):
        places.locate("m", search, {})


def test_a_name_may_lead_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another one it means another file."""
    places = Places()
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.gguf").write_bytes(folder.encode())
        monkeypatch.chdir(tmp_path / folder)
        assert places.locate("m.gguf", (), {})[1] == Path(os.getcwd()) / "m.gguf"
