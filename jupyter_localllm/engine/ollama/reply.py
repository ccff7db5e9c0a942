"""What Ollama streams: parts of a message, and at the end what it counted and measured."""

from __future__ import annotations

import json
from typing import Any

from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.trouble import broken_off
from jupyter_localllm.engine.served.wire import Ended, Piece
from jupyter_localllm.types import TokenLogprob, ToolCall, Usage

__all__ = ["Reply"]

_NANOSECONDS = 1e6  # in a millisecond
_WHOLE = ("stop", "length", "", None)  # older servers say nothing; "load" and "unload" are no answers
_TIMES = {
    "server_load_ms": "load_duration",
    "server_prompt_ms": "prompt_eval_duration",
    "server_generation_ms": "eval_duration",
    "server_total_ms": "total_duration",
}


class Reply:
    """One streamed answer, of ``/api/chat`` or ``/api/generate``; its parts are the client's types."""

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []
        self._last: Any = None
        self._stopped = False

    def take(self, part: Any) -> Piece | None:
        """The piece of text in a part; the rest is kept for the end."""
        message = getattr(part, "message", None)
        text = (message.content if message is not None else getattr(part, "response", "")) or ""
        thinking = (message if message is not None else part).thinking or ""
        for call in (message.tool_calls or ()) if message is not None else ():
            arguments = json.dumps(dict(call.function.arguments), ensure_ascii=False)
            self._calls.append(ToolCall(call.function.name, arguments))
        if part.done:
            self._last = part
        logprobs = tuple(map(_logprob, part.logprobs or ()))
        return Piece(text, thinking, logprobs) if text or thinking or logprobs else None

    def stop(self) -> None:
        """Take what came so far for the whole: nobody listens any more."""
        self._stopped = True

    def ended(self, address: Address) -> Ended | None:
        """The end; None if the server did not say that it is one.

        Raises
        ------
        EngineError
            The server says that the answer is not whole.
        """
        last = self._last
        if last is None:
            return Ended(calls=tuple(self._calls)) if self._stopped else None
        if last.done_reason not in _WHOLE and not self._stopped:
            raise broken_off(address, last.done_reason)
        counted = last.prompt_eval_count is not None or last.eval_count is not None
        usage = Usage(last.prompt_eval_count or 0, 0, last.eval_count or 0) if counted else None
        times = {ours: (getattr(last, theirs) or 0) / _NANOSECONDS for ours, theirs in _TIMES.items()}
        return Ended("length" if last.done_reason == "length" else "stop", usage, times, tuple(self._calls))


def _logprob(told: Any) -> TokenLogprob:
    top = tuple((other.token, other.logprob) for other in told.top_logprobs or ())
    return TokenLogprob(told.token, told.logprob, top)
