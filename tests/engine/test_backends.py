"""The seam: from ``"scheme:name"`` to an engine that somebody else brings."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.engine import backends
from jupyter_localllm.engine.backends import BackendSettings, Home, Target, backend_of, needed, target_of
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import DependencyMissing, EngineError, LocalLLMError, ModelNotFound, OfflineError

PLAIN = BackendSettings()


class Parrot:
    """A backend of another package."""

    package = "pytest"
    here = True

    def __init__(self) -> None:
        self.made: list[Target] = []

    def check(self, target: Target) -> str:
        return f"the parrot {target.name}"

    def remote(self, target: Target) -> tuple[str, ...]:
        return ()

    def identity(self, target: Target, home: Home) -> str:
        if not self.here:
            raise EngineError("the parrot has flown")
        return f"feathers of {target.name}"

    def engine(self, target: Target, home: Home) -> Engine:
        self.made.append(target)
        return ScriptedEngine(f"Pretty {target.name}!", name=target.name)

    def holds(self, constraint: Any) -> bool:
        return False


class Point:
    """An entry point."""

    dist = None
    value = module = "nowhere"

    def __init__(self, name: str, found: Any) -> None:
        self.name, self._found = name, found

    def load(self) -> Any:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parrot]:
    made = Parrot()
    points = [
        Point("parrot", made),
        Point("maker", Parrot),
        Point("broken", ImportError("no wings")),
        Point("stone", lambda: 7),
        Point("openai", made),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points if group == backends.GROUP else [])
    backends._schemes.cache_clear()
    backends._loaded.cache_clear()
    yield made
    monkeypatch.undo()
    backends._schemes.cache_clear()
    backends._loaded.cache_clear()


@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "C:\\models\\m.gguf", "C:/m.gguf", "a/b:c", "zzz:x", "7b"])
def test_other_names_are_files(name: str) -> None:
    """Catalog names, paths, drives and unknown schemes are left to those who look for files."""
    assert target_of(name, PLAIN) is None


def test_a_name_may_hold_colons() -> None:
    """All behind the first colon is the model's name; capitals of the scheme do not matter."""
    assert target_of(" Ollama:llama3.2:3b ", PLAIN) == Target("ollama", "llama3.2:3b", PLAIN)


def test_no_model() -> None:
    """A scheme alone is an error that says how to go on."""
    with pytest.raises(ModelNotFound, match="ollama:NAME"):
        target_of("ollama:", PLAIN)


def test_a_plugin_answers(parrot: Parrot, tmp_path: Path) -> None:
    """An entry point is enough: answers, cache, provenance; equal targets share an engine."""
    llm = LocalLLM(model="parrot:Polly", cache_dir=str(tmp_path), n_ctx=999)
    result = llm.generate("Hello?")
    assert (result.text, result.model) == ("Pretty Polly!", "parrot:Polly")
    assert result.provenance.versions["pytest"]
    assert llm.generate("Hello?").cached
    other = LocalLLM(model="parrot:Polly", cache_dir=str(tmp_path), n_ctx=999)
    other.load()
    assert other.engine is llm.engine
    assert [target.settings.n_ctx for target in parrot.made] == [999]
    assert llm.find("parrot:Jack") == "the parrot Jack"


def test_replay_without_the_backend(parrot: Parrot, tmp_path: Path) -> None:
    """What is in the cache is found by the identity as it was, where it cannot be asked for; else that is told."""
    assert LocalLLM(model="parrot:Polly", cache_dir=str(tmp_path)).generate("Hello?").text
    parrot.here = False
    again = LocalLLM(model="parrot:Polly", cache_dir=str(tmp_path))
    assert again.generate("Hello?", cache="require").cached
    with pytest.raises(EngineError, match="flown"):
        LocalLLM(model="parrot:Jack", cache_dir=str(tmp_path)).generate("Hello?")


def test_ours_cannot_be_replaced(parrot: Parrot) -> None:
    """No package takes the place of a backend of this one."""
    assert backends._schemes()["openai"] == backends.BUILT_IN["openai"]
    assert isinstance(backend_of(Target("maker", "x")), Parrot)


@pytest.mark.parametrize(("scheme", "words"), [("broken", "no wings"), ("stone", "is int"), ("zzz", "There are: ")])
def test_a_broken_plugin(parrot: Parrot, scheme: str, words: str) -> None:
    """What is wrong with somebody else's package is an error of ours, with the reason."""
    with pytest.raises(EngineError, match=words):
        backend_of(Target(scheme, "x"))


def test_a_missing_extra_names_the_command() -> None:
    """The hint can be copied."""
    with pytest.raises(DependencyMissing) as caught:
        needed("no_such_package", "openai", "The backend openai")
    assert caught.value.hint == 'pip install "jupyter_localllm[openai]"'


def test_the_page_tells_all_backends() -> None:
    """Each backend of this package stands in the table of docs/backends.md, and each of their extras exists."""
    root = Path(__file__).parents[2]
    page = (root / "docs" / "backends.md").read_text("utf-8")
    table = page[page.index("| Name | Through |") : page.index("```ipython")]
    assert set(re.findall(r"`(\w+):", table)) == set(backends.BUILT_IN)
    project = (root / "pyproject.toml").read_text("utf-8")
    for extra in re.findall(r"jupyter_localllm\[(\w+)\]", table):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_offline_opens_no_door(parrot: Parrot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With `offline` on, a plugin is looked at with the guard closed: what it would open while it is loaded is refused,
    and told as that. Named without it, it may.
    """
    opened: list[str] = []
    monkeypatch.setattr(backends, "open_for", opened.append)
    llm = LocalLLM(model="parrot:Polly", cache_dir=str(tmp_path), offline=True)
    ways = (llm.load, lambda: llm.find("parrot:Polly"), lambda: llm.find("router:parrot:Polly|parrot:Jack"))
    for way in (*ways, lambda: llm.generate("Hello?"), lambda: llm.derive(model="router:parrot:A|parrot:B").load()):
        with pytest.raises(LocalLLMError, match="offline is on"):
            way()
    assert llm.elsewhere() == ()
    assert opened == []
    assert parrot.made == []
    phoning = Point("phoning", OfflineError("phoning asked 127.0.0.1:9"))
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [phoning, Point("parrot", parrot)])
    backends._schemes.cache_clear()
    with pytest.raises(OfflineError, match="phoning asked"):
        llm.find("phoning:home")
    assert opened == []
    assert LocalLLM(model="parrot:Polly", cache_dir=str(tmp_path)).generate("Hello?").text == "Pretty Polly!"
    assert opened
