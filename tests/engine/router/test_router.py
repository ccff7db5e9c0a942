"""Several models behind one name, by rules."""

from __future__ import annotations

import contextvars
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.chat.models import ModelWatch
from jupyter_localllm.constrain import Choices
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.router import Route, RouterEngine
from jupyter_localllm.engine.router import member as module
from jupyter_localllm.engine.router.rules import parsed
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import CacheMiss, ContextOverflow, EngineError, ModelNotFound, UsageError
from jupyter_localllm.magics.resident import resident_lines
from jupyter_localllm.show.bundle import bundle
from jupyter_localllm.show.view import View
from jupyter_localllm.types import Done, Job, Message, Prompt, Result, Status, Token
from tests.contracts import EngineContract

LONG = " ".join(["word"] * 200)


class TestRouter(EngineContract):
    """A router is an engine like all others, also if its first model is not there."""

    @pytest.fixture
    def engine(self) -> Engine:
        gone = ScriptedEngine([EngineError("gone")], name="gone")
        script = {"capital": "It is Tokyo, as all of us know very well.", "hello": "Hello you there!", "story": LONG}
        return RouterEngine(
            [Route(gone), Route(ScriptedEngine({**script, "": "Well, what?"}, name="there", delay_ms=1))]
        )


def ask(engine: Engine, text: str = "Hello?", **options: Any) -> Result:
    job = Job(Prompt((Message.of("user", text),)), **{"max_tokens": 9, **options})
    (done,) = [event for event in engine.generate(job) if isinstance(event, Done)]
    return done.result


def told(engine: Engine, text: str = "Hello?", *, code: str = "routed", **options: Any) -> str:
    result = ask(engine, text, **options)
    (note,) = result.notes
    assert note.code == code
    by, why = result.provenance.answered_by, result.provenance.answered_why
    assert note.text == f"answered by {by}" + (f"; {why}" if why else "")
    return note.text


def says(name: str, **options: Any) -> ScriptedEngine:
    return ScriptedEngine(name, name=name, **options)


def test_by_size() -> None:
    """A small question goes to the small model, a large one past it."""
    router = RouterEngine([Route(says("small"), most_tokens=50), Route(says("large"))])
    assert told(router) == "answered by small"
    assert told(router, LONG) == "answered by large; small is for 50 tokens at most"
    assert told(router, max_tokens=60) == "answered by large; small is for 50 tokens at most"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "talker; clerk is for schema, cited; worker is for tools"),
        ({"constraint": Choices(["a", "b"])}, "clerk"),
        ({"tools": ({"type": "function"},)}, "worker; clerk is for schema, cited"),
    ],
)
def test_by_task(options: dict[str, Any], words: str) -> None:
    """What the answer must be decides who is asked."""
    routes = [
        Route(says("clerk"), tasks=("schema", "cited")),
        Route(says("worker"), tasks=("tools",)),
        Route(says("talker"), tasks=("chat",)),
    ]
    assert told(RouterEngine(routes), **options) == f"answered by {words}"


def test_no_rule_allows_it() -> None:
    """The error tells each rule, and how to have somebody always answer."""
    router = RouterEngine([Route(says("a"), tasks=("schema",)), Route(says("b"), most_tokens=5)])
    with pytest.raises(EngineError, match="a is for schema; b is for 5 tokens at most") as caught:
        ask(router)
    assert "no rules" in caught.value.hint


def test_by_availability(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails hands over and rests; after its rest it is asked again."""
    answers: list[Any] = [EngineError("overheated"), "first"]
    first, second = ScriptedEngine(answers, name="first"), says("second")
    router = RouterEngine([Route(first), Route(second)])
    assert told(router, code="rerouted") == "answered by second; first: overheated"
    assert told(router, code="rerouted") == "answered by second; first: overheated"
    assert len(first.jobs) == 1
    monkeypatch.setattr(module, "_REST_SECONDS", 0.0)
    assert told(router) == "answered by first"


def test_who_stands_in_is_not_kept(tmp_path: Path) -> None:
    """An answer by another one, since the first one failed, is not replayed: the next time the first one may answer."""
    first = ScriptedEngine([EngineError("overheated"), "first"], name="first")
    router = RouterEngine([Route(first), Route(says("second"))])
    llm = LocalLLM.from_engine(router, cache_dir=str(tmp_path))
    assert llm.generate("Hello?").text == "second"
    router._members[0].failed = 0.0  # it rested
    assert llm.generate("Hello?").text == "first"
    assert llm.generate("Hello?").cached


def test_one_that_rests_is_better_than_nobody() -> None:
    """If nobody else is left, it is asked all the same."""
    router = RouterEngine([Route(ScriptedEngine([EngineError("x"), "back"], name="one"))])
    with pytest.raises(EngineError, match="none of router can answer: one: x"):
        ask(router)
    assert ask(router).text == "back"


def test_by_latency() -> None:
    """One whose first token takes too long is asked last; the first time nothing is known of it."""
    slow = Route(says("slow", delay_ms=30), most_ms=5)
    router = RouterEngine([slow, Route(says("fast"))])
    assert told(router) == "answered by slow"
    assert {told(router), told(router)} == {"answered by fast; slow takes more than 5 ms to begin"}


def test_by_window() -> None:
    """What does not fit into one window is tried with the next, and one that fits none is an overflow."""
    router = RouterEngine([Route(says("narrow", n_ctx=50)), Route(says("wide", n_ctx=500))])
    assert told(router, LONG) == "answered by wide; narrow has too small a window"
    assert router.info().n_ctx == 500
    with pytest.raises(ContextOverflow):
        ask(router, f"{LONG} {LONG} {LONG}")


class Opened:
    """Models that are loaded when somebody opens them, and how often that was."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, name: str, **options: Any) -> Any:
        engine = says(name, **options)

        def opening() -> Any:
            if not engine.loaded:
                self.names.append(name)
                yield Status("loading", f"loading {name}", 0.5)
                yield from engine.load()
            return engine

        return opening


def test_nobody_is_loaded_before_being_chosen(tmp_path: Path) -> None:
    """Not for the first answer, nor for a plan; and what loading took is told."""
    opened = Opened()
    routes = [Route(opened("small"), "small", most_tokens=300), Route(opened("large"), "large")]
    llm = LocalLLM.from_engine(RouterEngine(routes), cache_dir=str(tmp_path))
    assert opened.names == []
    result = llm.generate(LONG, max_tokens=100)
    assert (opened.names, result.text) == (["large"], "large")
    assert result.timings.load_ms > 0
    assert llm.plan("Hello?", max_tokens=20).info.name == "small"
    assert opened.names == ["large", "small"]
    assert llm.generate("Hello?", max_tokens=20).timings.load_ms == 0


def test_loading_a_router_loads_one(tmp_path: Path) -> None:
    """`load` makes the first one ready that is there."""
    opened = Opened()

    def gone() -> Any:
        raise EngineError("it is not there")
        yield

    routes = [Route(gone, "gone"), Route(opened("a"), "a"), Route(opened("b"), "b")]
    llm = LocalLLM.from_engine(RouterEngine(routes), cache_dir=str(tmp_path))
    llm.load()
    assert opened.names == ["a"]
    assert llm.count_tokens("one two") > 0
    llm.unload()
    assert not llm.engine.loaded  # type: ignore[union-attr]


def test_turns_are_left_out_by_the_window_of_who_answers(tmp_path: Path) -> None:
    """The prompt is made for the one that is chosen, and no other one's window decides on it."""
    narrow, wide = says("narrow", n_ctx=400), says("wide", n_ctx=4000)
    routes = [Route(narrow, tasks=("chat",)), Route(wide)]
    llm = LocalLLM.from_engine(RouterEngine(routes), cache_dir=str(tmp_path), cache="off")
    for _ in range(4):
        result = llm.generate(f"{LONG} Hello?", chat="talk", max_tokens=20)
    assert {note.code for note in result.notes} == {"left_out", "routed"}
    assert llm.generate("a or b?", schema=["wide", "b"], chat="talk", max_tokens=20).provenance.answered_by == "wide"
    assert len(narrow.jobs[-1].prompt.messages) < len(wide.jobs[-1].prompt.messages)


def test_what_is_told_in_words_does_not_depend_on_who_is_loaded() -> None:
    """The key of an answer holds it: before and after the first question it is the same."""
    first, second = says("first"), says("second")
    router, choices = RouterEngine([Route(first), Route(second)]), Choices(["a", "b"])
    before = router.holds(choices)
    ask(router)
    assert router.holds(choices) is before is (first.holds(choices) and second.holds(choices))


def test_who_answered_is_part_of_the_record(tmp_path: Path) -> None:
    """In the provenance, with why, out of the cache as well; in the output's metadata, its HTML, and `%llm status`."""
    facts = {"answered_sha256": "5" * 64, "versions": {"engine": "1.2"}}
    routes = [Route(says("small"), most_tokens=50), Route(says("large"), facts=lambda: facts), Route(says("more"))]
    llm = LocalLLM.from_engine(RouterEngine(routes, name="router"), cache_dir=str(tmp_path))
    for cached in (False, True):
        result = llm.generate(LONG, max_tokens=20)
        assert result.cached is cached
        made = result.provenance
        assert (made.answered_by, made.answered_sha256) == ("large", "5" * 64)
        assert made.answered_why == "small is for 50 tokens at most"
        assert made.versions["engine"] == "1.2"
        data, metadata = bundle(View(text=result.text, model="router", result=result))
        told = metadata["jupyter_localllm"]
        assert (told["answered_by"], told["answered_why"]) == ("large", "small is for 50 tokens at most")
        assert '<div class="jp-LocalLLM-said"' in data["text/html"]
        assert data["text/html"].count("answered by large; small is for 50 tokens at most") == 1
        assert "[answered by large; small is for 50 tokens at most]" in data["text/plain"]
    status = resident_lines(llm.engine, str)[-1]  # type: ignore[arg-type]
    assert "small (not loaded), large (answered last: small is for 50 tokens at most), more (not loaded)" in status


def test_panels_see_who_answered_last() -> None:
    """Window and device are those of one model, and not of whichever was loaded first."""
    routes = [Route(says("small", n_ctx=500), most_tokens=100), Route(says("large", n_ctx=5000))]
    llm, watch = LocalLLM.from_engine(RouterEngine(routes), cache="off"), ModelWatch()
    assert watch.told(llm).state == "absent"
    for text, n_ctx in (("Hello?", 500), (LONG, 5000), ("Hello?", 500)):
        llm.generate(text, max_tokens=20)
        assert watch.told(llm).window == n_ctx


def test_a_map_tells_all_that_answered(tmp_path: Path) -> None:
    """Rows may go to several of them."""
    routes = [Route(says("small"), most_tokens=100), Route(says("large"))]
    llm = LocalLLM.from_engine(RouterEngine(routes), cache_dir=str(tmp_path))
    seen: list[Any] = []
    assert llm.map("{{ value }}", ["Hello?", LONG], max_tokens=20, progress=seen.append) == ["small", "large"]
    assert set(seen[-1].provenance.answered_by.split(", ")) == {"small", "large"}


class Breaking(ScriptedEngine):
    """Fails in the middle of its answer."""

    def generate(self, job: Job) -> Any:
        yield Token("Once")
        raise EngineError("the connection was cut")


def test_what_has_begun_is_not_begun_anew() -> None:
    """A failure in the middle of an answer is the answer's: nothing is said twice."""
    second = says("second")
    router = RouterEngine([Route(Breaking(name="first")), Route(second)])
    with pytest.raises(EngineError, match="cut"):
        ask(router)
    assert second.jobs == []


def test_a_mistake_is_no_bad_luck(tmp_path: Path) -> None:
    """A model that may not be asked is an error, although another one could answer."""
    llm = LocalLLM(model="router:openai:m@http://10.1.1.1/v1|smollm2-135m-instruct", cache_dir=str(tmp_path))
    with pytest.raises(UsageError, match="not on this machine"):
        llm.generate("Hello?", cache="off")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a|", "is no model of a router"),
        ("a[tokens=5]", "'tokens=5' is no rule"),
        ("a[tokens<=x]", "is no rule"),
        ("a[tasks=chatt]", "'chatt' is no task"),
        ("a[ms<=5", "is no model of a router"),
    ],
)
def test_what_cannot_be_read(text: str, words: str) -> None:
    """A wrong name is an error that shows a right one."""
    with pytest.raises(UsageError, match=words) as caught:
        parsed(text)
    assert caught.value.hint


def test_what_can_be_read() -> None:
    """Rules in brackets, models by any name."""
    assert parsed("C:\\m.gguf [tokens<=400, tasks=chat+schema] | ollama:llama3.2:3b[ms<=2000]") == (
        ("C:\\m.gguf", {"most_tokens": 400, "tasks": ("chat", "schema")}),
        ("ollama:llama3.2:3b", {"most_ms": 2000.0}),
    )


FAR = "https://far.example/v1"


def test_where_prompts_may_go(tmp_path: Path) -> None:
    """Before anything is loaded, and of the models that nobody has asked yet: all addresses elsewhere are known."""
    name = f"router:openai:a@http://127.0.0.1:9/v1|openai:b@{FAR}|smollm2-135m-instruct"
    assert LocalLLM(model=name, allow_remote=True, cache_dir=str(tmp_path)).elsewhere() == (FAR,)
    assert LocalLLM(model=name, cache_dir=str(tmp_path)).elsewhere() == ()
    assert LocalLLM(embedding_model=f"openai:b@{FAR}", allow_remote=True).elsewhere() == (FAR,)

    def unasked() -> Any:
        raise EngineError("it is not there")
        yield

    router = RouterEngine([Route(says("here")), Route(unasked, "there", remote=(FAR,))])
    list(router.generate(Job(Prompt((Message.of("user", "Hello?"),)), max_tokens=9)))
    assert router.info().remote == router.remote == FAR
    assert LocalLLM.from_engine(router).elsewhere() == (FAR,)


def test_ghost_text_is_not_asked_of_a_router_that_may_leave() -> None:
    """One model of it is elsewhere, although another one answered last: what is typed does not go there."""
    from types import SimpleNamespace

    from jupyter_localllm.chat import completing

    here = says("here")
    router = RouterEngine([Route(here), Route(says("there"), remote=(FAR,))])
    list(router.load())
    entry: Any = SimpleNamespace(stop=threading.Event(), stage="")
    queue: Any = SimpleNamespace(person_waits=False)
    asked: Any = SimpleNamespace(before="Once upon", after="")
    lane = contextvars.copy_context()  # as a lane has one of its own
    assert lane.run(completing.complete, asked, entry, LocalLLM.from_engine(router), queue) == {"text": ""}
    assert here.jobs == []


def test_ghost_text_loads_nobody() -> None:
    """It is asked of the one that is there, whatever the rules would say."""
    from types import SimpleNamespace

    from jupyter_localllm.chat import completing

    opened = Opened()
    router = RouterEngine([Route(opened("first"), "first", tasks=("schema",)), Route(opened("second"), "second")])
    llm = LocalLLM.from_engine(router)
    llm.load()
    entry: Any = SimpleNamespace(stop=threading.Event(), stage="")
    asked: Any = SimpleNamespace(before="Once upon", after="")
    lane = contextvars.copy_context()
    queue: Any = SimpleNamespace(person_waits=False)
    assert lane.run(completing.complete, asked, entry, llm, queue)["text"]
    assert opened.names == ["first"]


def test_the_models_of_a_router_are_looked_at(tmp_path: Path) -> None:
    """Naming one that is not here, is not allowed, or names nothing, is an error at once; a right one is told."""
    llm = LocalLLM(cache_dir=str(tmp_path))
    with pytest.raises(UsageError, match="not on this machine"):
        llm.find(f"router:smollm2-135m-instruct|openai:m@{FAR}")
    with pytest.raises(ModelNotFound):
        llm.find("router:openai:m|smolm2-135m-instrct")
    with pytest.raises(ModelNotFound, match="names a backend and no model"):
        llm.find("router:openai:|ollama:m")
    assert llm.find("router:openai:m|ollama:n") == (
        "a router of m at http://localhost:8080/v1; n on Ollama at http://127.0.0.1:11434"
    )


@pytest.mark.model
def test_a_file_behind_a_router(tmp_path: Path) -> None:
    """A model in the kernel takes the place of a server that is not there; the cache knows the router as one model."""
    name = "router:openai:m@http://127.0.0.1:9/v1|smollm2-135m-instruct"
    llm = LocalLLM(model=name, cache_dir=str(tmp_path))
    result = llm.generate("What is the capital of Japan?", max_tokens=12)
    assert "Tokyo" in result.text
    assert [note.code for note in result.notes] == ["rerouted"]
    assert "answered by smollm2-135m-instruct" in result.notes[0].text
    made = result.provenance
    assert made.answered_by == "smollm2-135m-instruct"
    assert made.answered_sha256 == LocalLLM(model=made.answered_by, cache_dir=str(tmp_path)).model_sha256()
    assert "there is no server at" in made.answered_why
    assert made.versions["llama-cpp-python"]
    with pytest.raises(CacheMiss):  # the server may be back the next time
        llm.generate("What is the capital of Japan?", max_tokens=12, cache="require")
    assert llm.generate("Is Tokyo in Japan?", schema=["yes", "no"]).value in ("yes", "no")
    assert llm.engine is not None
    llm.unload()
    assert llm.engine is None
    llm.close()
