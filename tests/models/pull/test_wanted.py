"""What a person names, and which files that means."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from jupyter_localllm.errors import LocalLLMError, ModelError, ModelFileError, ModelNotFound, PullError
from jupyter_localllm.models import locate
from jupyter_localllm.models.pull import HubFile, choose, quantization_in
from jupyter_localllm.models.pull.target import inside
from jupyter_localllm.models.pull.wanted import read
from tests.models.pull.conftest import FILE, REPOSITORY, Puller
from tests.models.pull.server import FakeHub
from tests.models.splitting import split
from tests.tiny_models import write_tiny_llama


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen3-4B-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-7b-instruct-q5_k_m-00001-of-00002.gguf", "Q5_K_M"),
        ("Phi-3.5-mini-instruct.IQ4_XS.gguf", "IQ4_XS"),
        ("gemma-3-270m-it-F16.gguf", "F16"),
        ("gemma-3-1b-it-BF16.gguf", "BF16"),
        ("m-UD-Q4_K_XL.gguf", "Q4_K_XL"),
        ("m-Q4_K_L.gguf", "Q4_K_L"),
        ("SEQ4_0.gguf", ""),
        ("model.gguf", ""),
    ],
)
def test_quantizations_are_read_from_names(name: str, quantization: str) -> None:
    """As people write them, and no part of another word."""
    assert quantization_in(name) == quantization


SEVERAL = [HubFile(f"m-{q}.gguf", 1000) for q in ("Q8_0", "Q4_K_M", "Q5_K_M")] + [HubFile("mmproj-m-f16.gguf", 5)]


@pytest.mark.parametrize(
    ("files", "wanted", "chosen"),
    [
        (SEVERAL, "", ["m-Q4_K_M.gguf"]),
        (SEVERAL, "q8_0", ["m-Q8_0.gguf"]),
        (SEVERAL, "m-Q5_K_M.gguf", ["m-Q5_K_M.gguf"]),
        (SEVERAL, "mmproj-m-f16.gguf", ["mmproj-m-f16.gguf"]),
        ([HubFile("a/only.gguf")], "", ["a/only.gguf"]),
        ([HubFile(f"b-0000{i}-of-00002.gguf") for i in (2, 1)], "", [f"b-0000{i}-of-00002.gguf" for i in (1, 2)]),
    ],
)
def test_the_files_that_are_meant(files: list[HubFile], wanted: str, chosen: list[str]) -> None:
    """Q4_K_M unless something else is named; a split model whole; a projector only by its own name."""
    assert [file.path for file in choose("o/r", files, wanted)] == chosen


@pytest.mark.parametrize(
    ("files", "wanted", "words"),
    [
        (SEVERAL, "Q9", "has no Q9"),
        (SEVERAL, "other.gguf", "has no other.gguf"),
        ([HubFile("a.gguf"), HubFile("b.gguf")], "", "has 2 files that this may mean"),
        ([HubFile("a-Q4_K_M.gguf"), HubFile("b-Q4_K_M.gguf")], "", "has 2 files that this may mean"),
        ([HubFile("mmproj.gguf")], "", "has no GGUF files"),
        ([HubFile("b-00001-of-00002.gguf")], "", "lacks parts of b-00001-of-00002.gguf"),
    ],
)
def test_what_is_not_clear(files: list[HubFile], wanted: str, words: str) -> None:
    """A name that fits none or several is an error that lists what there is."""
    with pytest.raises(PullError) as caught:
        choose("o/r", files, wanted)
    assert words in caught.value.message
    assert caught.value.hint
    if len(files) > 2:
        assert "m-Q8_0.gguf (1.0 kB)" in caught.value.hint


@pytest.mark.parametrize(
    "wanted",
    [
        REPOSITORY,
        f"{REPOSITORY}:q4_k_m",
        f"hf:{REPOSITORY}",
        f"hf.co/{REPOSITORY}:Q4_K_M",
        f"{REPOSITORY}/{FILE}",
        "{hub}/" + REPOSITORY,
        "{hub}/" + f"{REPOSITORY}/resolve/main/{FILE}",
        "{hub}/" + f"{REPOSITORY}/blob/main/{FILE}",
    ],
)
def test_ways_to_name_a_file_of_the_hub(wanted: str, hub: FakeHub, fetch: Puller, tmp_path: Path) -> None:
    """The repository, with its quantization or file, and the addresses that a browser shows: all are the same file."""
    got = fetch(wanted.replace("{hub}", hub.url))
    assert got.path == tmp_path / "models" / "owner" / "tiny-GGUF" / FILE
    assert got.promised


@pytest.mark.parametrize(
    ("wanted", "kind", "words"),
    [
        ("smollm2-135m-instruct", PullError, "comes as a package"),
        ("smolm2-135m-instruct", ModelNotFound, "Did you mean smollm2-135m-instruct?"),
        ("smollm2-135m-instruct:Q9", PullError, "There is no Q9"),
        ("nothing like it", ModelNotFound, "Nothing is called"),
        ("", ModelNotFound, "Nothing is called"),
        ("ftp://example.org/m.gguf", ModelNotFound, "Nothing is called"),
        ("https://", LocalLLMError, "names no file"),
        ("/no/such.gguf", ModelFileError, "does not exist"),
        (".", ModelFileError, "is a directory"),
    ],
)
def test_what_leads_nowhere(wanted: str, kind: type[ModelError], words: str, hub: FakeHub, fetch: Puller) -> None:
    """Each has its own words, and a next step; no server is asked."""
    with pytest.raises(kind, match=words.replace("?", r"\?")) as caught:
        fetch(wanted)
    assert caught.value.hint
    assert hub.asked == []


@pytest.mark.parametrize("wanted", ["other/none", f"{REPOSITORY}:Q8_0", f"{REPOSITORY}/no.gguf"])
def test_wrong_tags_of_the_hub(wanted: str, fetch: Puller) -> None:
    """A repository that is not there, a quantization or file that it lacks."""
    with pytest.raises(PullError) as caught:
        fetch(wanted)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["../m.gguf", "a/../../m.gguf", "/m.gguf", "a\\..\\m.gguf", "C:m.gguf", "", "m.gguf "])
def test_names_of_strangers_stay_in_the_folder(name: str, tmp_path: Path) -> None:
    """A server cannot choose a place outside of it."""
    with pytest.raises(LocalLLMError):
        inside(tmp_path, "host", name)


@pytest.mark.parametrize("name", ["\ud800-Q4_K_M.gguf", "\x1b[2J-Q4_K_M.gguf", "a\nb-Q4_K_M.gguf", "a\rb-Q4_K_M.gguf"])
def test_names_that_no_file_has(name: str, hub: FakeHub, fetch: Puller) -> None:
    """Halves of characters and what a terminal obeys are errors, and reach no terminal."""
    hub.listing = json.dumps([{"type": "file", "path": path} for path in (name, f"x/{name}")]).encode()
    for wanted in (REPOSITORY, f"{REPOSITORY}/{name}"):
        with pytest.raises(LocalLLMError) as caught:
            fetch(wanted)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", str(caught.value)), str(caught.value)
    hub.listing = json.dumps([{"type": "file", "path": name}]).encode()
    with pytest.raises(LocalLLMError, match="cannot be a file's name"):
        fetch(REPOSITORY)


def test_a_repository_cannot_name_a_place_elsewhere(hub: FakeHub, fetch: Puller, tmp_path: Path) -> None:
    """A path that leads out of the folder is refused, not followed."""
    hub.put("owner/evil", "../../../evil-Q4_K_M.gguf", b"GGUF")
    with pytest.raises(LocalLLMError, match="cannot be a file's name"):
        fetch("owner/evil")
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("form", ["path", "file:", "~"])
def test_a_file_on_this_machine(form: str, fetch: Puller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is copied after it was checked, and the original stays as it was."""
    source = write_tiny_llama(tmp_path / "own file.gguf")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    got = fetch({"path": str(source), "file:": source.as_uri(), "~": "~/own file.gguf"}[form])
    assert got.path == tmp_path / "models" / "own file.gguf"
    assert got.path.read_bytes() == source.read_bytes()
    assert got.name == "own file"
    assert not fetch(str(source)).fetched


def test_a_broken_file_on_this_machine(fetch: Puller, tmp_path: Path) -> None:
    """What is no model is not copied."""
    (tmp_path / "page.gguf").write_text("<html>")
    with pytest.raises(ModelFileError, match="is a web page"):
        fetch(str(tmp_path / "page.gguf"))
    assert not (tmp_path / "models" / "page.gguf").exists()


def test_a_split_model_on_this_machine_that_lacks_a_part(fetch: Puller, tmp_path: Path) -> None:
    """Nothing is copied, and the error names the part that is not where the others are."""
    parts = split(write_tiny_llama(tmp_path / "m.gguf"), tmp_path / "from", 3)
    parts[1].unlink()
    for part in (parts[0], parts[2]):
        with pytest.raises(ModelFileError, match=parts[1].name) as caught:
            fetch(str(part))
        assert str(tmp_path / "from") in str(caught.value)
    assert not [path for path in (tmp_path / "models").rglob("*") if path.is_file()]


@pytest.mark.parametrize("by", ["hub", "address", "path"])
def test_a_split_model_comes_whole(by: str, hub: FakeHub, fetch: Puller, tmp_path: Path) -> None:
    """One name is enough for all of its parts; it is found by its name without the numbers."""
    parts = split(write_tiny_llama(tmp_path / "big.gguf"), tmp_path / "parts", 3)
    for part in parts:
        hub.put("owner/big", part.name, part.read_bytes())
        hub.plain[f"/{part.name}"] = part.read_bytes()
    wanted = {"hub": "owner/big", "address": f"{hub.url}/{parts[1].name}", "path": os.fspath(parts[2])}[by]
    got = fetch(wanted)
    assert (got.name, got.kind) == ("big", "chat")
    assert got.path.name == parts[0].name
    assert [path.name for path in sorted(got.path.parent.iterdir())] == [part.name for part in parts]
    assert locate("big", [tmp_path / "models"]) == ("big", got.path)


def test_reading_what_is_wanted_of_the_catalog_asks_nobody(tmp_path: Path, hub: FakeHub) -> None:
    """The catalog knows its files."""
    from jupyter_localllm.models.catalog import catalog

    for entry in catalog():
        for file in entry.files:
            if file.repository:
                wanted = read(f"{entry.name}:{file.quantization}", tmp_path)
                assert wanted.targets[0].url.startswith(f"https://huggingface.co/{file.repository}/resolve/")
                assert wanted.targets[0].sha256 == file.sha256
    assert hub.asked == []
