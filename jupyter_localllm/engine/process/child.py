"""The program of the child: the ordinary engine, asked through its stdin, answering on what was its stdout.

It ends when its stdin closes, and with its parent, however the parent ends.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from jupyter_localllm.engine import parking
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.children import be_the_first_to_go
from jupyter_localllm.engine.llama import LlamaEngine
from jupyter_localllm.engine.llama.neighbour import process_clock
from jupyter_localllm.engine.owner import Owner, cancel_scope
from jupyter_localllm.engine.process import wire
from jupyter_localllm.engine.process.frames import HELLO, Frame, FrameReader, Kind, frame, write_all

__all__ = ["Server", "main"]

_SHORT_THREADS = 4  # for what is not a generation, so that counting does not wait behind 32 answers
_CHUNK_BYTES = 1 << 20


def main() -> int:
    """Serve until stdin closes. Never returns: nothing that runs then is worth waiting for."""
    source, sink = _take_pipes()
    be_the_first_to_go()
    _leave_no_core()
    os.environ["GGML_NO_BACKTRACE"] = "1"  # the last words shall be llama.cpp's reason, not a debugger's
    parking.watch(_die)
    if sys.platform != "win32":
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    server = Server(sink)
    reader = FrameReader(source)
    write_all(sink, HELLO)
    try:
        while (asked := reader.next()) is not None:
            server.take(asked)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


@dataclass(eq=False)
class _Request:
    """One that was not answered yet."""

    stop: threading.Event = field(default_factory=threading.Event)
    work: Future[None] | None = None


class Server:
    """Answers frames with frames, several requests at a time.

    Parameters
    ----------
    sink : int
        File descriptor of the pipe to the parent.
    """

    def __init__(self, sink: int) -> None:
        self._sink = sink
        self._writing = threading.Lock()
        self._open: dict[int, _Request] = {}
        self._engine: Engine
        self._long: ThreadPoolExecutor
        self._short = ThreadPoolExecutor(_SHORT_THREADS)

    def take(self, asked: Frame) -> None:
        """Begin what a frame asks for; called by one thread, which never waits for the engine."""
        if asked.kind == Kind.OPEN:
            model, settings, around = pickle.loads(asked.payload)
            self._engine = LlamaEngine(model, settings, Owner(), replace(around, busy=process_clock(os.getppid())))
            self._long = ThreadPoolExecutor(settings.n_parallel)
        elif asked.kind == Kind.ASK:
            request = self._open[asked.number] = _Request()
            # The argument is a pickle in it: reading that one may import much, and is left to the other thread.
            method, argument = pickle.loads(asked.payload)
            pool = self._long if method == "generate" else self._short
            request.work = pool.submit(self._answer, asked.number, request.stop, method, argument)
        elif (left := self._open.get(asked.number)) is not None:
            self._cancel(asked.number, left)

    def _cancel(self, number: int, request: _Request) -> None:
        request.stop.set()
        if request.work is not None and request.work.cancel():
            # It waited for others: answered at once, or the parent would think that it cannot be stopped.
            del self._open[number]
            self._send(Kind.VALUE, number, wire.pack(None))

    def _answer(self, number: int, stop: threading.Event, method: str, argument: bytes) -> None:
        cancel_scope.set(stop)
        try:
            value = None if stop.is_set() else self._do(number, method, pickle.loads(argument))
            last = Kind.VALUE, wire.pack(value)
        except BaseException as error:  # whatever it was, the one who waits hears of it
            last = Kind.ERROR, wire.pack_error(error)
        del self._open[number]
        self._send(last[0], number, last[1])

    def _do(self, number: int, method: str, argument: Any) -> Any:
        engine = self._engine
        if method in ("load", "generate"):
            with contextlib.closing(engine.load() if method == "load" else engine.generate(argument)) as events:
                for event in events:
                    self._send(Kind.EVENT, number, wire.pack_event(event))
            return None
        if method == "embed":
            return self._embed(number, argument)
        if method == "count":
            return engine.count(argument)
        if method == "count_prompt":
            return engine.count_prompt(argument)
        return asdict(engine.info())

    def _embed(self, number: int, texts: Sequence[str]) -> tuple[int, ...]:
        array = self._engine.embed(texts)
        data = array.astype("<f4", copy=False).tobytes()
        for at in range(0, len(data), _CHUNK_BYTES):
            self._send(Kind.ROWS, number, data[at : at + _CHUNK_BYTES])
        return array.shape

    def _send(self, kind: Kind, number: int, payload: bytes) -> None:
        try:
            with self._writing:
                write_all(self._sink, frame(kind, number, payload))
        except OSError:  # nobody reads any more
            os._exit(0)


def _take_pipes() -> tuple[int, int]:
    """Descriptors for frames. Whatever prints to stdout from now on prints to stderr, and nobody else reads stdin."""
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (source, sink):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return source, sink


def _leave_no_core() -> None:
    """A crash is told by its signal; gigabytes of a model on the disk help nobody."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die(parked: parking.Parked) -> None:
    """Nobody's variables are here: end at once, with the reason as last words, and be started anew."""
    os.write(2, f"{parked.reason}\n".encode("utf-8", "replace"))
    os.abort()


def _end_with_parent(parent: int) -> None:
    """End when the parent is gone, also if a fork of it still holds the other end of our stdin."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)
