"""Several models at once: which stay, and which leave for another one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM, runtime
from jupyter_localllm.engine.backends import BackendSettings, Target
from jupyter_localllm.engine.inprocess import FolderEngine, FolderSettings
from jupyter_localllm.engine.llama import LlamaEngine
from jupyter_localllm.errors import ModelFileError, ModelMemoryError
from jupyter_localllm.models import estimate, find
from jupyter_localllm.models.folders import plan_folder
from jupyter_localllm.types import ModelFolder, Precision, Status
from tests.engine.inprocess.fakes import FakeNetwork, FakeWords
from tests.models.splitting import split
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_models import write_tiny_llama


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models."""
    made = tmp_path_factory.mktemp("models")
    for seed, name in enumerate("abc"):
        write_tiny_llama(made / f"{name}.gguf", seed=seed)
    return made


@pytest.fixture
def handle(folder: Path) -> Callable[..., LocalLLM]:
    """Make a handle on one of them."""
    return lambda model, **settings: LocalLLM(
        **{"model": model, "model_dirs": [str(folder)], "cache": "off", "cache_dir": str(folder / "cache"), **settings}
    )


def resident() -> list[str]:
    return sorted(engine.name for engine in runtime.current().resident())


def test_a_handle_that_goes_on_to_another_model_keeps_the_first(handle: Callable[..., LocalLLM]) -> None:
    """Coming back costs no loading; `unload` gives back all, closing lets go of all."""
    llm = handle("a")
    llm.load()
    first = llm.engine
    llm.model = "b"
    llm.load()
    assert resident() == ["a", "b"]
    assert llm.engine is not first
    llm.model = "a"
    llm.load()
    assert llm.engine is first
    llm.unload()
    assert resident() == []
    llm.load()
    llm.close()
    runtime.current().owner.call(lambda _ticket: None)
    assert resident() == []


def test_other_settings_of_one_file_take_its_place(handle: Callable[..., LocalLLM]) -> None:
    """The same weights are not held twice by one handle."""
    llm = handle("a", n_ctx=256)
    llm.load()
    llm.n_ctx = 512
    llm.load()
    assert len(runtime.current().resident()) == 1


def test_no_more_than_so_many(handle: Callable[..., LocalLLM]) -> None:
    """The one that was not used for longest leaves; it is loaded again when it is asked."""
    one, two, three = (handle(name, max_models=2) for name in "abc")
    one.load()
    two.load()
    one.count_tokens("x")  # now `two` is the one that was not used for longest
    one.load()
    three.load()
    assert resident() == ["a", "c"]
    assert two.count_tokens("x") > 0
    assert resident() == ["b", "c"]


def test_one_that_is_asked_does_not_leave(handle: Callable[..., LocalLLM]) -> None:
    """What is being answered, or waits for it, is never taken away for another model."""
    llm, owner, go_on = handle("a"), runtime.current().owner, threading.Event()
    llm.load()
    engine = llm.engine
    assert isinstance(engine, LlamaEngine)
    asking = threading.Thread(target=lambda: owner.call(lambda _ticket: go_on.wait(20), group=engine))
    asking.start()
    while not owner.waiting:
        pass
    assert not engine.retire()
    go_on.set()
    asking.join()
    assert engine.retire()
    assert resident() == []


def test_in_a_process_of_its_own(handle: Callable[..., LocalLLM]) -> None:
    """A model in a child leaves as well, with its process."""
    one, two = (handle(name, max_models=1, isolation="process") for name in "ab")
    one.load()
    two.load()
    assert resident() == ["b"]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let so many bytes be free, less what is resident."""

    def set_free(total: int) -> None:
        def available() -> int:
            taken = 0
            for engine in runtime.current().resident():
                if isinstance(engine, FolderEngine):
                    taken += engine.memory_bytes
                else:
                    taken += estimate(engine.model, engine.settings.n_ctx, available=0).total_bytes  # type: ignore[attr-defined]
            return total - taken

        for module in ("models.memory", "models.folders.memory", "runtime.room"):
            monkeypatch.setattr(f"jupyter_localllm.{module}.available_bytes", available)

    return set_free


def test_memory_is_made_by_those_that_are_idle(
    handle: Callable[..., LocalLLM], folder: Path, free: Callable[[int], None]
) -> None:
    """A model that does not fit beside another takes its place, and gets the window that it would have alone."""
    needed = estimate(find("a", model_dirs=[folder], memo={}), 512, available=0).total_bytes
    free(int(needed * 1.5))
    one, two = handle("a"), handle("b")
    one.load()
    told = [status for status in two.loading() if isinstance(status, Status)]
    assert resident() == ["b"]
    assert two.engine is not None
    assert two.engine.info().n_ctx == 512
    assert any("a was not used for longest, and left the memory" in status.text for status in told)
    assert any("with a window of 512 tokens" in status.text and "are free" in status.text for status in told)


@pytest.fixture
def needed(folder: Path) -> int:
    """Bytes of one model."""
    return estimate(find("a", model_dirs=[folder], memo={}), 512, available=0).total_bytes


def test_nothing_leaves_for_what_can_never_fit(
    handle: Callable[..., LocalLLM], free: Callable[[int], None], needed: int, tmp_path: Path
) -> None:
    """Where the others do not help, they stay, and the error tells the figures; so it is when one is loaded again."""
    large = write_tiny_llama(tmp_path / "large.gguf", n_layer=400)
    again = handle("c")
    again.load()
    again.engine.unload()  # type: ignore[union-attr]
    free(int(needed * 2.5))
    one, two = handle("a"), handle("b")
    one.load()
    two.load()
    with pytest.raises(ModelMemoryError, match="are free"):
        handle(str(large)).load()
    assert resident() == ["a", "b"]
    free(int(needed * 2.5) - 3 * needed + 1)  # others have taken it meanwhile
    with pytest.raises(ModelMemoryError, match="are free"):
        again.load()
    assert resident() == ["a", "b"]


def test_no_more_leave_than_it_takes(
    handle: Callable[..., LocalLLM], free: Callable[[int], None], needed: int, tmp_path: Path
) -> None:
    """One that was not used for long stays where its leaving does not help."""
    large = write_tiny_llama(tmp_path / "large.gguf", n_layer=12)
    more = estimate(find(str(large), memo={}), 512, available=0).total_bytes
    assert more > needed * 1.5
    free(needed * 2 + more)
    held = [handle(name) for name in ("a", str(large), "b")]
    for llm in held:
        llm.load()
    assert resident() == ["a", "b", "large"]
    two = write_tiny_llama(tmp_path / "two.gguf", n_layer=12, seed=7)
    held.append(handle(str(two)))
    held[-1].load()
    assert resident() == ["a", "b", "two"]


def test_nothing_leaves_for_a_larger_window(
    handle: Callable[..., LocalLLM], free: Callable[[int], None], tmp_path: Path
) -> None:
    """Both models fit: that the second one would have a larger window alone is no reason to unload the first."""
    paths = [write_tiny_llama(tmp_path / f"{name}.gguf", n_ctx=16_384) for name in ("long", "longer")]
    small, large = (estimate(find(str(paths[0]), memo={}), n_ctx, available=0).total_bytes for n_ctx in (2_048, 16_384))
    free(int(large / 0.6) + small)
    held = [handle(str(path)) for path in paths]
    for llm in held:
        llm.load()
    assert resident() == ["long", "longer"]
    windows = [llm.engine.info().n_ctx for llm in held]  # type: ignore[union-attr]
    assert windows[0] == 16_384
    assert 2_048 <= windows[1] < 16_384


def test_two_threads_at_once(handle: Callable[..., LocalLLM]) -> None:
    """Models that push each other out all the time answer all the same."""
    handles = [handle(name, max_models=1) for name in "abc"]
    failed: list[BaseException] = []

    def ask(llm: LocalLLM) -> None:
        try:
            for _ in range(4):
                llm.generate("Hello", max_tokens=3)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(llm,)) for llm in handles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_split_model_answers(handle: Callable[..., LocalLLM], folder: Path, tmp_path: Path) -> None:
    """It is loaded by any of its parts, and says what the same model in one file says."""
    parts = split(folder / "a.gguf", tmp_path, 2)
    whole = handle(str(folder / "a.gguf")).generate("Hello", max_tokens=8)
    for part in parts:
        assert handle(str(part)).generate("Hello", max_tokens=8).text == whole.text


def test_an_adapter_for_another_model(handle: Callable[..., LocalLLM], folder: Path, tmp_path: Path) -> None:
    """What is no adapter, or one for another architecture, is refused in words before it is tried."""
    with pytest.raises(ModelFileError, match="is a model, not a LoRA adapter"):
        handle("a", adapter=str(folder / "b.gguf")).load()
    adapter = write_tiny_adapter(tmp_path / "lora.gguf")
    plain, changed = handle("a"), handle("a", adapter=str(adapter))
    assert plain.generate("Hello", max_tokens=8).text != changed.generate("Hello", max_tokens=8).text


def test_an_adapter_by_its_name_and_another_in_its_place(
    handle: Callable[..., LocalLLM], folder: Path, tmp_path: Path
) -> None:
    """It is found where models are, a draft model too; another file of that name is another adapter."""
    dirs, lora = [str(folder), str(tmp_path)], write_tiny_adapter(tmp_path / "poet.gguf")
    named = handle("a", adapter="poet", draft_model="b", model_dirs=dirs)
    by_path = handle("a", adapter=str(lora))
    said = named.generate("Hello", max_tokens=8).text
    assert said == by_path.generate("Hello", max_tokens=8, cache="off").text
    write_tiny_adapter(tmp_path / "new", rank=2).replace(lora)
    assert named.generate("Hello", max_tokens=8).text != said


@pytest.fixture
def load_folder(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FolderEngine]:
    """Load a model folder of some size, by a library that is none, as its backend does."""
    words = FakeWords()
    words.control, words.fim = (), lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr("jupyter_localllm.engine.inprocess.loaded.open_tokens", lambda _folder: words)

    def library(folder: ModelFolder, settings: FolderSettings, plan: Callable[..., Any]) -> FakeNetwork:
        network = FakeNetwork()
        network.memory_bytes = plan(folder, (Precision("float32", 4, 4), Precision("bfloat16", 2, 2))).total_bytes
        return network

    def load(
        name: str, size: int, *, max_models: int = 4, holder: int | None = None, n_ctx: int | None = None
    ) -> FolderEngine:
        here = runtime.current()
        folder = ModelFolder(name, f"/{name}", name, size, size // 2, "X", 256, 2, 1)
        engine = FolderEngine(folder, FolderSettings(n_ctx=n_ctx or 0), here.owner, library, plan_folder)
        target = Target("mlx", name, BackendSettings(n_ctx=n_ctx))
        list(here.backend(target, lambda: engine, here.holder() if holder is None else holder, max_models))
        return engine

    return load


def test_folders_leave_as_files_do(handle: Callable[..., LocalLLM], load_folder: Callable[..., FolderEngine]) -> None:
    """Models of both kinds count alike, and the one that was not used for longest leaves."""
    one, two = (handle(name, max_models=2) for name in "ab")
    load_folder("first", 1_000_000)
    one.load()
    load_folder("second", 1_000_000, max_models=2)
    assert resident() == ["a", "second"]
    two.load()
    assert resident() == ["b", "second"]


def test_a_folder_stays_while_its_handle_asks_another_one(load_folder: Callable[..., FolderEngine]) -> None:
    """As a file does; but not beside itself with other settings."""
    here = runtime.current()
    holder = here.holder()
    for name, n_ctx in (("first", None), ("second", None), ("first", 128)):
        load_folder(name, 1_000_000, holder=holder, n_ctx=n_ctx)
        here.owner.call(lambda _ticket: None)  # what was let go is freed by now
    assert resident() == ["first", "second"]
    assert [one.settings.n_ctx for one in here.resident() if one.name == "first"] == [128]  # type: ignore[attr-defined]


def test_memory_is_made_by_folders_and_for_them(
    handle: Callable[..., LocalLLM], load_folder: Callable[..., FolderEngine], free: Callable[[int], None], needed: int
) -> None:
    """A file takes the place of a folder that it does not fit beside, and the other way round."""
    one = handle("a")
    free(needed * 3)
    load_folder("large", needed * 2)
    one.load()
    assert resident() == ["a"]
    load_folder("little", needed)
    assert resident() == ["a", "little"]
    load_folder("larger", int(needed * 2.5))
    assert resident() == ["larger"]
    with pytest.raises(ModelMemoryError, match="are free"):
        load_folder("too large", needed * 4)
    assert resident() == ["larger"]
