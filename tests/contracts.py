"""What every engine promises, whatever it is made of.

A test module makes a class of it: ``class TestMine(EngineContract): make = staticmethod(...)``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from jupyter_localllm.engine.base import Engine
from jupyter_localllm.errors import ContextOverflow, EngineClosed
from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.types import Done, Event, Job, Message, Result, Sampling, Status, Token


class EngineContract:
    """Subclass it with a fixture ``engine`` that gives an engine which answers at least a few words.

    Where making one is dear, it may give the same one to all tests but those with the mark ``own_engine``: they unload
    or close it, or look at how it is loaded.
    """

    answers_ahead = False  # whether an answer may be finished before anybody reads it

    def job(self, engine: Engine, text: str = "What is the capital of Japan?", **options: object) -> Job:
        list(engine.load())
        messages = (Message.of("system", "You are a helpful assistant."), Message.of("user", text))
        return Job(render_chat(messages, engine.info()), **options)  # type: ignore[arg-type]

    def finish(self, events: list[Event]) -> Result:
        assert isinstance(events[-1], Done)
        return events[-1].result

    def test_is_an_engine(self, engine: Engine) -> None:
        """It has the protocol's methods."""
        assert isinstance(engine, Engine)

    def test_events_end_with_one_done(self, engine: Engine) -> None:
        """Status and Token come first, one Done comes last, and nothing else comes."""
        events = list(engine.generate(self.job(engine, max_tokens=16)))
        assert [type(e) for e in events].count(Done) == 1
        assert all(isinstance(e, (Status, Token)) for e in events[:-1])

    def test_tokens_add_up_to_the_text(self, engine: Engine) -> None:
        """What was streamed is what the result says, in both channels."""
        events = list(engine.generate(self.job(engine, max_tokens=32)))
        result = self.finish(events)
        for channel, text in (("answer", result.text), ("reasoning", result.reasoning)):
            assert "".join(e.text for e in events if isinstance(e, Token) and e.channel == channel) == text
        assert result.text

    def test_max_tokens_stops(self, engine: Engine) -> None:
        """A limit is kept, and told as the reason."""
        result = self.finish(list(engine.generate(self.job(engine, max_tokens=2))))
        assert result.finish_reason == "length"
        assert result.usage.completion_tokens == 2

    def test_stop_string_is_not_shown(self, engine: Engine) -> None:
        """The text ends before the stop string, also when it lies across tokens."""
        whole = self.finish(list(engine.generate(self.job(engine, max_tokens=16)))).text
        stop = whole[4:9]
        events = list(engine.generate(self.job(engine, max_tokens=16, stop=(stop,))))
        result = self.finish(events)
        assert result.text == whole[: whole.index(stop)]
        assert result.finish_reason == "stop"
        assert stop not in "".join(e.text for e in events if isinstance(e, Token))

    def test_greedy_repeats(self, engine: Engine) -> None:
        """Greedy decoding gives the same text twice."""
        job = self.job(engine, max_tokens=16, sampling=Sampling(temperature=0.0))
        assert self.finish(list(engine.generate(job))).text == self.finish(list(engine.generate(job))).text

    def test_closing_cancels(self, engine: Engine) -> None:
        """After a cancel the engine answers the next job, and nothing of the cancelled one appears in it."""
        job = self.job(engine, max_tokens=16)
        want = self.finish(list(engine.generate(job))).text
        for taken in (0, 1, 3):
            stream = engine.generate(self.job(engine, "Tell me something else.", max_tokens=64))
            for _ in range(taken):
                next(stream)
            stream.close()
            assert self.finish(list(engine.generate(job))).text == want

    def test_two_threads_share(self, engine: Engine) -> None:
        """Requests from two threads are both answered, each with its own text."""
        jobs = [self.job(engine, text, max_tokens=8) for text in ("What is the capital of Japan?", "Say hello.")]
        want = [self.finish(list(engine.generate(job))).text for job in jobs]
        got: list[str | None] = [None, None]

        def run(i: int) -> None:
            got[i] = self.finish(list(engine.generate(jobs[i]))).text

        threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert got == want

    def test_overflow_is_told(self, engine: Engine) -> None:
        """A job that does not fit is refused before anything is decoded."""
        job = self.job(engine, max_tokens=engine.info().n_ctx)
        with pytest.raises(ContextOverflow, match="window"):
            list(engine.generate(job))

    @pytest.mark.own_engine
    def test_unload_during_generation(self, engine: Engine) -> None:
        """Whoever waits hears that the model was unloaded; the next request loads it again."""
        stream = engine.generate(self.job(engine, "Tell me a long story.", max_tokens=400))
        while not isinstance(next(stream), Token):
            pass
        threading.Thread(target=engine.unload).start()
        with pytest.raises(EngineClosed, match="unloaded"):
            list(stream)
        assert self.finish(list(engine.generate(self.job(engine, max_tokens=4))))

    @pytest.mark.own_engine
    def test_unload_before_the_first_token(self, engine: Engine) -> None:
        """Also who was only told that it begins hears that the model was unloaded: nothing is loaded again for it."""
        job = self.job(engine, "Tell me a long story.", max_tokens=400)
        stream = engine.generate(job)
        if isinstance(next(stream), Status):
            engine.unload()
            with pytest.raises(EngineClosed, match="unloaded"):
                list(stream)
        stream.close()

    @pytest.mark.own_engine
    def test_close_during_generation(self, engine: Engine) -> None:
        """Whoever waits hears that the engine was closed, wherever the answer is; nothing stays behind."""
        job = self.job(engine, "Tell me a long story.", max_tokens=400)
        streams = [engine.generate(job) for _ in range(2)]
        next(streams[0])
        while not isinstance(next(streams[1]), Token):
            pass
        threads = threading.active_count()
        engine.close()
        for stream in streams:
            try:
                rest = list(stream)
            except EngineClosed:
                continue
            assert self.answers_ahead
            assert isinstance(rest[-1], Done)
        assert threading.active_count() <= threads

    @pytest.mark.own_engine
    def test_load_and_unload(self, engine: Engine) -> None:
        """`loaded` tells the truth, and loading twice is no work."""
        list(engine.load())
        assert engine.loaded
        assert list(engine.load()) == []
        engine.unload()
        assert not engine.loaded

    @pytest.mark.own_engine
    def test_closed_is_closed(self, engine: Engine) -> None:
        """After close, every request is an EngineClosed; closing twice is no error."""
        job = self.job(engine, max_tokens=4)
        engine.close()
        engine.close()
        with pytest.raises(EngineClosed):
            list(engine.generate(job))

    def test_counts_tokens(self, engine: Engine) -> None:
        """Counting grows with the text and is 0 for none."""
        list(engine.load())
        short, long, empty = engine.count(["one two", "one two three four five six", ""])
        assert empty == 0 < short < long

    def test_measures_itself(self, engine: Engine) -> None:
        """Usage and timings are there, in tokens and milliseconds."""
        result = self.finish(list(engine.generate(self.job(engine, max_tokens=8))))
        assert result.usage.prompt_tokens > 0
        assert 0 < result.usage.completion_tokens <= 8
        assert 0 < result.timings.ttft_ms <= result.timings.latency_ms


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until `condition` holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
