"""What Ollama streams: parts of a message, and at the end what it counted and measured."""

from __future__ import annotations

import json
from typing import Any

from jupyter_localllm.engine.served.wire import Ended, Piece
from jupyter_localllm.types import TokenLogprob, ToolCall, Usage

__all__ = ["Reply"]

_NANOSECONDS = 1e6  # in a millisecond
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

    def ended(self) -> Ended | None:
        """The end; None if the server did not say that it is one."""
        last = self._last
        if last is None:
            return None
        counted = last.prompt_eval_count is not None or last.eval_count is not None
        usage = Usage(last.prompt_eval_count or 0, 0, last.eval_count or 0) if counted else None
        times = {ours: (getattr(last, theirs) or 0) / _NANOSECONDS for ours, theirs in _TIMES.items()}
        return Ended("length" if last.done_reason == "length" else "stop", usage, times, tuple(self._calls))


def _logprob(told: Any) -> TokenLogprob:
    top = tuple((other.token, other.logprob) for other in told.top_logprobs or ())
    return TokenLogprob(told.token, told.logprob, top)
