"""``%llm models``, ``pull``, ``use`` and ``unload``, and the same on the command line."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from jupyter_localllm import LocalLLM, runtime
from jupyter_localllm.chat.models import model_list
from jupyter_localllm.cli import main
from jupyter_localllm.errors import LocalLLMError, ModelError, ModelNotFound, UsageError
from jupyter_localllm.magics.models import fetched, models, pull_model, unload, use
from jupyter_localllm.magics.subcommands import Subcommand
from jupyter_localllm.models import facts_of, locate
from jupyter_localllm.models.fitting import Wish, recommend
from jupyter_localllm.models.survey import OnDisk
from tests.models.pull.server import FakeHub, serving
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_kinds import write_tiny_bert
from tests.tiny_models import write_tiny_llama


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file of each kind."""
    write_tiny_llama(tmp_path / "tiny.gguf")
    shutil.copy(tmp_path / "tiny.gguf", tmp_path / "copy.gguf")
    write_tiny_llama(tmp_path / "low.gguf", metadata={"general.file_type": 10}, seed=4)
    write_tiny_llama(tmp_path / "base.gguf", chat_template=None, seed=2)
    write_tiny_llama(tmp_path / "rank.gguf", metadata={"llama.pooling_type": 4}, seed=3)
    write_tiny_llama(tmp_path / "eyes.gguf", metadata={"general.type": "mmproj"}, seed=5)
    write_tiny_bert(tmp_path / "bert.gguf")
    write_tiny_adapter(tmp_path / "lora.gguf")
    write_tiny_llama(tmp_path / "odd.gguf", architecture="llama99", seed=6)
    (tmp_path / "page.gguf").write_text("<html>log in</html>")
    return tmp_path


@pytest.fixture
def llm(folder: Path) -> LocalLLM:
    """A handle that finds them."""
    return LocalLLM(model_dirs=[str(folder)])


def test_the_list(llm: LocalLLM, folder: Path) -> None:
    """What is here with kind, memory and verdict; copies once; what is no model apart; one recommendation."""
    page = models(None, llm, Subcommand("models"))
    said = str(page)
    lines = {
        line.split()[1] if line[:1] in "*+" else line.split()[0]: line for line in said.splitlines() if line.strip()
    }
    assert "package" in lines["smollm2-135m-instruct"]
    assert "chat (x2)" in lines["copy"]
    assert "completion" in lines["base"]
    assert "embedding" in lines["bert"]
    assert "reranker" in lines["rank"]
    assert "is a web page" in lines["broken"]
    assert "unknown to this llama.cpp" in lines["odd"]
    assert str(folder / "lora.gguf") in lines["adapter"]
    assert "Recommended here (+): smollm2-135m-instruct." in said
    assert "known, and not here (%llm pull MODEL):" in said
    assert "qwen2.5-7b-instruct" in said
    assert lines["smollm2-135m-instruct"].startswith("*+")
    html = page._repr_mimebundle_()["text/html"]
    assert html.count("<table") == 3
    assert "qwen2.5-7b-instruct" in html


def test_what_the_build_cannot_run(llm: LocalLLM, folder: Path) -> None:
    """A model of an architecture that llama.cpp does not know yet is told as such, and never recommended."""
    write_tiny_llama(folder / "newer.gguf", architecture="llama9", n_layer=9, seed=9)
    said = str(models(None, llm, Subcommand("models")))
    (line,) = (line for line in said.splitlines() if "newer.gguf" in line)
    assert "unknown to this llama.cpp" in line
    assert "fits" not in line
    with pytest.raises(ModelError, match="does not know its architecture"):
        llm.find("newer")
    (_, path), memo = locate("newer", [folder]), dict[str, str]()
    newer = OnDisk("newer", path, "x", facts_of(path, memo))
    assert recommend([newer], Wish(int(64e9)))[0] is None


def test_all_about_one(llm: LocalLLM) -> None:
    """Of a file: what its header says and the memory by window; of the catalog: its files and what they cost."""
    tiny = str(models(None, llm, Subcommand("models", value="low")))
    assert "Q2_K (below 4 bits: answers get noticeably worse" in tiny
    assert "window" in tiny
    phi = str(models(None, llm, Subcommand("models", value="phi-3.5-mini-instruct")))
    for words in ("MIT", "131,072 tokens trained", "%llm pull phi-3.5-mini-instruct:Q5_K_M", "a fifth", "below 4 bits"):
        assert words in phi
    with pytest.raises(ModelNotFound):
        models(None, llm, Subcommand("models", value="nothing-like-it"))


def test_an_interrupted_pull_shows_no_stack(llm: LocalLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no failure: one line says that what has come is kept."""

    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jupyter_localllm.models.pull.pull", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        pull_model(None, llm, Subcommand("pull", value="owner/tiny-GGUF"))
    (line,) = caught.value._render_traceback_()  # type: ignore[attr-defined]
    assert "goes on where it stopped" in line


def test_use_tells_the_memory(llm: LocalLLM) -> None:
    """What it will take stands there before anything is loaded."""
    said = use(None, llm, Subcommand("use", value="tiny"))
    assert said.startswith("tiny (")
    assert said.endswith(") answers from now on.")
    for words in ("weights", "keys and values", "compute", "window 512 of 512 tokens", "fits: ", "are free"):
        assert words in said
    assert llm.model == "tiny"
    assert runtime.current().resident() == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bert", "is an embedding model, which makes vectors"),
        ("rank", "is a reranker"),
        ("lora", "is a LoRA adapter"),
        ("eyes", "is a projector"),
        ("page", "is a web page"),
        ("odd", "does not know its architecture, llama99"),
    ],
)
def test_what_cannot_answer_is_not_used(llm: LocalLLM, name: str, words: str) -> None:
    """The model stays the one before, and the error says what the file is for."""
    with pytest.raises(ModelError, match=words):
        use(None, llm, Subcommand("use", value=name))
    assert llm.model == "smollm2-135m-instruct"


def test_a_base_model_may_be_used(llm: LocalLLM) -> None:
    """It continues texts; its answers say so."""
    use(None, llm, Subcommand("use", value="base"))
    notes = llm.generate("Once", max_tokens=3).notes
    assert "no_template" in [note.code for note in notes]


@pytest.mark.parametrize("name", ["bert", "rank"])
def test_what_cannot_answer_is_not_asked(llm: LocalLLM, name: str) -> None:
    """A question to it is an error in words, not of llama.cpp."""
    with pytest.raises(LocalLLMError, match=r"embedding model|reranker") as caught:
        LocalLLM(model=name, model_dirs=llm.model_dirs).generate("Hello", max_tokens=3)
    assert caught.value.hint


def test_a_reranker_is_asked_to_chat_or_to_embed(llm: LocalLLM, folder: Path) -> None:
    """It is told what it is for, and what to take for an answer or for vectors, in whole sentences."""
    ranker = LocalLLM(model=str(write_tiny_bert(folder / "ranker.gguf", metadata={"bert.pooling_type": 4})))
    for ask in (lambda: ranker.generate("Hello", max_tokens=3), lambda: ranker.embed("Hello")):
        with pytest.raises(LocalLLMError, match="scores texts") as caught:
            ask()
        said = " ".join(str(caught.value).split())
        assert "writes none" in said
        assert ". For an answer choose a chat model, for vectors an embedding model" in said


def test_a_new_architecture_with_other_words(llm: LocalLLM, folder: Path) -> None:
    """A header that lacks what known ones have is no damage where llama.cpp does not know the architecture."""
    writer = gguf.GGUFWriter(folder / "newest.gguf", "wombat")
    writer.add_block_count(1)
    writer.add_tensor("token_embd.weight", np.zeros((8, 8), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(
        ModelError, match=r"architecture 'wombat', which the installed llama\.cpp does not know"
    ) as caught:
        use(None, llm, Subcommand("use", value="newest"))
    assert "damaged" not in str(caught.value)


def test_unload_one_of_several(llm: LocalLLM) -> None:
    """By name, or all; what is not loaded is said."""
    other = LocalLLM(model="low", model_dirs=llm.model_dirs)
    mine = LocalLLM(model="tiny", model_dirs=llm.model_dirs)
    mine.load()
    other.load()
    with pytest.raises(UsageError, match="is not loaded") as caught:
        unload(None, llm, Subcommand("unload", value="base"))
    assert "low" in caught.value.hint
    assert unload(None, llm, Subcommand("unload", value="LOW")) == "unloaded low"
    assert [engine.name for engine in runtime.current().resident()] == ["tiny"]
    assert unload(None, llm, Subcommand("unload")) == "unloaded tiny"
    assert unload(None, llm, Subcommand("unload")) == "nothing was loaded"


@pytest.mark.parametrize("name", ["tiny", "TINY.gguf", "copy", "{folder}/tiny.gguf"])
def test_a_file_is_one_model_by_all_its_names(llm: LocalLLM, folder: Path, name: str) -> None:
    """Whatever it is called, the list marks it as in use and as loaded, and it is unloaded by another name."""
    llm.model = name.format(folder=folder)

    def line() -> str:
        return next(line for line in str(models(None, llm, Subcommand("models"))).splitlines() if "copy" in line)

    assert line().startswith("* ")
    assert "loaded" not in line()
    llm.load()
    llm.model = "smollm2-135m-instruct"
    assert "loaded" in line()
    assert not line().startswith("*")
    stem = "copy" if name == "copy" else "tiny"
    assert [entry["name"] for entry in model_list(llm) if entry["loaded"]] == [stem]
    assert unload(None, llm, Subcommand("unload", value=str(folder / f"{stem}.gguf"))) == f"unloaded {stem}"


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub that the environment names."""
    with serving() as fake:
        new = folder / "new"
        new.mkdir()
        low = write_tiny_llama(new / "low", metadata={"general.file_type": 10}, seed=12)
        fake.put("owner/tiny-GGUF", "new-Q4_K_M.gguf", write_tiny_llama(new / "tiny", seed=11).read_bytes())
        fake.put("owner/low-GGUF", "new-Q2_K.gguf", low.read_bytes())
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield fake


def test_pull_then_use(llm: LocalLLM, hub: FakeHub) -> None:
    """What was fetched is found by the name that was told, and answers."""
    said = pull_model(None, llm, Subcommand("pull", value="owner/tiny-GGUF"))
    assert "new-Q4_K_M is here: " in said
    assert "checked by its sha256" in said
    assert "Answer with it: %llm use new-Q4_K_M" in said
    use(None, llm, Subcommand("use", value="new-Q4_K_M"))
    assert llm.generate("Hello", max_tokens=2).model == "new-q4_k_m"
    assert "here already" in pull_model(None, llm, Subcommand("pull", value="owner/tiny-GGUF"))


def test_pull_of_what_is_here_by_another_name(llm: LocalLLM, hub: FakeHub, folder: Path) -> None:
    """It says what to use, and fetches nothing."""
    (folder / "new" / "low").rename(folder / "renamed.gguf")
    said = pull_model(None, llm, Subcommand("pull", value="owner/low-GGUF"))
    assert said.startswith(f"renamed is here already, and was not fetched: {folder / 'renamed.gguf'} (")
    assert "Answer with it: %llm use renamed" in said


def test_pull_warns_of_few_bits(llm: LocalLLM, hub: FakeHub) -> None:
    """A word under 4 bits."""
    assert "Q2_K: below 4 bits" in fetched(llm, "owner/low-GGUF", lambda _status: None)


def test_on_the_command_line(
    hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same, with its own name in the hints; progress only where a terminal shows it."""
    assert main(["pull", "owner/tiny-GGUF"]) == 0
    first = capsys.readouterr()
    assert "new-Q4_K_M is here" in first.out
    assert first.err == ""
    assert main(["models"]) == 0
    listed = capsys.readouterr().out
    assert "new-Q4_K_M" in listed
    assert "jupyter localllm pull" in listed
    assert "%llm" not in first.out + listed
    assert main(["pull", "owner/none"]) == 1
    assert "PullError: The hub has no repository owner/none" in capsys.readouterr().err
    assert main(["models", "smollm2-360m-instruct"]) == 0
    about = capsys.readouterr().out
    assert "Apache-2.0" in about
    assert "jupyter localllm pull smollm2-360m-instruct:Q8_0" in about
    assert "%llm" not in about
