"""An engine that says what it was told to say: the public test double.

It passes the same contract as the real ones, needs no model, and is what notebooks and extensions that build on this
package can be tested with.
"""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.owner import Owner, Ticket
from jupyter_localllm.engine.text import TextStream
from jupyter_localllm.errors import ContextOverflow, EngineClosed
from jupyter_localllm.types import Done, Event, FinishReason, Job, ModelInfo, Result, Status, Timings, Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ScriptedEngine"]

_WORD = re.compile(r"\s*\S+|\s+")


class ScriptedEngine:
    """Answer from a script.

    Parameters
    ----------
    script : str, Mapping, sequence or callable
        One answer for everything; or answers by a substring of the last message; or answers in turn (the last one
        stays); or a function from `Job` to the answer. An exception in place of an answer is raised.
    name : str
    n_ctx : int
        Window in tokens; a token is a word with the space before it.
    delay_ms : float
        Pause before each token, in milliseconds.
    owner : Owner or None
        Share one owner to make several engines wait for each other.

    Examples
    --------
    >>> from jupyter_localllm.types import Message, Prompt, Token
    >>> engine = ScriptedEngine({"capital": "It is Paris."})
    >>> job = Job(Prompt((Message.of("user", "What is the capital?"),)))
    >>> [event.text for event in engine.generate(job) if isinstance(event, Token)]
    ['It', ' is', ' Paris.']
    """

    def __init__(
        self,
        script: str | Mapping[str, str] | Sequence[str | Exception] | Callable[[Job], str] = "",
        *,
        name: str = "scripted",
        n_ctx: int = 4096,
        delay_ms: float = 0.0,
        owner: Owner | None = None,
    ) -> None:
        self._name = name
        self._script = script
        self._n_ctx = n_ctx
        self._delay = delay_ms / 1000
        self._owner = owner or Owner()
        self._lock = threading.Lock()
        self._closed = False
        self._loaded = False
        self.jobs: list[Job] = []

    @property
    def name(self) -> str:
        """The name given to it."""
        return self._name

    @property
    def loaded(self) -> bool:
        """Whether `load` or a request came since the beginning or the last `unload`."""
        return self._loaded

    def load(self) -> Generator[Status, None, None]:
        """Pretend to load, in one step."""
        self._check_open()
        if not self._loaded:
            yield Status("loading", f"loading {self._name}", 1.0)
            self._loaded = True

    def info(self) -> ModelInfo:
        """A model that renders messages by itself."""
        self._check_open()
        return ModelInfo(self._name, self._n_ctx, renders=True)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        self._check_open()
        return [len(_WORD.findall(text)) for text in texts]

    def count_prompt(self, pieces: Sequence[str]) -> int:
        """Words of all pieces."""
        return sum(self.count(pieces))

    def generate(self, job: Job) -> Generator[Event, None, None]:
        """Say the scripted answer, word by word."""
        self._check_open()
        yield from self.load()
        begun = time.perf_counter()
        yield from self._owner.stream(lambda ticket: self._answer(ticket, job, begun), group=self)

    def holds(self, constraint: Constraint) -> bool:
        """Never: it says what its script says."""
        return False

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors that depend on the words of each text only: texts that share words are near each other."""
        import numpy as np

        self._check_open()
        rows = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _WORD.findall(text.casefold()) or [""]:
                row[zlib.crc32(word.strip().encode()) % 64] += 1.0
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def unload(self) -> None:
        """Forget that it was loaded; what runs ends with `EngineClosed`."""
        self._owner.cancel_group(self, EngineClosed(f"{self._name} was unloaded while it answered"))
        self._loaded = False

    def close(self) -> None:
        """End for good."""
        self.unload()
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed(f"{self._name} was closed", "Make a new handle.")

    def _answer(self, ticket: Ticket, job: Job, begun: float) -> None:
        prompt = sum(self.count([message.content for message in job.prompt.messages]))
        if prompt + job.max_tokens > self._n_ctx:
            raise ContextOverflow(
                f"the prompt has {prompt} tokens and the answer may have {job.max_tokens}, "
                f"together more than the window of {self._n_ctx}"
            )
        stream = TextStream(job.stop, job.prompt.reasoning)
        text = {"answer": "", "reasoning": ""}
        used, first, finish = 0, 0.0, "stop"
        for word in _WORD.findall(self._choose(job)):
            if ticket.cancelled:
                return
            if used == job.max_tokens:
                finish = "length"
                break
            time.sleep(self._delay)
            used += 1
            first = first or time.perf_counter()
            for token in stream.feed(word.encode()):
                text[token.channel] += token.text
                ticket.emit(token)
            if stream.stopped:
                break
        for token in stream.finish():
            text[token.channel] += token.text
            ticket.emit(token)
        ticket.emit(Done(self._result(text, finish, Usage(prompt, 0, used), begun, first)))

    def _result(self, text: dict[str, str], finish: str, usage: Usage, begun: float, first: float) -> Result:
        now = time.perf_counter()
        rate = usage.completion_tokens / max(now - (first or now), 1e-9) if usage.completion_tokens > 1 else 0.0
        timings = Timings(((first or now) - begun) * 1000, (now - begun) * 1000, 0.0, 0.0, rate)
        reason: FinishReason = "length" if finish == "length" else "stop"
        return Result(text["answer"], text["reasoning"], reason, usage, timings, self._name)

    def _choose(self, job: Job) -> str:
        with self._lock:
            self.jobs.append(job)
            turn = len(self.jobs) - 1
        if callable(self._script):
            return self._script(job)
        if isinstance(self._script, str):
            return self._script
        if isinstance(self._script, Mapping):
            asked = job.prompt.messages[-1].content
            return next((answer for part, answer in self._script.items() if part in asked), "")
        answer = self._script[min(turn, len(self._script) - 1)]
        if isinstance(answer, Exception):
            raise answer
        return answer
