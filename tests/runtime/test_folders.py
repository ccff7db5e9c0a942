"""A model folder by its name: found, tried in a child, loaded, asked, cached; and all that may be wrong with it."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.backends import BackendSettings, Target, backend_of
from jupyter_localllm.engine.inprocess import FolderSettings, open_mlx, open_transformers
from jupyter_localllm.errors import (
    DependencyMissing,
    EngineError,
    ModelCheckFailed,
    ModelFileError,
    ModelMemoryError,
    UsageError,
)
from jupyter_localllm.magics.resident import resident_lines
from jupyter_localllm.models.folders import describe_folder, plan_folder
from jupyter_localllm.runtime.folder_check import check_folder
from jupyter_localllm.runtime.folders import folder_settings
from jupyter_localllm.types import ModelFolder, Status
from tests.models.folders.made import in_hub, looks_like_a_model
from tests.tiny_folders import make_folder, write_json

NEEDS = {"mlx": ("mlx.core", "mlx_lm"), "transformers": ("torch", "transformers")}


@pytest.fixture(params=NEEDS)
def scheme(request: pytest.FixtureRequest) -> str:
    for module in NEEDS[request.param]:
        pytest.importorskip(module, reason=f"{module} is not installed")
    return str(request.param)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    return make_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the child process, which takes seconds; it has tests of its own."""
    monkeypatch.setattr("jupyter_localllm.runtime.folders.check_folder", lambda *args: iter(()))


def tried(llm: Any) -> bool:
    """Whether a question said that a child process tries the folder."""
    told = [event.text for event in llm.stream("Hello?", max_tokens=3, cache="refresh") if isinstance(event, Status)]
    return any("child process" in text for text in told)


def test_a_folder_answers_by_its_name(scheme: str, tiny: Path) -> None:
    """Tried in a child once, loaded, answered; then from the cache without loading; the library is told."""
    with closing(jl.LocalLLM(model=f"{scheme}:{tiny}")) as llm:
        assert tried(llm)
        first = llm.generate("What is the capital of Japan?", max_tokens=8)
        assert first.model == f"{scheme}:tiny"  # no folder of the person is told
        assert first.text
        assert {"mlx": "mlx-lm", "transformers": "transformers"}[scheme] in first.provenance.versions
        assert resident_lines(llm.engine, str)[0].startswith("resident   tiny: ")
        llm.unload()
    with closing(jl.LocalLLM(model=f"{scheme}:{tiny}")) as again:
        told = again.generate("What is the capital of Japan?", max_tokens=8)
        assert (told.cached, told.text, again.engine) == (True, first.text, None)
        assert not tried(again)  # it went well before


@pytest.mark.usefixtures("untried")
def test_nothing_is_fetched(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of the cache is loaded, and asked, without a single connection."""
    pytest.importorskip("tokenizers")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    make_folder(in_hub(tmp_path, "org/tiny"))

    def refuse(*args: Any) -> None:
        raise AssertionError("somebody connects")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with closing(jl.LocalLLM(model=f"{scheme}:org/tiny")) as llm:
        assert llm.find(llm.model).startswith("org/tiny (")
        assert llm.generate("Hello?", max_tokens=3).text
        assert llm.embed(["Hello"]).shape == (1, 64)


@pytest.mark.usefixtures("untried")
def test_two_handles_share_it(scheme: str, tiny: Path) -> None:
    """The same folder with the same settings is loaded once."""
    with closing(jl.LocalLLM(model=f"{scheme}:{tiny}")) as one, closing(jl.LocalLLM(model=f"{scheme}:{tiny}")) as other:
        one.load()
        other.load()
        assert one.engine is other.engine


@pytest.mark.usefixtures("untried")
def test_a_changed_folder_is_another_model(scheme: str, tmp_path: Path) -> None:
    """Answers of other weights are not answers of these."""
    pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path / "tiny")
    backend = backend_of(Target(scheme, "x"))
    home: Any = type("Home", (), {"sha256_of": lambda self, path: str(path.stat().st_mtime_ns), "memo": {}})()
    with closing(jl.LocalLLM(model=f"{scheme}:{folder}")) as llm:
        target = llm._target(llm.model)
        before = backend.identity(target, home)
        assert backend.identity(target, home) == before
        make_folder(folder, seed=8)
        assert backend.identity(target, home) != before


@jl.tool(safe=True)
def price(item: Literal["tea", "salt"]) -> int:
    """The price of an item in cents.

    Parameters
    ----------
    item : str
        What is bought.
    """
    return {"tea": 300, "salt": 45}[item]


@pytest.mark.usefixtures("untried")
def test_tools_are_called(scheme: str, tiny: Path) -> None:
    """A call is held to its schema while it is written, run, and told back."""
    pytest.importorskip("llguidance")
    with closing(jl.LocalLLM(model=f"{scheme}:{tiny}")) as llm:
        result = llm.generate("What does tea cost?", tools=[price], must_call=True, tool_rounds=1, max_tokens=60)
    (call,) = result.calls
    assert (call.name, call.status, call.outcome in ("300", "45")) == ("price", "done", True)


def refused(scheme: str, folder: Path, **settings: Any) -> Any:
    """The error of a question to a folder."""
    with pytest.raises(Exception) as caught, closing(jl.LocalLLM(model=f"{scheme}:{folder}", **settings)) as llm:  # noqa: PT011
        llm.generate("Hello?", max_tokens=3)
    return caught.value


@pytest.mark.usefixtures("untried")
def test_an_embedding_model_does_not_chat(scheme: str, tmp_path: Path) -> None:
    """It says so, and embeds."""
    pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path / "tiny")
    write_json(folder / "modules.json", {})
    error = refused(scheme, folder)
    assert isinstance(error, EngineError)
    assert "embedding model" in error.message
    with closing(jl.LocalLLM(model=f"{scheme}:{folder}")) as llm:
        assert llm.embed(["a", "b"]).shape == (2, 64)


@pytest.mark.usefixtures("untried")
def test_missing_tensors_are_no_random_numbers(scheme: str, tmp_path: Path) -> None:
    """A folder whose weights lack a part is an error, and does not answer nonsense."""
    pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | {"num_hidden_layers": 3})
    error = refused(scheme, folder)
    assert isinstance(error, EngineError)
    assert "tiny" in error.message
    assert error.hint


def test_the_child_tells_what_is_wrong(scheme: str, tmp_path: Path) -> None:
    """An architecture that nobody knows is an error of one sentence, from the child; the kernel loads nothing."""
    pytest.importorskip("tokenizers")
    folder = make_folder(tmp_path / "tiny", model_type="surely_not", architectures=["SurelyNotForCausalLM"])
    error = refused(scheme, folder)
    assert isinstance(error, ModelCheckFailed)
    assert "surely_not" in error.message
    assert "Traceback" not in str(error)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("program", ["import os, signal; os.kill(os.getpid(), signal.SIGILL)", "import os; os.abort()"])
def test_a_child_that_dies_is_named(program: str) -> None:
    """This process lives, and hears of what the other one died; nothing is remembered as gone well."""
    folder, memo = ModelFolder("m", "/m", "0", 1, 1, "X", 1, 1, 1), dict[str, str]()
    quiet = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
    for _ in range(2):
        argv = [sys.executable, "-c", quiet + program]
        with pytest.raises(ModelCheckFailed, match=r"SIG(ILL|ABRT)") as caught:
            list(check_folder(folder, "transformers", asdict(FolderSettings()), memo, argv=argv))
        assert "untouched" in caught.value.message
        assert "GGUF" in caught.value.hint
    assert memo == {}


def test_what_went_well_is_remembered() -> None:
    """For the same folder, versions, processor and settings; a child that hangs did not go well."""
    folder, memo = ModelFolder("m", "/m", "0", 1, 1, "X", 1, 1, 1), dict[str, str]()
    good, hangs = ([sys.executable, "-c", code] for code in ("", "import time; time.sleep(60)"))
    plain, four = asdict(FolderSettings()), asdict(FolderSettings(quantization="4bit"))
    with pytest.raises(ModelCheckFailed, match="did not end within"):
        list(check_folder(folder, "mlx", plain, memo, argv=hangs, timeout_seconds=0.2))
    assert len(list(check_folder(folder, "mlx", plain, memo, argv=good))) == 1
    assert list(check_folder(folder, "mlx", plain, memo, argv=good)) == []
    assert len(list(check_folder(folder, "mlx", four, memo, argv=good))) == 1
    assert len(list(check_folder(folder, "transformers", plain, memo, argv=good))) == 1


@pytest.mark.parametrize(("scheme", "module"), [("mlx", "mlx_lm.utils"), ("transformers", "torch")])
def test_a_missing_extra_names_the_command(
    scheme: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to install, in one line."""
    monkeypatch.setitem(sys.modules, module, None)
    folder = describe_folder(looks_like_a_model(tmp_path), "m", scheme, str)
    library = open_mlx if scheme == "mlx" else open_transformers
    with pytest.raises(DependencyMissing) as caught:
        library(folder, FolderSettings(), plan_folder)
    assert caught.value.hint == f'pip install "jupyter_localllm[{scheme}]"'


def test_settings_that_cannot_be_honoured() -> None:
    """An adapter is for llama.cpp; a GPU may be forbidden; at most four take turns."""
    with pytest.raises(UsageError, match="Adapters"):
        folder_settings(BackendSettings(adapter="x.gguf"))
    assert folder_settings(BackendSettings(n_gpu_layers=0)).gpu is False
    made = folder_settings(BackendSettings(n_ctx=512, quantization="none"))
    assert (made.gpu, made.n_ctx, made.n_parallel, made.quantization) == (True, 512, 4, "none")


@pytest.mark.usefixtures("untried")
def test_what_does_not_fit_is_not_loaded(scheme: str, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the figures, before anything is read."""
    monkeypatch.setattr("jupyter_localllm.models.folders.memory.available_bytes", lambda: 500_000)
    error = refused(scheme, tiny)
    assert isinstance(error, ModelMemoryError)
    assert "500 kB are free" in error.message


def test_bad_names_are_told_by_use(tmp_path: Path) -> None:
    """`%llm use` says it at once: no folder, no weights, half a download."""
    llm = jl.LocalLLM(model="smollm2-135m-instruct")
    with pytest.raises(ModelFileError, match="no weights"):
        llm.find(f"mlx:{tmp_path}")
    folder = looks_like_a_model(tmp_path / "half")
    assert llm.find(f"transformers:{folder}") == "half (40 bytes, by transformers)"
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ModelFileError, match="still downloading"):
        llm.find(f"transformers:{folder}")
    llm.close()


def test_the_child_tells_that_memory_is_short() -> None:
    """That is no fault of the folder: it is told as that, so that another model can make room."""
    folder, memo = ModelFolder("m", "/m", "0", 1, 1, "X", 1, 1, 1), dict[str, str]()
    words = "import sys; print('m needs 9 GB, and 2 GB are free.', file=sys.stderr); sys.exit(3)"
    with pytest.raises(ModelMemoryError, match="2 GB are free"):
        list(check_folder(folder, "mlx", asdict(FolderSettings()), memo, argv=[sys.executable, "-c", words]))
    assert memo == {}
