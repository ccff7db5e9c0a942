"""A model that says its script, behind OpenAI's protocol."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from tests.engine.served.server import Asked, Speaker

WORDS = re.compile(r"\s*\S+")
STORY = " ".join(f"Then the {n}th cat came." for n in range(1, 200))


def event(value: Any) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def delta(finish: str | None = None, **delta: Any) -> bytes:
    return event(
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )


DONE = b"data: [DONE]\n\n"


class Scripted:
    """Answers chats as a model would: within max_tokens, up to a stop string, with usage.

    Parameters
    ----------
    speaker : Speaker
    models : list of dict
        Entries of the list of models.
    """

    def __init__(self, speaker: Speaker, models: list[dict[str, Any]] | None = None, seconds: float = 0.0) -> None:
        self.speaker, self.seconds = speaker, seconds
        self.answers: dict[str, str] = {"capital": "The capital of Japan is Tokyo, as all know.", "hello": "Hello you!"}
        self.models = models if models is not None else [{"id": "m", "object": "model", "max_model_len": 2048}]
        speaker.routes["/v1/models"] = lambda _: (200, {"object": "list", "data": self.models})
        speaker.routes["/v1/chat/completions"] = self.chat

    def served_by(self, owner: str) -> None:
        """Let the server be of another kind."""
        self.models = [{"id": "m", "owned_by": owner, "max_model_len": 2048}]

    def answer(self, body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"].lower()
        return next((answer for word, answer in self.answers.items() if word in asked), STORY)

    def chat(self, asked: Asked) -> Iterator[bytes]:
        body = asked.body
        words = WORDS.findall(self.answer(body))
        finish = "length" if len(words) > body["max_tokens"] else "stop"
        said = words[: body["max_tokens"]]
        for word in said:
            time.sleep(self.seconds)
            yield delta(content=word)
        yield delta(finish)
        read = sum(len(WORDS.findall(message["content"])) for message in body["messages"])
        usage = {"prompt_tokens": read, "completion_tokens": len(said), "total_tokens": read + len(said)}
        yield event(
            {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}
        )
        yield DONE
