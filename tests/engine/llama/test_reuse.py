"""A prompt whose beginning is known already gives what it gives a model that never saw anything else.

Tiny models with random weights, of each kind of memory. "The same" is: bit for bit where the same tokens were read in
the same chunks into the same cells; otherwise a Kullback-Leibler divergence below `KL`, and the same likeliest token
wherever it leads by more than `MARGIN` (both in `tests.engine.llama.rig`). Measured over 4,000 random prompts: logits
differ by at most 9e-4 (16-bit keys and values), so the divergence is some 1e-7. One wrong token ten places back moves
them by 0.3.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_localllm.engine.llama import LlamaEngine, LlamaSettings
from jupyter_localllm.engine.llama.keeping import StateKeeper
from jupyter_localllm.engine.llama.states import StateKey, StateStore
from jupyter_localllm.engine.owner import Owner
from jupyter_localllm.types import Done, Job, Prompt, Usage
from tests.engine.llama.rig import Asked, Rig, agree, equal, file_of, no_end, rig, words
from tests.tiny_kinds import KINDS

WHOLE = ("recurrent", "hybrid")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def path(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[kind](tmp_path_factory.mktemp("models") / f"{kind}.gguf")


@pytest.fixture(scope="module")
def fresh(path: Path) -> Iterator[Callable[..., Asked]]:
    """Asks a model that holds nothing."""
    with rig(path, n_ctx=1024) as alone:

        def ask(prompt: list[int], **options: Any) -> Asked:
            for slot in alone.slots.all:
                alone.slots.empty(slot)
            asked = alone.answer(prompt, **options)
            assert asked.sequence.cached == 0
            return asked

        yield ask


def settled(asked: Rig) -> None:
    """Files of states are written."""
    keeper = asked.slots._keeper
    assert isinstance(keeper, StateKeeper)
    if keeper._writing is not None:
        keeper._writing.join()


def test_the_measure_sees_one_wrong_token(fresh: Callable[..., Asked]) -> None:
    """A prompt that differs in one token, ten places back, is not "the same"."""
    prompt = words(60)
    other = [*prompt[:50], 7, *prompt[51:]]
    with pytest.raises(AssertionError):
        agree(fresh(prompt, max_tokens=4), fresh(other, max_tokens=4))


def test_a_continued_text_is_bit_equal(path: Path, fresh: Callable[..., Asked]) -> None:
    """What was read and written is continued, for all kinds: the same chunks in the same cells give the same bits."""
    start, more = words(70), words(20, 1)
    with rig(path) as used:
        used.answer(start, max_tokens=1)
        second = used.answer(start + more, max_tokens=12)
    assert second.sequence.cached == 70
    equal(second, fresh(start + more, max_tokens=12, pins=[70]))


def test_a_chat_goes_on(path: Path, fresh: Callable[..., Asked]) -> None:
    """The last answer is part of the next prompt: only its last token and the new question are read."""
    start = words(70)
    with rig(path) as used:
        first = used.answer(start, max_tokens=10, script=no_end)
        prompt = [*start, *first.tokens, *words(9, 1)]
        second = used.answer(prompt, max_tokens=12)
    assert second.sequence.cached == 79
    agree(second, fresh(prompt, max_tokens=12))


def test_the_same_prompt_again(kind: str, path: Path, fresh: Callable[..., Asked]) -> None:
    """All but the last token is used where a sequence can be cut."""
    prompt = words(70)
    with rig(path) as used:
        used.answer(prompt, max_tokens=6, script=no_end)
        again = used.answer(prompt, max_tokens=6)
    assert again.sequence.cached == (0 if kind in WHOLE else 69)
    agree(again, fresh(prompt, max_tokens=6))


def test_a_second_question_over_the_same_sources(kind: str, path: Path, fresh: Callable[..., Asked]) -> None:
    """Without a pin: as much as both share, where a part can be used."""
    sources = words(80)
    with rig(path) as used:
        used.answer(sources + words(20, 1), max_tokens=1)
        second = used.answer(sources + words(20, 2), max_tokens=12)
    assert second.sequence.cached == (0 if kind in WHOLE else 80)
    agree(second, fresh(sources + words(20, 2), max_tokens=12))


@pytest.mark.parametrize("answer", [1, 60])
def test_a_pinned_prefix(path: Path, fresh: Callable[..., Asked], answer: int) -> None:
    """A prefix that was pinned is used by all kinds, again and again, whatever came after it."""
    sources = words(80)
    with rig(path) as used:
        for seed in range(1, 6):
            prompt = sources + words(20, seed)
            asked = used.answer(prompt, max_tokens=answer, pins=[80], script=no_end)
            assert asked.sequence.cached == (80 if seed > 1 else 0)
            agree(asked, fresh(prompt, max_tokens=answer, script=no_end))


def test_a_window_that_has_moved_on_is_read_again(tmp_path: Path) -> None:
    """A sliding window's cells are gone once something else took them: then nothing is reused, and nothing is wrong."""
    path = KINDS["swa"](tmp_path / "m.gguf")
    sources = words(100)
    with rig(path) as used, rig(path) as alone:
        used.answer(words(50, 1), max_tokens=1)
        long = used.ask(sources, max_tokens=120, script=no_end)
        used.step()
        used.slots.drop(next(slot for slot in used.slots.all if slot.tokens and not slot.busy))
        used.run()
        assert long.sequence.slot is not None
        assert used.resident.memory.first(long.sequence.slot.number) > 40
        second = used.answer(sources[:50] + words(10, 2), max_tokens=8)
        assert second.sequence.cached == 0
        agree(second, alone.answer(sources[:50] + words(10, 2), max_tokens=8))


@pytest.mark.parametrize("disk", [False, True])
def test_a_state_that_was_kept(path: Path, fresh: Callable[..., Asked], tmp_path: Path, disk: bool) -> None:
    """A prefix that left the cache comes back from memory, or from disk in another engine; the bits are the same."""

    def store() -> StateStore:
        return StateStore(StateKey("m", "b", "c"), tmp_path / "states", ram_bytes=1 << 30, disk_bytes=1 << 30)

    sources, kept = words(300), store()
    with rig(path, n_ctx=1024, store=kept, step_tokens=512) as used:
        used.answer(sources + words(20, 1), max_tokens=1, pins=[300])
        used.slots.drop_idle()
        settled(used)
        if not disk:
            second = used.answer(sources + words(20, 2), max_tokens=12)
    if disk:
        with rig(path, n_ctx=1024, store=store(), step_tokens=512) as used:
            second = used.answer(sources + words(20, 2), max_tokens=12)
    assert second.sequence.cached == 300
    agree(second, fresh(sources + words(20, 2), max_tokens=12))


def test_a_damaged_state_is_a_miss(path: Path, fresh: Callable[..., Asked]) -> None:
    """What llama.cpp refuses leaves nothing behind: the prompt is read."""
    store = StateStore(StateKey("m", "b", "c"), None, ram_bytes=1 << 30, disk_bytes=0)
    prompt = words(310)
    with rig(path, n_ctx=1024, store=store) as used:
        data = used.resident.memory.save(used.answer(prompt[:300], max_tokens=1).sequence.slot.number)  # type: ignore[union-attr]
        used.slots.drop_idle()
        store.clear()
        store.put(prompt[:300], data[: len(data) // 2], keep=False)
        asked = used.answer(prompt, max_tokens=8)
    assert asked.sequence.cached == 0
    agree(asked, fresh(prompt, max_tokens=8))


def test_after_a_cancel_in_the_prompt(path: Path, fresh: Callable[..., Asked]) -> None:
    """What was read before a cancel is used, and no more than that."""
    prompt = words(100)
    with rig(path, step_tokens=16) as used:
        first = used.ask(prompt, max_tokens=4)
        used.step()
        first.ticket.cancel()
        used.run()
        second = used.answer(prompt, max_tokens=12)
    assert first.ends == [("value", None)]
    assert second.sequence.cached == 64  # alone, a request reads no less in a step
    agree(second, fresh(prompt, max_tokens=12))


@pytest.mark.parametrize("nodes", [1, 60, 120])
def test_after_a_step_that_was_stopped_half_way(path: Path, fresh: Callable[..., Asked], nodes: int) -> None:
    """Wherever the abort flag stops llama.cpp, what is used afterwards is what the model really holds."""
    prompt = words(264)
    with rig(path, n_ubatch=32, step_tokens=100) as used:
        first = used.ask(prompt, max_tokens=4)
        used.step()
        watch = abort_after(used, first, nodes)
        used.step()
        assert first.ticket.cancelled, "nothing was stopped"
        used.resident.watch = watch  # type: ignore[method-assign]
        used.run()
        other = used.answer(words(40, 5), max_tokens=4)
        second = used.answer(prompt, max_tokens=12)
        third = used.answer(prompt[:100] + words(8, 3), max_tokens=4)
    agree(other, fresh(words(40, 5), max_tokens=4))
    agree(second, fresh(prompt, max_tokens=12))
    agree(third, fresh(prompt[:100] + words(8, 3), max_tokens=4))


@pytest.mark.parametrize("nodes", [50, 100, 200])
def test_a_window_that_a_stopped_step_has_moved_on(tmp_path: Path, nodes: int) -> None:
    """A step that was stopped may have put its tokens where the window was: then the slot is worth nothing."""
    path = KINDS["swa"](tmp_path / "m.gguf")
    prompt = words(300)
    with rig(path, n_ubatch=32) as used, rig(path) as alone:
        before = used.answer(words(40, 1), max_tokens=1)
        first = used.ask(prompt, max_tokens=4)
        used.step()
        assert before.sequence.slot is not None
        used.slots.drop(before.sequence.slot)  # there is free room before the prompt's cells
        used.set_step(200)
        watch = abort_after(used, first, nodes)
        used.step()
        assert first.ticket.cancelled, "nothing was stopped"
        used.resident.watch = watch  # type: ignore[method-assign]
        used.run()
        agree(used.answer(prompt, max_tokens=12), alone.answer(prompt, max_tokens=12))


def abort_after(used: Rig, asked: Asked, nodes: int) -> Callable[..., None]:
    """Cancel `asked` when so many nodes of a graph were computed; what `resident.watch` was."""
    left = itertools.count(nodes, -1)

    def stop(_data: Any) -> bool:
        if next(left) <= 0:
            asked.ticket.cancel()
        return asked.ticket.cancelled

    native, watch = used.native, used.resident.watch
    callback = native.lib.ggml_abort_callback(stop)

    def install(_flag: Any) -> None:
        native.quick.llama_set_abort_callback(used.resident.context, callback, None)
        used.resident._flag = callback  # it must outlive the call

    used.resident.watch = install  # type: ignore[method-assign, assignment]
    return watch


def test_after_a_cancel_in_the_answer(path: Path, fresh: Callable[..., Asked]) -> None:
    """An answer that was stopped is a prefix like any other."""
    prompt = words(60)
    with rig(path) as used:
        first = used.ask(prompt, max_tokens=50, script=no_end)
        for _ in range(10):
            used.step()
        first.ticket.cancel()
        used.run()
        longer = [*prompt, *first.tokens, *words(6, 1)]
        second = used.answer(longer, max_tokens=12)
    assert second.sequence.cached == 60 + len(first.tokens) - 1
    agree(second, fresh(longer, max_tokens=12))


def test_beside_others(path: Path, fresh: Callable[..., Asked]) -> None:
    """A prefix is copied from a sequence that goes on writing, and both are right."""
    sources = words(80)
    prompts = [sources + words(10 + seed, seed) for seed in range(1, 5)]
    with rig(path, step_tokens=32) as used:
        first = used.ask(prompts[0], max_tokens=60, pins=[80], script=no_end)
        while not first.logits:
            used.step()
        others = [used.ask(prompt, max_tokens=12, pins=[80]) for prompt in prompts[1:]]
        used.run()
    assert [asked.sequence.cached for asked in others] == [80] * 3
    agree(first, fresh(prompts[0], max_tokens=60, script=no_end))
    for prompt, asked in zip(prompts[1:], others, strict=True):
        agree(asked, fresh(prompt, max_tokens=12))


@pytest.mark.parametrize("seed", range(6))
def test_any_history(path: Path, fresh: Callable[..., Asked], seed: int) -> None:
    """Random prompts with common beginnings, pins, cancels and company: each is answered as if it were the first."""
    rng = random.Random(seed)
    base = words(150, 100 + seed)
    with rig(path, n_parallel=rng.choice([1, 2, 3, 8]), step_tokens=rng.choice([16, 64, 512])) as used:
        asked = []
        for i in range(12):
            cut = rng.randrange(1, 150)
            prompt = base[:cut] + words(rng.randrange(1, 60), 1000 * seed + i)
            pins = [rng.randrange(1, cut + 1)] if rng.random() < 0.5 else []
            one = used.ask(prompt, max_tokens=rng.randrange(1, 60), pins=pins)
            asked.append((prompt, one))
            for _ in range(rng.choice([0, 2, 5, 200])):
                used.step()
            if rng.random() < 0.2:
                one.ticket.cancel()
        used.run()
    for prompt, one in asked:
        assert one.ticket.cancelled or one.result
        if one.logits:
            agree(one, fresh(prompt, max_tokens=len(one.tokens)))


def test_usage_through_the_engine(kind: str, path: Path) -> None:
    """``usage`` tells how much of a prompt was in the cache; offsets of pins are those of the text."""
    owner = Owner()
    engine = LlamaEngine(file_of(path), LlamaSettings(n_ctx=1024, n_threads=1, n_parallel=4), owner)
    sources = "".join(chr(48 + i % 10) for i in range(200))  # digits have no pairs: a token each

    def usage(question: str, pins: tuple[int, ...] = ()) -> Usage:
        job = Job(Prompt((), (sources + question,), pins=pins), max_tokens=2)
        events = list(engine.generate(job))
        assert isinstance(events[-1], Done)
        return events[-1].result.usage

    assert usage("!!!").cached_prompt_tokens == 0
    # Alone, a prompt goes on at the end of a piece, or at its own pin; a window is not cut back again.
    assert usage("??").cached_prompt_tokens == {"dense": 128, "swa": 200}.get(kind, 0)
    assert usage("##", pins=(200,)).cached_prompt_tokens == (0 if kind in WHOLE else 200)
    owner.call(lambda _ticket: engine._loaded and engine._loaded.scheduler._slots.drop_idle())
    assert usage("++", pins=(200,)) == Usage(202, 0, 2)
    assert usage("--", pins=(200,)).cached_prompt_tokens == 200
    engine.close()
    owner.close()
