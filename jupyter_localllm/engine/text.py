"""From bytes of single tokens to text that may be shown.

A token can be half a character, half a stop string or half a reasoning mark. `TextStream` holds back what may still
turn out to be one of these, and nothing else, so that whatever it hands out is final.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_localllm.types import Token

__all__ = ["REASONING_MARKS", "ReasoningMark", "TextStream", "prefilled_reasoning"]


@dataclass(frozen=True)
class ReasoningMark:
    """How a family of models fences its reasoning.

    Parameters
    ----------
    open : str
        What the channel begins with, at the very start of the answer or at the end of the rendered template.
    close : str
        What the answer proper begins after.
    tail : str
        What may stand at the end of the reasoning and belongs to the mark.
    """

    open: str
    close: str
    tail: str = ""


# Read in the chat templates of the models that use them: Qwen3, DeepSeek-R1, SmolLM3, … | Granite, Reflection |
# Magistral | Seed-OSS | Kimi-VL | gpt-oss (harmony).
REASONING_MARKS: tuple[ReasoningMark, ...] = (
    ReasoningMark("<think>", "</think>"),
    ReasoningMark("<thinking>", "</thinking>"),
    ReasoningMark("<reasoning>", "</reasoning>"),
    ReasoningMark("[THINK]", "[/THINK]"),
    ReasoningMark("<seed:think>", "</seed:think>"),
    ReasoningMark("◁think▷", "◁/think▷"),
    ReasoningMark("<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|end|><|start|>assistant"),
)


# gpt-oss may answer at once, without analysis: what it opens the answer with is no text.
_ANSWER_OPENING = "<|channel|>final<|message|>"


def prefilled_reasoning(prompt: str) -> str:
    r"""The opening mark which a rendered prompt ends with, or ``""``.

    Examples
    --------
    >>> prefilled_reasoning("<|im_start|>assistant\n<think>\n")
    '<think>'
    """
    end = prompt.rstrip()
    return next((mark.open for mark in REASONING_MARKS if end.endswith(mark.open)), "")


_OPENINGS = (*(mark.open for mark in REASONING_MARKS), _ANSWER_OPENING)


def _held_back(text: str, marks: Iterable[str]) -> int:
    """How many characters at the end of `text` may be the beginning of one of `marks`."""
    longest = 0
    for mark in marks:
        for size in range(min(len(mark) - 1, len(text)), longest, -1):
            if mark.startswith(text[-size:]):
                longest = size
                break
    return longest


class TextStream:
    """Turn the bytes of tokens into `Token` events: whole characters, reasoning apart, up to the first stop string.

    Parameters
    ----------
    stop : tuple of str
        The answer ends before the first of these; they are looked for in the answer, not in the reasoning.
    reasoning : str
        The opening mark that the template already wrote, or ``""``.
    opens : str
        What ends the reasoning besides its mark, and is the beginning of the answer; ``""`` for nothing.

    Examples
    --------
    >>> stream = TextStream(stop=("END",))
    >>> [token.text for token in stream.feed(b"All is well. EN")]
    ['All is well. ']
    >>> stream.feed(b"D of it"), stream.stopped
    ([], True)
    """

    def __init__(self, stop: tuple[str, ...] = (), reasoning: str = "", opens: str = "") -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(s for s in stop if s)
        self._opens = opens
        self._mark = next((m for m in REASONING_MARKS if m.open == reasoning), None)
        self._undecided = self._mark is None  # whether a reasoning mark may still open the answer
        self._started = {"answer": False, "reasoning": False}
        self._buffer = ""
        self.stopped = False

    @property
    def reasoning(self) -> bool:
        """Whether what comes next belongs to the reasoning channel, as far as is known."""
        return self._mark is not None

    @property
    def closing(self) -> str:
        """The mark that ends the reasoning channel; ``""`` outside of it."""
        return self._mark.tail + self._mark.close if self._mark is not None else ""

    def feed(self, piece: bytes) -> list[Token]:
        """Take the bytes of one token; give what is final by now."""
        return self._drain(self._decode.decode(piece), last=False)

    def finish(self) -> list[Token]:
        """Give what was held back: nothing more will come."""
        return self._drain(self._decode.decode(b"", True), last=True)

    def _drain(self, text: str, *, last: bool) -> list[Token]:
        if self.stopped:
            return []
        self._buffer += text
        out: list[Token] = []
        if self._undecided and not self._decide(last):
            return out
        if self._mark is not None:
            out += self._reasoning(self._mark, last)
        if self._mark is None and not self._undecided:
            out += self._answer(last)
        return out

    def _decide(self, last: bool) -> bool:
        """Whether it is known by now if the answer opens with a reasoning mark."""
        start = self._buffer.lstrip()
        for mark in REASONING_MARKS:
            if start.startswith(mark.open):
                self._mark, self._buffer, self._undecided = mark, start[len(mark.open) :], False
                return True
        if start.startswith(_ANSWER_OPENING):
            self._buffer = start[len(_ANSWER_OPENING) :]
        elif not last and any(opening.startswith(start) for opening in _OPENINGS):
            return False
        self._undecided = False
        return True

    def _reasoning(self, mark: ReasoningMark, last: bool) -> list[Token]:
        at = self._buffer.find(mark.close)
        begun = self._buffer.find(self._opens) if self._opens else -1
        if at >= 0 or begun >= 0:
            closed = at >= 0 and not 0 <= begun < at
            end, rest = (at, at + len(mark.close)) if closed else (begun, begun)
            thought, self._buffer, self._mark = self._buffer[:end], self._buffer[rest:], None
            if mark.tail and thought.endswith(mark.tail):
                thought = thought[: -len(mark.tail)]
            return self._emit(thought.rstrip(), "reasoning")
        if last:
            ready, self._buffer = self._buffer, ""
            return self._emit(ready.rstrip(), "reasoning")
        # The tail stands directly before the closing mark: hold back what may be either, and white space before it.
        closings = [text for text in (mark.close, self._opens) if text]
        hold = _held_back(self._buffer, [*closings, *(mark.tail + text for text in closings if mark.tail)])
        ready = self._buffer[: len(self._buffer) - hold].rstrip()
        self._buffer = self._buffer[len(ready) :]
        return self._emit(ready, "reasoning")

    def _answer(self, last: bool) -> list[Token]:
        found = [at for at in (self._buffer.find(s) for s in self._stop) if at >= 0]
        if found:
            ready, self._buffer, self.stopped = self._buffer[: min(found)], "", True
            return self._emit(ready, "answer")
        hold = 0 if last else _held_back(self._buffer, self._stop)
        ready = self._buffer[: len(self._buffer) - hold]
        self._buffer = self._buffer[len(ready) :]
        return self._emit(ready, "answer")

    def _emit(self, text: str, channel: str) -> list[Token]:
        if not self._started[channel]:  # an answer does not begin with the blank that separates it from its mark
            text = text.lstrip()
        if not text:
            return []
        self._started[channel] = True
        return [Token(text, "reasoning" if channel == "reasoning" else "answer")]
