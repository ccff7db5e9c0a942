"""Many requests in one batch: each gets its own answer, none waits for ever, and none harms another."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.engine.llama import LlamaEngine, LlamaSettings, Surroundings
from jupyter_localllm.engine.llama.keeping import StateKeeper
from jupyter_localllm.engine.llama.resident import NoRoom
from jupyter_localllm.engine.llama.states import StateKey, StateStore
from jupyter_localllm.engine.owner import Owner, Ticket
from jupyter_localllm.errors import ContextOverflow, EngineClosed, EngineError
from jupyter_localllm.types import Done, Job, Prompt, Sampling, Token
from tests.engine.llama.rig import Asked, Logits, Rig, agree, file_of, no_end, rig, words
from tests.tiny_kinds import KINDS

EOS = 2


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: write(folder / f"{kind}.gguf") for kind, write in KINDS.items()}


@pytest.fixture(scope="module")
def path(models: dict[str, Path]) -> Path:
    return models["dense"]


@pytest.fixture
def used(path: Path) -> Iterator[Rig]:
    with rig(path, n_ctx=1024, n_parallel=8) as made:
        yield made


def alone(path: Path, prompt: Any, **options: Any) -> Asked:
    with rig(path, n_ctx=1024) as made:
        return made.answer(prompt, **options)


def byte(text: str | bytes) -> list[int]:
    """The tiny vocabulary's tokens of single bytes."""
    return [5 + value for value in (text.encode() if isinstance(text, str) else text)]


def say(tokens: list[int]) -> Any:
    """A script by which the model writes just these, and then ends."""

    def script(index: int, logits: Logits) -> None:
        logits[tokens[index] if index < len(tokens) else EOS] = 100

    return script


# -- together ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [2, 8])
def test_together_as_alone(models: dict[str, Path], kind: str, count: int) -> None:
    """Requests of all sizes that run together get the answers that each gets alone."""
    prompts = [words(5 + 23 * i, i) for i in range(count)]
    with rig(models[kind], n_ctx=2048, step_tokens=24) as made:
        asked = [made.ask(prompt, max_tokens=10 + 5 * i) for i, prompt in enumerate(prompts)]
        made.run()
    for i, (prompt, one) in enumerate(zip(prompts, asked, strict=True)):
        agree(one, alone(models[kind], prompt, max_tokens=10 + 5 * i))
        assert one.ends == [("value", None)]


def test_each_hears_its_own_text(used: Rig) -> None:
    """What a reader is told is what its own model was made to say, whoever else is there."""
    texts = [f"This is answer {i}, and {i} is its number. " * (i + 1) for i in range(8)]
    asked = [used.ask(words(3 + 11 * i, i), max_tokens=500, script=say(byte(text))) for i, text in enumerate(texts[:2])]
    asked += [used.ask(words(9, i), max_tokens=60, script=say(byte(f"No {i}"))) for i in range(2, 8)]
    used.run()
    assert [one.result.text for one in asked] == [*texts[:2], *(f"No {i}" for i in range(2, 8))]


def test_a_short_request_overtakes_a_long_prompt(used: Rig) -> None:
    """It is answered while the long prompt is still being read, within a few steps more than it takes alone."""
    long = used.ask(words(900), max_tokens=4)
    used.set_step(16)
    used.step()
    short = used.ask(words(30, 1), max_tokens=4, script=no_end)
    steps = 0
    while not short.ends:
        used.step()
        steps += 1
    assert long.sequence.reading
    assert steps <= 2 * -(-30 // 8) + 4
    used.run()
    assert long.result
    assert short.result


def test_a_writer_writes_in_every_step(used: Rig) -> None:
    """A long prompt that is read beside it takes no token of an answer away."""
    writer = used.ask(words(10), max_tokens=40, script=no_end)
    used.step()
    used.set_step(8)
    used.ask(words(700, 1), max_tokens=1)
    for count in range(2, 30):
        used.step()
        assert len(writer.tokens) == count


# -- leaving -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancel_leaves_the_others_alone(models: dict[str, Path], kind: str) -> None:
    """One leaves while it reads, one while it writes; the third's answer is the same."""
    with rig(models[kind], n_ctx=1024, step_tokens=16) as made:
        stays = made.ask(words(50), max_tokens=40, script=no_end)
        writes = made.ask(words(5, 1), max_tokens=40, script=no_end)
        reads = made.ask(words(600, 2), max_tokens=40)
        for _ in range(12):
            made.step()
        assert writes.tokens
        assert reads.sequence.reading
        writes.ticket.cancel()
        made.step()
        reads.ticket.cancel()
        made.run()
    assert writes.ends == reads.ends == [("value", None)]
    agree(stays, alone(models[kind], words(50), max_tokens=40, script=no_end))


def test_cancelled_again_and_after_the_end(used: Rig) -> None:
    """A second cancel, and one after the answer, change nothing."""
    one, other = used.ask(words(20), max_tokens=9), used.ask(words(20, 1), max_tokens=9, script=no_end)
    used.step()
    one.ticket.cancel()
    one.ticket.cancel()
    used.run()
    one.ticket.cancel()
    other.ticket.cancel()
    assert not used.step()
    assert one.ends == other.ends == [("value", None)]
    assert other.result.usage.completion_tokens == 9


def test_cancelled_while_it_waits(path: Path) -> None:
    """Who waits in the middle or in front can leave; those behind go on waiting, and are answered."""
    with rig(path, n_parallel=1) as made:
        asked = [made.ask(words(20, i), max_tokens=6, script=no_end) for i in range(5)]
        made.step()
        asked[1].ticket.cancel()
        asked[3].ticket.cancel()
        made.run()
    assert all(one.ends == [("value", None)] for one in asked)
    assert [len(one.tokens) for one in asked] == [6, 0, 6, 0, 6]


# -- waiting -------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_waits_visibly(path: Path) -> None:
    """It is told so once, whatever it waits for, and answered when there is room."""
    with rig(path, n_parallel=4) as made:
        asked = [made.ask(words(200, i), max_tokens=100, script=no_end) for i in range(4)]
        made.run()
    for i, one in enumerate(asked):
        assert one.result.usage.completion_tokens == 100
        waits = [status for status in one.statuses if status.stage == "waiting"]
        assert len(waits) == (i > 0), waits
    assert "room" in asked[1].statuses[0].text
    assert "1 request ahead" in asked[2].statuses[0].text
    assert "2 requests ahead" in asked[3].statuses[0].text


def test_ten_thousand_requests(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are answered or cancelled, and what is done for one does not grow with how many wait."""
    looks, values = [0], {}

    def cancelled(ticket: Ticket) -> bool:
        looks[0] += 1
        return bool(values.get(ticket, False))

    # An attribute of every ticket, so that each look can be counted.
    monkeypatch.setattr(Ticket, "cancelled", property(cancelled, values.__setitem__), raising=False)
    with rig(path, n_ctx=512, n_parallel=16, step_tokens=256) as made:
        asked = [made.ask([10 + i % 200, 11], max_tokens=1) for i in range(10_000)]
        for one in asked[5000:]:
            one.ticket.cancel()
        made.run(most=20_000)
    assert all(one.ends == [("value", None)] for one in asked)
    assert all(len(one.tokens) == 1 for one in asked[:5000])
    assert looks[0] < 40 * len(asked)


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_that_fills_the_window(models: dict[str, Path], kind: str) -> None:
    """Prompt and answer may take all of it, after and before others."""
    with rig(models[kind], n_ctx=512, n_parallel=4) as made:
        made.answer(words(100), max_tokens=10)
        whole = made.answer(words(511, 1), max_tokens=1)
        assert whole.result.usage.prompt_tokens == 511
        half = made.answer(words(256, 2), max_tokens=256, script=no_end)
        assert half.result.usage.completion_tokens == 256
        made.answer(words(100), max_tokens=10)


def test_a_prompt_beyond_the_window_is_an_error(path: Path) -> None:
    """It says both figures, and the engine answers the next one; so does one without any text."""
    owner = Owner()
    engine = LlamaEngine(file_of(path), LlamaSettings(n_ctx=512, n_threads=1), owner)
    with pytest.raises(ContextOverflow, match=r"512 tokens .* 1, .* 512"):
        list(engine.generate(Job(Prompt((), ("0" * 512,)), max_tokens=1)))
    for pieces in ((), ("",), ("", "")):
        with pytest.raises(ContextOverflow, match="empty"):
            list(engine.generate(Job(Prompt((), pieces), max_tokens=1)))
    assert isinstance(list(engine.generate(Job(Prompt((), ("0" * 511,)), max_tokens=1)))[-1], Done)
    owner.close()


def test_one_token(used: Rig) -> None:
    """An answer of one token is one, and says that it was cut."""
    one = used.answer([7], max_tokens=1, script=say(byte("xyz")))
    assert one.result.text == "x"
    assert one.result.finish_reason == "length"


def test_no_token(used: Rig) -> None:
    """An answer may be empty."""
    one = used.answer([7], max_tokens=5, script=say([]), stop=("",))
    assert one.result.text == ""
    assert one.result.finish_reason == "stop"
    assert one.result.usage.completion_tokens == 0


@pytest.mark.parametrize("sequences", [8, 32])
def test_a_batch_smaller_than_the_number_of_sequences(path: Path, sequences: int) -> None:
    """However small the batch is set, every sequence finds a place in it, or the setting is refused; nothing dies."""
    code = f"""if True:
        from pathlib import Path
        from tests.engine.llama.rig import rig, words
        from jupyter_localllm.errors import LocalLLMError
        try:
            with rig(Path({str(path)!r}), n_batch=4, n_parallel={sequences}) as made:
                asked = [made.ask(words(20, i), max_tokens=5) for i in range(12)]
                made.run()
                assert all(one.result for one in asked)
        except LocalLLMError:
            pass
        print("alive")
    """
    root, env = Path(__file__).parents[3], {**os.environ, "GGML_NO_BACKTRACE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=env, timeout=100, check=False
    )
    assert done.stdout == "alive\n", done.stderr[-500:]


# -- text ----------------------------------------------------------------------------------------------------------


def test_tokens_that_are_half_a_character(used: Rig) -> None:
    """Characters of several tokens come whole, in company, and where the limit cuts one it is told as what it is."""
    text = "Łódź 🐢 日本"
    asked = [used.ask([7, 8 + i], max_tokens=40, script=say(byte(text))) for i in range(4)]
    cut = used.ask([7], max_tokens=6, script=say(byte("ab🐢")[:-1] + byte("x")))
    used.run()
    for one in asked:
        assert one.result.text == text
        assert not any("\ufffd" in event.text for event in one.events if isinstance(event, Token))
    assert cut.result.text == "ab\ufffdx"


@pytest.mark.parametrize("stop", ["STOP", "TO", "P!", "🐢"])
def test_stop_strings_across_tokens(used: Rig, stop: str) -> None:
    """The text ends before a stop string, of which nothing was shown."""
    text = "all of it STO STOP!🐢 and more"
    one = used.answer([7], max_tokens=60, stop=(stop, "never"), script=say(byte(text)))
    assert one.result.text == text[: text.index(stop)]
    assert one.result.finish_reason == "stop"


# -- pins and status -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_pins_at_every_offset(models: dict[str, Path], kind: str) -> None:
    """Wherever the pins are, one or many, the answer is the same; each pin serves the next prompt."""
    prompt, want = words(24), alone(models[kind], words(24), max_tokens=5)
    for pin in range(26):
        with rig(models[kind]) as made:
            agree(made.answer(prompt, max_tokens=5, pins=[pin]), want)
            other = made.answer([*prompt[:pin], *words(9, 1)], max_tokens=2)
            assert other.sequence.cached >= (pin if pin <= 24 else 0)
    with rig(models[kind]) as made:
        agree(made.answer(prompt, max_tokens=5, pins=range(26)), want)


def test_reading_is_told(used: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a long prompt are told in order, with the number of tokens."""
    monkeypatch.setattr("jupyter_localllm.engine.sequence._PROMPT_SECONDS", 0.0)
    one = used.answer(words(900), max_tokens=1)
    told = [status.fraction for status in one.statuses if status.stage == "prompt"]
    assert len(told) > 5
    assert told == sorted(told)  # type: ignore[type-var]
    assert all(0 < part < 1 for part in told if part is not None)
    assert "900" in one.statuses[0].text


# -- trouble -------------------------------------------------------------------------------------------------------


def once(error: Exception, real: Any) -> Any:
    """A function that raises the first time."""
    raised: list[Exception] = []

    def call(*arguments: Any) -> Any:
        if not raised:
            raised.append(error)
            raise error
        return real(*arguments)

    return call


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_a_step_reaches_everybody(models: dict[str, Path], kind: str) -> None:
    """All that run hear of it, those that wait are answered, and the engine goes on."""
    with rig(models[kind], n_parallel=2) as made:
        asked = [made.ask(words(20, i), max_tokens=4) for i in range(4)]
        made.step()
        made.resident.decode = once(RuntimeError("boom"), made.resident.decode)  # type: ignore[method-assign]
        made.run()
        for one in asked[:2]:
            [(kind_, error)] = one.ends
            assert kind_ == "error"
            assert isinstance(error, EngineError)
            assert "boom" in str(error)
        assert all(one.result for one in asked[2:])
        agree(made.answer(words(20), max_tokens=4), alone(models[kind], words(20), max_tokens=4))


@pytest.mark.parametrize("waits", [False, True])
def test_an_error_on_the_way_in_reaches_its_request_alone(path: Path, waits: bool) -> None:
    """Who cannot be let in hears why; nobody is lost, and no slot stays taken."""
    with rig(path, n_parallel=1 if waits else 4) as made:
        first = made.ask(words(20), max_tokens=4)
        made.samplers.start = once(RuntimeError("boom"), made.samplers.start)  # type: ignore[method-assign]
        heard = False
        try:
            second = made.ask(words(20, 1), max_tokens=4)
        except RuntimeError:  # from `add`, on the owner's thread: the ticket hears of it there
            heard = True
        third = made.ask(words(20, 2), max_tokens=4)
        made.run(most=200)
        assert first.result
        assert third.result
        assert heard or [kind for kind, _ in second.ends] == ["error"]


def test_settings_that_llama_cpp_cannot_take(path: Path) -> None:
    """A sampling value beyond its C type is an error for its request, alone or in company, and for no other."""
    owner = Owner()
    engine = LlamaEngine(file_of(path), LlamaSettings(n_ctx=512, n_threads=1, n_parallel=2), owner)
    job = Job(Prompt((), ("hello",)), max_tokens=3)
    bad = Job(Prompt((), ("hello",)), Sampling(1.0, top_k="many"), max_tokens=3)  # type: ignore[arg-type]
    for _ in range(4):
        with pytest.raises(EngineError):
            list(engine.generate(bad))
    assert isinstance(list(engine.generate(job))[-1], Done)
    owner.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", ["reading", "writing"])
def test_no_room_is_tried_again(models: dict[str, Path], kind: str, when: str) -> None:
    """llama.cpp found no cells: what is idle is let go, and the same step is made again; nobody sees a difference."""
    with rig(models[kind], n_ctx=1024) as made:
        made.answer(words(50, 3), max_tokens=1)
        asked = [made.ask(words(100 + i, i), max_tokens=12, script=no_end) for i in range(2)]
        while when == "writing" and any(len(one.tokens) < 3 for one in asked):
            made.step()
        if when == "reading":
            made.step()
            assert all(one.sequence.reading for one in asked)
        made.resident.decode = once(NoRoom(), made.resident.decode)  # type: ignore[method-assign]
        made.run()
    for i, one in enumerate(asked):
        agree(one, alone(models[kind], words(100 + i, i), max_tokens=12, script=no_end))


def test_no_room_for_good_is_an_error(used: Rig) -> None:
    """If nothing is idle, who runs hears so, and the next request is answered."""

    def full() -> None:
        raise NoRoom

    asked, real = [used.ask(words(20, i), max_tokens=4) for i in range(2)], used.resident.decode
    used.resident.decode = full  # type: ignore[method-assign]
    used.run()
    used.resident.decode = real  # type: ignore[method-assign]
    assert all("no room" in str(error) for one in asked for _, error in one.ends)
    assert used.answer(words(20), max_tokens=4).result


def test_the_flag_stops_only_its_one_owner(used: Rig) -> None:
    """A step of several requests is not stopped by anybody; one of a single request only by its own."""
    flags, watch = [], used.resident.watch

    def spy(flag: Any) -> None:
        flags.append((flag, len(used.scheduler._running)))
        watch(flag)

    used.resident.watch = spy  # type: ignore[method-assign]
    first = used.ask(words(20), max_tokens=8, script=no_end)
    used.step()
    second = used.ask(words(20, 1), max_tokens=4, script=no_end)
    used.run()
    assert {flag is first.ticket.abort for flag, running in flags if running == 1} == {True}
    both = [flag for flag, running in flags if running == 2]
    assert both
    assert not any(flag is one.ticket.abort for flag in both for one in (first, second))


def test_unload_while_many_are_answered(path: Path) -> None:
    """Everybody hears of it, nothing reads the memory that was given back, and the model can be loaded again."""
    store, owner = StateStore(StateKey("m", "b", "c"), None, ram_bytes=1 << 30, disk_bytes=0), Owner()
    engine = LlamaEngine(
        file_of(path), LlamaSettings(n_ctx=8192, n_threads=1, n_parallel=8), owner, Surroundings(states=store)
    )
    late: list[int] = []
    ends: list[object] = []

    def ask(i: int) -> None:
        job = Job(Prompt((), (f"{i} " + "0123456789" * 40,), pins=(300,)), Sampling(1.0), max_tokens=300)
        try:
            ends.append(list(engine.generate(job))[-1])
        except EngineClosed as error:
            ends.append(error)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while engine._loaded is None or not any(slot.pinned for slot in engine._loaded.scheduler._slots.all):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    scheduler, resident = engine._loaded.scheduler, engine._loaded.resident
    keeper = scheduler._slots._keeper
    assert isinstance(keeper, StateKeeper)
    assert resident is not None

    def put(number: int, _tokens: Any, *, keep: bool) -> None:
        if resident.context is None:
            late.append(number)

    keeper.put = put  # type: ignore[method-assign, assignment]
    engine.unload()
    owner.call(lambda _ticket: None)
    for thread in threads:
        thread.join(30)
    owner.call(lambda _ticket: scheduler.step())
    assert len(ends) == 5
    assert all(isinstance(end, (EngineClosed, Done)) for end in ends)
    assert any(isinstance(end, EngineClosed) for end in ends)
    assert not late, "the state of a context that was freed was read"
    assert isinstance(list(engine.generate(Job(Prompt((), ("hello",)), max_tokens=2)))[-1], Done)
    engine.close()
    owner.close()


def test_after_it_was_stopped_nothing_is_read(path: Path) -> None:
    """The owner may step it once more when its model is gone: no state may be saved then."""
    store = StateStore(StateKey("m", "b", "c"), None, ram_bytes=1 << 30, disk_bytes=0)
    with rig(path, n_ctx=1024, store=store) as made:
        one = made.ask(words(400), max_tokens=50, pins=[300])
        while one.sequence.reading:
            made.step()
        assert any(slot.pinned for slot in made.slots.all)
        made.scheduler.stop()
        assert not made.scheduler.step()
        assert store.ram_used == 0, "a context that may be freed was read"


def test_nothing_of_an_answer_is_left(used: Rig) -> None:
    """After answers, cancels and errors nobody's drafter, slot or sampler is held."""
    for i in range(3):
        used.ask(words(30, i), max_tokens=4)
    used.ask(words(30, 5), max_tokens=40).ticket.cancel()
    used.run()
    assert not used.scheduler._running
    assert not used.scheduler._waiting
    assert not any(slot.busy or slot.reserved for slot in used.slots.all)
