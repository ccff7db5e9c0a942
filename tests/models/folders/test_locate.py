"""Model folders are found by path and by repository, and nothing is fetched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_localllm.errors import ModelFileError, ModelNotFound
from jupyter_localllm.models.folders import locate_folder
from jupyter_localllm.models.found import Machine
from jupyter_localllm.models.found.huggingface import hub_folder
from tests.models.folders.made import in_hub


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_path_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute, relative and with ~; it is called by its last part."""
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in (str(tmp_path / "mine"), "mine", "./mine", "~/mine", f"mine{os.sep}"):
        assert locate_folder(name, "mlx") == ("mine", tmp_path / "mine")


def test_a_repository_is_its_snapshot(hub: Path) -> None:
    """Of the main branch, or of the revision that is named; it is called as it was named."""
    main, old = in_hub(hub, "org/model", "c0ffee"), in_hub(hub, "org/model", "0ld", "v1")
    assert locate_folder("org/model", "mlx") == ("org/model", main)
    assert locate_folder("org/model@v1", "mlx") == ("org/model@v1", old)
    assert locate_folder("org/model@c0ffee", "mlx")[1] == main


def test_the_cache_is_where_the_tools_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment variables of Hugging Face's tools, in their order."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub_folder(Machine()) == tmp_path / "hub"
    monkeypatch.delenv("HF_HUB_CACHE")
    assert hub_folder(Machine()) == tmp_path / "home" / "hub"
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert hub_folder(Machine()) == tmp_path / "xdg" / "huggingface" / "hub"


def test_what_is_not_here_says_how_to_get_it(hub: Path) -> None:
    """The command that fetches it, and the near name that is here."""
    in_hub(hub, "org/some-model")
    with pytest.raises(ModelNotFound) as caught:
        locate_folder("org/some-modle@v2", "transformers")
    assert "hf download org/some-modle --revision v2" in caught.value.hint
    assert "Did you mean org/some-model?" in caught.value.hint
    for name in ("", "  ", "not a repository", "/nowhere/at/all"):
        with pytest.raises(ModelNotFound) as caught:
            locate_folder(name, "transformers")
        assert caught.value.hint


def test_files_are_not_folders(tmp_path: Path) -> None:
    """A GGUF is for llama.cpp, and other files lie in the folder that is meant."""
    (tmp_path / "m.gguf").touch()
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelFileError) as caught:
        locate_folder(str(tmp_path / "m.gguf"), "mlx")
    assert "leave out mlx:" in caught.value.hint
    with pytest.raises(ModelFileError) as caught:
        locate_folder(str(tmp_path / "model.safetensors"), "mlx")
    assert f"mlx:{tmp_path}" in caught.value.hint
