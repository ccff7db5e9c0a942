"""One child process: requests out, answers in, and what is told when it ends.

Three daemon threads belong to it. One writes, because a pipe that is full would hold the person who asks; one reads
and, at the end, buries the process and tells everybody who still waits; one keeps the last words of its stderr.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any

from jupyter_localllm.engine.children import check_fork, ended
from jupyter_localllm.engine.owner import cancel_scope
from jupyter_localllm.engine.process.call import Call
from jupyter_localllm.engine.process.frames import BadFrame, FrameReader, Kind, frame, write_all
from jupyter_localllm.errors import EngineError, LocalLLMError, UsageError, printable
from jupyter_localllm.types import Event, Status

__all__ = ["Link"]

_STOP_SECONDS = 30.0  # after which a child that does not leave a cancelled request is ended
_WORDS_BYTES = 4096


class Link:
    """A child process and the way to it.

    Parameters
    ----------
    name : str
        The model's, for messages.
    argv : sequence of str
        The child's program.
    n_parallel : int
        Generations that it runs at a time; the others wait.
    verbose : bool
        Whether what it says on stderr is said here as well.
    """

    def __init__(self, name: str, argv: Sequence[str], n_parallel: int, *, verbose: bool = False) -> None:
        self.name = name
        self.loaded = False
        self._argv = list(argv)
        self._n_parallel, self._verbose = n_parallel, verbose
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a stream may be collected while this thread holds it
        self._calls: dict[int, Call] = {}
        self._last = 0
        self._end: LocalLLMError | None = None
        self._over = True  # until it is started
        self._outbox: queue.SimpleQueue[tuple[Call | None, bytes] | None] = queue.SimpleQueue()
        self._words = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []

    @property
    def over(self) -> bool:
        """Whether no request can be made any more."""
        return self._over

    @property
    def asked(self) -> bool:
        """Whether a request is running or waiting."""
        with self._lock:
            return any(call.left_at is None for call in self._calls.values()) or not self._outbox.empty()

    @property
    def pid(self) -> int:
        """The child's process number; 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    def start(self, opening: Any) -> None:
        """Start the process and send it what it is to open.

        Raises
        ------
        EngineError
            The system starts no process.
        """
        try:
            # In a session of its own, Ctrl-C in a terminal and the signals for a kernel's process group miss it.
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # see FrameReader
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            self._over = False
            self._outbox.put((None, frame(Kind.OPEN, 0, pickle.dumps(opening))))
            for work in (self._write, self._keep_words, self._listen):
                self._threads.append(threading.Thread(target=work, name="jupyter_localllm-process", daemon=True))
                self._threads[-1].start()
        except BaseException as error:
            self.end(EngineError(f"the process for {self.name} was not started"))
            if isinstance(error, OSError):
                raise EngineError(
                    f"no process could be started for {self.name}: {error}", "Close other programs, or run it again."
                ) from error
            raise

    def stream(self, method: str, argument: Any = None, expected: int = 0) -> Generator[Event, None, Any]:
        """Ask and yield the events; the generator returns the value, None if it was cancelled.

        Closing the generator cancels, and waits for nothing.
        """
        check_fork(self._pid)
        call = Call(self.name, method, expected)
        told = 0
        released = cancel_scope.get()
        try:  # from before it is sent: an interrupt at any moment leaves no request that nobody waits for
            self._send(call, argument)
            while True:
                if released is not None and released.is_set():
                    return None
                check_fork(self._pid)  # before it is looked what came: a fork has a copy of that
                message = call.poll()
                if message is None:
                    self._check()
                    ahead = self._ahead(call)
                    if ahead and ahead != told:
                        told = ahead
                        yield Status("waiting", f"waiting for {ahead} request{'s' if ahead > 1 else ''} ahead")
                    continue
                kind, value = message
                if kind == "error":
                    raise value
                if kind == "value":
                    return value
                yield value
        finally:
            self._leave(call)

    def end(self, reason: LocalLLMError) -> None:
        """End the process; who waits hears `reason` now. Waits for nothing: safe in a finalizer."""
        if os.getpid() != self._pid:  # the process belongs to the one that this one was forked from
            return
        with self._lock:
            self._over = True
            self._end = self._end or reason
            self._fail()
        self._kill()

    def join(self, timeout: float) -> None:
        """Wait until the process is gone, at most `timeout` seconds, in short waits."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(0.05)

    def _send(self, call: Call, argument: Any) -> None:
        try:
            payload = pickle.dumps((call.method, pickle.dumps(argument)))
        except Exception as error:
            raise UsageError(
                f"this request cannot be sent to the process of {self.name}: {type(error).__name__}: {error}",
                "What the answer must look like has to be a value that pickle can write.",
            ) from error
        if self._over:
            raise self._why()
        self._outbox.put((call, payload))  # one step: an interrupt leaves nothing half done

    def _leave(self, call: Call) -> None:
        if os.getpid() != self._pid:
            return
        with self._lock:
            call.left_at = time.monotonic()
            if self._calls.get(call.number) is call:
                self._outbox.put((None, frame(Kind.CANCEL, call.number)))

    def _check(self) -> None:
        if not self._threads[-1].is_alive():
            raise self._why()
        with self._lock:
            left = [call.left_at for call in self._calls.values() if call.left_at is not None]
        if left and time.monotonic() - min(left) > _STOP_SECONDS:
            self.end(
                EngineError(
                    f"the process that runs {self.name} did not stop a cancelled request within {_STOP_SECONDS:.0f} s, "
                    "and was ended. Your variables are untouched.",
                    "Run it again: it is started anew.",
                )
            )

    def _ahead(self, call: Call) -> int:
        """Generations that must end before this one can begin."""
        if call.method != "generate":
            return 0
        with self._lock:
            calls = list(self._calls.values())
        before = sum(one.method == "generate" and one.left_at is None and one.number < call.number for one in calls)
        return max(0, before - self._n_parallel + 1)

    def _why(self) -> LocalLLMError:
        end = self._end or EngineError(f"the process that runs {self.name} has ended", "Run it again.")
        return type(end)(end.message, end.hint)

    def _fail(self) -> None:
        if self._end is not None:
            calls, self._calls = self._calls, {}
            for call in calls.values():
                call.fail(self._why())

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    # What follows runs on the threads of this object.

    def _write(self) -> None:
        stdin = self._pipe("stdin")
        try:
            while (item := self._outbox.get()) is not None:
                call, data = item
                if call is None:
                    write_all(stdin.fileno(), data)
                elif self._register(call):
                    write_all(stdin.fileno(), frame(Kind.ASK, call.number, data))
        except OSError:  # it has died, which the reader tells; or it does not listen any more, and must not live
            if self._wait(1.0) is None:
                self.end(ended(self.name, None, ""))
        finally:
            stdin.close()

    def _register(self, call: Call) -> bool:
        """Give a request its number, unless nobody waits for it, or there is nobody to ask."""
        with self._lock:
            if call.left_at is not None:
                return False
            if self._over:
                call.fail(self._why())
                return False
            call.number = self._last = self._last + 1
            self._calls[call.number] = call
            return True

    def _keep_words(self) -> None:
        stderr = self._pipe("stderr")
        with stderr:
            while chunk := stderr.read(_WORDS_BYTES):
                self._words = (self._words + chunk)[-_WORDS_BYTES:]
                if self._verbose:
                    with contextlib.suppress(Exception):  # no stderr, or one that is closed
                        sys.stderr.write(printable(chunk.decode("utf-8", "replace")))

    def _listen(self) -> None:
        why: LocalLLMError | None = None
        stdout = self._pipe("stdout")
        try:
            reader = FrameReader(stdout.fileno())
            if reader.hello():
                while (said := reader.next(self._room)) is not None:
                    self._take(said.number, said)
        except BadFrame as error:
            why = EngineError(
                f"the process that runs {self.name} said what no engine says ({error}), and was ended. "
                "Your variables are untouched.",
                "The model file may be broken or hostile: do not use it.",
            )
        except BaseException as error:  # whatever it was, who waits must hear of it
            why = EngineError(f"the process that runs {self.name} cannot be heard: {type(error).__name__}: {error}")
        finally:
            self._bury(why)
            stdout.close()

    def _room(self, _kind: int, number: int) -> int:
        call = self._calls.get(number)
        if call is None:
            raise BadFrame("an answer to no request")
        return call.room(0)

    def _take(self, number: int, said: Any) -> None:
        with self._lock:
            call = self._calls.get(number)
            if call is None:  # ended in between
                return
            call.room(len(said.payload) + 64)  # empty frames take memory, too
            last = call.take(said)
            if last:
                del self._calls[number]
            if said.kind == Kind.VALUE and call.left_at is None:
                self.loaded = True

    def _bury(self, why: LocalLLMError | None) -> None:
        with self._lock:
            self._over = True
            self._end = self._end or why
            self._fail()
        self._outbox.put(None)
        # One that dies closes its pipe before its status is there; one that only closed its pipe must not live.
        code = self._wait(0.0 if self._end else 1.0)
        if code is None:
            self._kill()
            self._wait(10.0)
        self._threads[1].join(1.0)
        with self._lock:
            self._end = self._end or ended(self.name, code, self._words.decode("utf-8", "replace"))
            self._fail()

    def _wait(self, seconds: float) -> int | None:
        try:
            return self._process.wait(seconds) if self._process is not None else None
        except subprocess.TimeoutExpired:
            return None

    def _pipe(self, which: str) -> Any:
        return getattr(self._process, which)
