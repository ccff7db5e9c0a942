"""What drives a network: turns, room in the window, beginnings that are read once, and what is done when it fails."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from jupyter_localllm.engine.inprocess.places import Held
from jupyter_localllm.engine.inprocess.turns import Turns
from jupyter_localllm.engine.owner import Owner, Ticket
from jupyter_localllm.engine.sequence import Clock, Sequence
from jupyter_localllm.errors import EngineError
from jupyter_localllm.types import Done, Event, Job, Message, Prompt, Status
from tests.engine.inprocess.fakes import FakeNetwork, FakeWords, continuation

WORDS = FakeWords()
LONG = "abcdefgabcdefg"  # 14 tokens: three whole pieces of four, and two


class Bench:
    """Turns without an owner: steps are made by hand."""

    def __init__(self, network: FakeNetwork, n_parallel: int = 4) -> None:
        self.network, self.turns = network, Turns(network, network.n_ctx, n_parallel)

    def ask(self, prompt: str, max_tokens: int = 5) -> Ticket:
        ticket = Ticket(lambda ticket: None, self, lambda ticket: None)
        tokens = WORDS.tokens(prompt, special=True)
        job = Job(Prompt((Message.of("user", prompt),), (prompt,)), max_tokens=max_tokens)
        self.turns.add(Sequence[Held](job, ticket, tokens, WORDS, Clock(0.0), "fake"))
        return ticket

    def run(self) -> None:
        while self.turns.step():
            pass

    def answer(self, prompt: str, max_tokens: int = 5) -> Done:
        ticket = self.ask(prompt, max_tokens)
        self.run()
        done = events(ticket)[-1]
        assert isinstance(done, Done)
        return done


def events(ticket: Ticket) -> list[Event]:
    """All that was sent so far; an error is raised."""
    found = []
    while (message := ticket.poll()) is not None:
        if message[0] == "error":
            raise message[1]
        if message[0] == "event":
            found.append(message[1])
    return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for: all there is has been sent."""
    monkeypatch.setattr("jupyter_localllm.engine.ticket.POLL_SECONDS", 0.001)


def said(prompt: str, count: int = 5) -> str:
    return continuation(WORDS.tokens(prompt, special=True), count)


def test_an_answer_follows_from_its_prompt() -> None:
    """Each token is chosen from all before it, and the last one is not read."""
    bench = Bench(FakeNetwork())
    result = bench.answer(LONG).result
    assert result.text == said(LONG)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (14, 5)
    assert [len(piece) for piece in bench.network.log] == [4, 4, 4, 2, 1, 1, 1, 1]


def test_a_beginning_is_read_once() -> None:
    """A prompt that begins like an earlier one goes on from a piece's end, and is answered as if it were new."""
    bench = Bench(FakeNetwork())
    bench.answer(LONG)
    bench.network.log.clear()
    other = LONG[:10] + "ag"
    result = bench.answer(other).result
    assert result.text == said(other)
    assert result.usage.cached_prompt_tokens == 8
    assert [len(piece) for piece in bench.network.log[:1]] == [4]


def test_the_same_prompt_is_cut_the_same() -> None:
    """Whatever was asked before, prompts are read in pieces that end at the same places: logits do not depend on it."""
    for before in ((), (LONG,), (LONG[:5],), (LONG + "abcabc", "g")):
        bench = Bench(FakeNetwork())
        for prompt in before:
            bench.answer(prompt)
        bench.network.log.clear()
        cached = bench.answer(LONG).result.usage.cached_prompt_tokens
        ends = [cached + sum(map(len, bench.network.log[: i + 1])) for i in range(len(bench.network.log))]
        assert {4, 8, 12, 14} - set(ends) == {end for end in (4, 8, 12) if end <= cached}


def test_an_earlier_answer_is_no_beginning() -> None:
    """Tokens that were read one by one are read again as a prompt, in pieces like all others."""
    bench = Bench(FakeNetwork())
    first = bench.answer(LONG, 10).result.text
    assert bench.answer(LONG + first + "ab").result.usage.cached_prompt_tokens == 12


def test_a_network_that_cannot_go_back_reads_anew() -> None:
    """Sliding windows and recurrent states: slower, and never wrong."""
    bench = Bench(FakeNetwork(goes_back=False))
    bench.answer(LONG)
    result = bench.answer(LONG).result
    assert (result.text, result.usage.cached_prompt_tokens) == (said(LONG), 0)


def test_answers_take_turns() -> None:
    """Two requests go on together, each with its own words."""
    bench = Bench(FakeNetwork())
    tickets = [bench.ask(LONG, 8), bench.ask("gfedcba", 8)]
    for _ in range(10):
        bench.turns.step()
    assert all(len(piece) <= 4 for piece in bench.network.log)
    bench.run()
    done = [events(ticket)[-1] for ticket in tickets]
    assert [d.result.text for d in done if isinstance(d, Done)] == [said(LONG, 8), said("gfedcba", 8)]


def test_the_window_is_shared() -> None:
    """What would not fit beside others waits, is told so, and has its turn."""
    bench = Bench(FakeNetwork())
    first, second = bench.ask(LONG, 40), bench.ask("gfedcba", 20)
    waiting = [event for event in events(second) if isinstance(event, Status)]
    assert waiting[0].text == "waiting for 1 request ahead (1 running)"
    bench.run()
    assert isinstance(events(first)[-1], Done)
    assert isinstance(events(second)[-1], Done)


def test_idle_caches_make_room() -> None:
    """What is kept for later prompts never keeps one out."""
    bench = Bench(FakeNetwork())
    for letter in "abcdefg":
        bench.answer(letter * 12, 5)
        held = sum(len(held.tokens) for held in bench.turns._places._idle)
        assert held <= bench.network.n_ctx
    assert bench.answer("abc" * 8, 40).result.text == said("abc" * 8, 40)


def test_a_cancelled_request_leaves() -> None:
    """While it waits and while it runs; the others go on."""
    bench = Bench(FakeNetwork(), n_parallel=1)
    running, waiting, last = bench.ask(LONG, 20), bench.ask("abc"), bench.ask("gf")
    bench.turns.step()
    waiting.cancel()
    running.cancel()
    bench.run()
    done = events(last)[-1]
    assert isinstance(done, Done)
    assert done.result.text == said("gf")
    assert not running.open
    assert not waiting.open
    assert bench.answer(LONG).result.text == said(LONG)  # its cache holds half a prompt, and says so


def test_a_failure_is_one_requests_own() -> None:
    """It hears what the library said and what to do; the others go on, and its cache is not used again."""
    bench = Bench(FakeNetwork())
    bench.network.fails_at = 7  # "g"
    bad, good = bench.ask("aaaaaaaag"), bench.ask("abc", 3)
    good_said = said("abc", 3)
    assert "g" not in good_said
    bench.run()
    with pytest.raises(EngineError, match="memory ran out") as caught:
        events(bad)
    assert "%llm unload" in caught.value.hint
    done = events(good)[-1]
    assert isinstance(done, Done)
    assert done.result.text == good_said
    bench.network.fails_at = None
    assert bench.answer("aaaaaaaag").result.usage.cached_prompt_tokens == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_no_answer(bad: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that were too narrow end the answer with an error, and are not taken for a choice."""
    bench = Bench(FakeNetwork())
    monkeypatch.setattr(bench.network, "logits", lambda tokens, cache: np.array([0.0, bad, 1.0], dtype=np.float32))
    ticket = bench.ask(LONG)
    bench.run()
    with pytest.raises(EngineError, match="no numbers"):
        events(ticket)


def test_stopping_ends_everything() -> None:
    """After `stop` no step touches the network, and nobody waits."""
    bench = Bench(FakeNetwork(), n_parallel=1)
    tickets = [bench.ask(LONG, 20), bench.ask("abc")]
    bench.turns.step()
    bench.turns.stop()
    bench.network.log.clear()
    assert not bench.turns.step()
    assert not any(ticket.open for ticket in tickets)
    assert bench.network.log == []


@pytest.fixture
def owner() -> Iterator[Owner]:
    owner = Owner()
    yield owner
    owner.close()


def test_it_is_stepped_by_an_owner(owner: Owner) -> None:
    """On the owner's thread it goes on until nothing is left."""
    bench = Bench(FakeNetwork())
    tickets: list[Ticket] = []

    def begin(_ticket: Ticket) -> None:
        tickets.append(bench.ask(LONG))
        owner.attach(bench.turns)

    owner.call(lambda ticket: (begin(ticket), True)[1])
    while tickets[0].open:
        owner.call(lambda ticket: True)
    done = events(tickets[0])[-1]
    assert isinstance(done, Done)
    assert done.result.text == said(LONG)
