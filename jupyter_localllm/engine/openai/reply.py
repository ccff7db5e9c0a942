"""What a server of OpenAI's protocol streams, read with care: nothing of it is taken for granted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.trouble import broken_off
from jupyter_localllm.engine.served.wire import Ended, Piece
from jupyter_localllm.types import Note, TokenLogprob, ToolCall, Usage

__all__ = ["Reply"]

# Of OpenAI, and of TGI; whatever else a server says ("abort", "error") means that the answer is not whole.
_WHOLE = frozenset({"stop", "length", "tool_calls", "function_call", "content_filter", "eos_token", "stop_sequence"})


class Reply:
    """One streamed answer.

    Examples
    --------
    >>> reply = Reply()
    >>> reply.take({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]})
    Piece(text='Hi', reasoning='', logprobs=())
    >>> reply.ended(Address("http://localhost:8080/v1")).finish
    'stop'
    """

    def __init__(self) -> None:
        self._finish = ""
        self._usage: Usage | None = None
        self._times: dict[str, float] = {}
        self._calls: dict[int, list[str]] = {}

    def take(self, chunk: Mapping[str, Any]) -> Piece | None:
        """The piece of text in a chunk; the rest is kept for the end."""
        self._measure(chunk)
        choices = chunk.get("choices")
        choice = _mapping(choices[0]) if isinstance(choices, (list, tuple)) and choices else {}
        delta = _mapping(choice.get("delta"))
        self._finish = _text(choice.get("finish_reason")) or self._finish
        self._call(delta.get("tool_calls"))
        reasoning = _text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))
        text, logprobs = _text(delta.get("content")) or _text(choice.get("text")), _logprobs(choice.get("logprobs"))
        return Piece(text, reasoning, logprobs) if text or reasoning or logprobs else None

    def stop(self) -> None:
        """Take what came so far for the whole: nobody listens any more. A call that has only begun is none."""
        self._finish = "stop"
        self._calls = {at: call for at, call in self._calls.items() if _whole(call[1])}

    def ended(self, address: Address, notes: tuple[Note, ...] = ()) -> Ended | None:
        """The end; None if the server did not say that it is one.

        Raises
        ------
        EngineError
            The server says that the answer is not whole.
        """
        if not self._finish:
            return None
        if self._finish not in _WHOLE:
            raise broken_off(address, self._finish)
        if self._finish == "content_filter":
            notes = (*notes, Note("filtered", "the server left out a part of the answer: its filter"))
        told = [call for _, call in sorted(self._calls.items())]
        calls = tuple(ToolCall(name, arguments or "{}") for name, arguments in told if name)
        return Ended("length" if self._finish == "length" else "stop", self._usage, self._times, calls, notes)

    def _measure(self, chunk: Mapping[str, Any]) -> None:
        if usage := _mapping(chunk.get("usage")):
            cached = _count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
            self._usage = Usage(_count(usage.get("prompt_tokens")), cached, _count(usage.get("completion_tokens")))
        if timings := _mapping(chunk.get("timings")):  # llama-server's, in milliseconds
            self._times = {
                "server_prompt_ms": max(_number(timings.get("prompt_ms")), 0.0),
                "server_generation_ms": max(_number(timings.get("predicted_ms")), 0.0),
            }

    def _call(self, calls: Any) -> None:
        """Calls come in parts: the name first, the arguments piece by piece."""
        for at, part in enumerate(calls if isinstance(calls, (list, tuple)) else ()):
            told = _mapping(part)
            function = _mapping(told.get("function"))
            index = told.get("index")
            known = self._calls.setdefault(index if isinstance(index, int) else at, ["", ""])
            known[0] += _text(function.get("name"))
            known[1] += _text(function.get("arguments"))


def _logprobs(told: Any) -> tuple[TokenLogprob, ...]:
    content = _mapping(told).get("content")
    made = []
    for token in content if isinstance(content, (list, tuple)) else ():
        one = _mapping(token)
        others = one.get("top_logprobs")
        top = [_mapping(other) for other in (others if isinstance(others, (list, tuple)) else ())]
        pairs = tuple((_text(other.get("token")), _number(other.get("logprob"))) for other in top)
        made.append(TokenLogprob(_text(one.get("token")), _number(one.get("logprob")), pairs))
    return tuple(made)


def _whole(arguments: str) -> bool:
    """Whether the arguments of a call are all there."""
    try:
        json.loads(arguments or "{}")
    except ValueError:
        return False
    return True


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return max(int(_number(value)), 0)


def _number(value: Any) -> float:
    """A number that can be one; anything else, NaN among it, is 0."""
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    return float(value) if usable else 0.0
