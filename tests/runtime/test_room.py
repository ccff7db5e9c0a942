"""Several models at once: which stay, and which leave for another one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm import LocalLLM, runtime
from jupyter_localllm.engine.llama import LlamaEngine
from jupyter_localllm.errors import ModelFileError, ModelMemoryError
from jupyter_localllm.models import estimate, find
from jupyter_localllm.types import Status
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
    told = [status.text for status in three.loading()]
    assert resident() == ["a", "c"]
    assert two.count_tokens("x") > 0
    assert resident() == ["b", "c"]
    assert any("left the memory to make room" in text for text in told) or told


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
                taken += estimate(engine.model, engine.settings.n_ctx, available=0).total_bytes  # type: ignore[attr-defined]
            return total - taken

        for module in ("jupyter_localllm.models.memory", "jupyter_localllm.runtime.room"):
            monkeypatch.setattr(f"{module}.available_bytes", available)

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


def test_nothing_leaves_for_what_can_never_fit(handle: Callable[..., LocalLLM], free: Callable[[int], None]) -> None:
    """Where the others do not help, the error tells the figures."""
    free(1_000_000)
    with pytest.raises(ModelMemoryError, match="are free"):
        handle("a").load()


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
