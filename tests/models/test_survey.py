"""What lies on this machine, each content once; what fits, and what is recommended."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models import sha256_of
from jupyter_localllm.models.catalog import CatalogEntry, catalog, entry_named
from jupyter_localllm.models.facts import Facts
from jupyter_localllm.models.fitting import Wish, fit, quantization_words, recommend, windows
from jupyter_localllm.models.survey import OnDisk, survey
from tests.tiny_kinds import write_tiny_bert
from tests.tiny_models import write_tiny_llama


def names(here: list[OnDisk]) -> list[str]:
    return [one.name for one in here if one.place != "package"]


@pytest.mark.parametrize("known", [(), ("a/m.gguf",), ("b/n.gguf",), ("a/m.gguf", "b/n.gguf")])
def test_a_content_is_shown_once(known: tuple[str, ...], tmp_path: Path) -> None:
    """Copies under other names, with and without known hashes, are one model with two names."""
    memo: dict[str, str] = {}
    one = write_tiny_llama(tmp_path / "a.tmp")
    for place in ("a/m.gguf", "b/n.gguf"):
        (tmp_path / place).parent.mkdir()
        shutil.copy(one, tmp_path / place)
        os.utime(tmp_path / place, (1, 1))
    for place in known:
        sha256_of(tmp_path / place, memo)
    (only,) = [found for found in survey([tmp_path / "a", tmp_path / "b"], memo) if found.place != "package"]
    assert (only.name, only.also) == ("m", (str(tmp_path / "b/n.gguf"),))
    assert bool(only.sha256) == bool(known)


def test_models_of_the_same_size_are_two(tmp_path: Path) -> None:
    """Other weights are another model."""
    for seed in (1, 2):
        write_tiny_llama(tmp_path / f"m{seed}.gguf", seed=seed)
    assert names(survey([tmp_path], {})) == ["m1", "m2"]


def test_only_headers_are_read_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look opens no file."""
    memo: dict[str, str] = {}
    write_tiny_llama(tmp_path / "m.gguf")
    write_tiny_llama(tmp_path / "n.gguf", seed=3)
    first = survey([tmp_path], memo)

    def opened(*_arguments: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("jupyter_localllm.models.gguf.open", opened, raising=False)
    monkeypatch.setattr("jupyter_localllm.models.samples.open", opened, raising=False)
    assert survey([tmp_path], memo) == first


def test_broken_files_are_listed_as_what_they_are(tmp_path: Path) -> None:
    """They are shown with what is wrong, and disturb nothing."""
    (tmp_path / "page.gguf").write_text("<html>")
    (tmp_path / "dead.gguf").symlink_to(tmp_path / "gone")
    write_tiny_bert(tmp_path / "bert.gguf")
    kinds = {one.name: one.facts.kind for one in survey([tmp_path], {}) if one.place != "package"}
    assert kinds == {"bert": "embedding", "page": "broken"}


def test_a_file_of_the_catalog_has_its_name(tmp_path: Path) -> None:
    """It is called as in the catalog, other quantizations with theirs."""
    write_tiny_llama(tmp_path / "Phi-3.5-mini-instruct-Q4_K_M.gguf", seed=1)
    write_tiny_llama(tmp_path / "Phi-3.5-mini-instruct-Q5_K_M.gguf", seed=2)
    here = survey([tmp_path], {})
    assert names(here) == ["phi-3.5-mini-instruct", "phi-3.5-mini-instruct:Q5_K_M"]
    assert here[0].entry is entry_named("phi-3.5-mini-instruct")


ENTRY = entry_named("qwen2.5-7b-instruct")
assert ENTRY is not None


@pytest.mark.parametrize(("free", "verdict"), [(100e9, "yes"), (8e9, "tight"), (4e9, "no")])
def test_what_fits(free: float, verdict: str) -> None:
    """Comfortably within 60 % of the free memory, tightly within all of it, or not at all; the figures are there."""
    judged = fit(ENTRY.name, ENTRY.shape, 4_680_000_000, Wish(int(free)))
    assert judged.verdict == verdict
    assert judged.memory is not None
    assert judged.memory.weights_bytes == 4_680_000_000


def test_what_is_not_known_is_not_judged() -> None:
    """Without dimensions or a size there is no verdict."""
    assert fit("m", None, 5, Wish(10)).verdict == "unknown"
    assert fit("m", ENTRY.shape, 0, Wish(10)).verdict == "unknown"


def test_memory_by_the_window() -> None:
    """Keys and values are 2 x layers x heads for keys and values x their width x tokens x bytes."""
    assert ENTRY.shape is not None
    by_window = {memory.n_ctx: memory for memory in windows(ENTRY.shape, 4_680_000_000, Wish(int(64e9)))}
    assert list(by_window) == [2048, 4096, 8192, 16384, 32768]
    assert by_window[32768].kv_bytes == 2 * 28 * 4 * 128 * 32768 * 2
    assert by_window[2048].total_bytes < by_window[32768].total_bytes


def here_of(entry: CatalogEntry) -> OnDisk:
    facts = Facts("chat", parameters=entry.parameters, size_bytes=entry.bytes_of(entry.usual), shape=entry.shape)
    return OnDisk(entry.name, Path("m"), "x", facts, entry=entry)


def test_the_largest_that_fits_is_recommended() -> None:
    """By memory, and by what the cores can read; what is not here is recommended only if it is clearly better."""
    small, large = here_of(catalog()[0]), here_of(ENTRY)
    assert recommend([small, large], Wish(int(64e9)))[0] is large
    assert recommend([small, large], Wish(int(64e9), cores=2))[0] is small
    assert recommend([small, large], Wish(int(3e9)))[0] is small
    assert recommend([], Wish(int(1e6))) == (None, None)
    _, better = recommend([small], Wish(int(64e9), cores=8))
    assert better is not None
    assert better.parameters > 3e9
    assert recommend([large], Wish(int(64e9)))[1] is None
    embedder = replace(large, facts=replace(large.facts, kind="embedding"))
    assert recommend([embedder, small], Wish(int(64e9)))[0] is small


def test_nothing_is_recommended_that_the_build_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of what is here, nor of the catalog."""
    monkeypatch.setattr("jupyter_localllm.models.fitting.library_knows", lambda name: name == "llama")
    here = here_of(ENTRY)
    qwen = replace(here, facts=replace(here.facts, architecture="qwen2"))
    best, better = recommend([qwen], Wish(int(64e9)))
    assert best is None
    assert better is not None
    assert better.architecture == "llama"


@pytest.mark.parametrize(
    ("quantization", "word"),
    [
        *(("Q4_K_M", ""), ("Q4_0", ""), ("", ""), ("IQ4_XS", ""), ("Q2_K", "worse"), ("IQ3_M", "worse")),
        *(("Q5_K_M", "a fifth"), ("Q6_K", "larger"), ("Q8_0", "three quarters"), ("F16", "not quantized")),
        ("BF16", "not quantized"),
    ],
)
def test_words_about_quantizations(quantization: str, word: str) -> None:
    """A warning under 4 bits, and what more bits cost."""
    assert (word in quantization_words(quantization)) if word else not quantization_words(quantization)


def test_a_file_that_is_gone_is_an_error_where_it_is_named(tmp_path: Path) -> None:
    """A list leaves it out; asked for by itself it is one."""
    from jupyter_localllm.models.facts import facts_of

    with pytest.raises(ModelFileError, match="does not exist"):
        facts_of(tmp_path / "gone.gguf", {})
