"""A child that is not what it should be: who waits hears of it, and nothing else happens."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from jupyter_localllm.engine.process import ProcessEngine
from jupyter_localllm.errors import EngineError
from tests.contracts import wait_for
from tests.engine.process.conftest import SHORT, alive

Make = Callable[..., ProcessEngine]

START = """
import json, os, pickle, struct, sys, time
from jupyter_localllm.engine.process.frames import HELLO, FrameReader, Kind, frame
reader = FrameReader(0)
write = lambda data: os.write(1, data)
def greet():
    write(HELLO)
    reader.next()
    return reader.next().number
"""


def child(program: str) -> list[str]:
    return [sys.executable, "-c", START + program]


HOSTILE = {
    "noise without a greeting": "while True: write(b'x' * 4096)",
    "noise after the greeting": "greet(); write(bytes(range(256)) * 8); time.sleep(60)",
    "an unknown request": "n = greet(); write(frame(Kind.VALUE, n + 1, b'null')); time.sleep(60)",
    "an unknown kind": "n = greet(); write(struct.pack('>QBQ', 0, 99, n)); time.sleep(60)",
    "a request as an answer": "n = greet(); write(frame(Kind.ASK, n, pickle.dumps(1))); time.sleep(60)",
    "a frame without end": "n = greet(); write(struct.pack('>QBQ', 1 << 60, Kind.EVENT, n)); time.sleep(60)",
    "a large frame": "n = greet(); write(struct.pack('>QBQ', 1 << 26, Kind.VALUE, n)); time.sleep(60)",
    "no JSON": "n = greet(); write(frame(Kind.VALUE, n, b'{')); time.sleep(60)",
    "a pickle": "n = greet(); write(frame(Kind.VALUE, n, pickle.dumps(print))); time.sleep(60)",
    "another type": "n = greet(); write(frame(Kind.VALUE, n, b'[1, 2, 3]')); time.sleep(60)",
    "numbers nobody asked for": "n = greet(); write(frame(Kind.ROWS, n, bytes(64))); time.sleep(60)",
    "an endless stream": (
        "n = greet(); event = frame(Kind.EVENT, n, b'[\"token\", {\"text\": \"' + b'a' * 4000 + b'\"}]')\n"
        "while True: write(event)"
    ),
    "empty frames without end": "n = greet(); event = frame(Kind.ROWS, n) * 100\nwhile True: write(event)",
    "the same answer twice": (
        'n = greet(); write(frame(Kind.ERROR, n, b\'["EngineError", "one", ""]\') * 2); time.sleep(60)'
    ),
}


def asked(engine: ProcessEngine) -> list[EngineError]:
    """What comes of three requests at once."""
    errors: list[EngineError] = []

    def run(ask: Callable[[], object]) -> None:
        try:
            ask()
        except EngineError as error:
            errors.append(error)

    asks = (lambda: list(engine.generate(SHORT)), lambda: engine.count(["a", "b"]), lambda: engine.embed(["a"]))
    threads = [threading.Thread(target=run, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return errors


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_child_is_ended(make: Make, name: str) -> None:
    """Garbage, lies and floods end the child; everybody who waits gets an `EngineError`."""
    engine = make(argv=child(HOSTILE[name]))
    link = engine._running()
    errors = asked(engine)
    assert len(errors) == 3
    assert all(error.message and error.hint for error in errors if error.message != "one")
    assert not engine.loaded
    wait_for(lambda: link.over and not alive(link.pid))


ENDS = {
    "at once": ("", "status 0"),
    "with a status": ("sys.exit(3)", "status 3"),
    "with words": ("sys.exit('no such library')", "no such library"),
    "with an exception": ("import nothing_of_this_name", "nothing_of_this_name"),
    "in the middle of a frame": ("n = greet(); write(frame(Kind.VALUE, n, b'null')[:-2]); sys.exit(4)", "status 4"),
    "by an abort of llama.cpp": (
        "from jupyter_localllm.engine.process.child import _die\n"
        "from jupyter_localllm.engine.parking import Parked\n"
        "_die(Parked('GGML_ASSERT(n > 0) failed', 1))",
        r"SIGABRT.*GGML_ASSERT\(n > 0\) failed",
    ),
    "by closing its mouth": ("os.close(1); time.sleep(60)", "closed its pipe"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_child_that_ends_is_quoted(make: Make, name: str) -> None:
    """However a child ends, who waits hears how, with its last words."""
    program, words = ENDS[name]
    with pytest.raises(EngineError, match=words):
        list(make(argv=child(program)).load())


def test_a_program_that_does_not_exist(make: Make) -> None:
    """A process that cannot be started is an `EngineError`, each time."""
    engine = make(argv=["/no/such/program"])
    for _ in range(2):
        with pytest.raises(EngineError, match="started"):
            engine.count(["a"])
    assert not engine.loaded


def test_a_child_that_reads_nothing_holds_nobody(make: Make) -> None:
    """A prompt larger than the pipe does not hold the person who sends it, nor `unload`."""
    engine = make(argv=child("write(HELLO); time.sleep(60)"))
    done = threading.Event()

    def ask() -> None:
        with pytest.raises(EngineError, match="unloaded"):
            engine.count(["word " * 1_000_000])
        done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    link = engine._running()
    wait_for(lambda: bool(link._calls))
    engine.unload()
    assert done.wait(10)
    thread.join(10)
    assert not alive(link.pid)


def test_a_child_that_stops_listening(make: Make) -> None:
    """One that closes its stdin in the middle of a request is ended."""
    engine = make(argv=child("write(HELLO); os.read(0, 1); os.close(0); time.sleep(60)"))
    with pytest.raises(EngineError, match="closed its pipe"):
        engine.count(["word " * 1_000_000])


def test_words_on_stdout_do_no_harm(make: Make) -> None:
    """What somebody's site hooks print while Python starts is passed over, and prints later on go elsewhere."""
    program = "print('Welcome!', flush=True); from jupyter_localllm.engine.process.child import main; main()"
    assert make(argv=[sys.executable, "-c", program]).count(["a"]) == [1]
