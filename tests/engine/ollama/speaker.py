"""A server that speaks Ollama's documented protocol; the client's own types check what it says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from ollama import ChatResponse, EmbedResponse, GenerateResponse, ListResponse, ProcessResponse, ShowResponse

from tests.engine.openai.speaker import STORY, WORDS
from tests.engine.served.server import Asked, Reply, Speaker

WHEN = "2026-11-21T12:00:00.000000Z"


def line(kind: type[Any], **value: Any) -> bytes:
    """A line of NDJSON."""
    kind(**value)  # the client's type takes it
    return json.dumps(value).encode() + b"\n"


def whole(kind: type[Any], **value: Any) -> Reply:
    kind(**value)
    return 200, value


class FakeOllama:
    """Models by name, each saying its script.

    Attributes
    ----------
    tags : dict of str to dict
        What ``/api/show`` says of each model.
    """

    def __init__(self, speaker: Speaker) -> None:
        self.speaker, self.seconds = speaker, 0.0
        self.answers = {"capital": "The capital of Japan is Tokyo, as all know.", "hello": "Hello you!"}
        self.tags: dict[str, dict[str, Any]] = {
            "tiny:1b": {"capabilities": ["completion", "tools"], "template": "{{ .System }} {{ .Prompt }}"},
            "thinker:latest": {"capabilities": ["completion", "thinking"], "template": "{{ .Messages }}"},
            "base:latest": {"capabilities": ["completion"], "template": "{{ .Prompt }}"},
            "embed:latest": {"capabilities": ["embedding"], "template": "{{ .Prompt }}"},
        }
        self.cloud: dict[str, str] = {}
        self.resident: dict[str, int] = {}
        self.digests = {name: f"sha256:{number:064x}" for number, name in enumerate(self.tags)}
        for path, route in (
            ("/api/tags", self.list),
            ("/api/show", self.show),
            ("/api/ps", self.running),
            ("/api/chat", self.chat),
            ("/api/generate", self.generate),
            ("/api/embed", self.embed),
        ):
            speaker.routes[path] = route

    def list(self, _: Asked) -> Reply:
        models = [
            {"model": name, "name": name, "modified_at": WHEN, "digest": self.digests[name], "size": 1000}
            | ({"remote_host": self.cloud[name]} if name in self.cloud else {})
            for name in self.tags
        ]
        return whole(ListResponse, models=models)

    def show(self, asked: Asked) -> Reply:
        name = self.named(asked.body["model"])
        if name is None:
            return self.missing(asked)
        details = {"parameter_size": "1.2B", "quantization_level": "Q4_K_M", "family": "llama"}
        info = {"general.architecture": "llama", "llama.context_length": 2048}
        return whole(ShowResponse, details=details, model_info=info, modified_at=WHEN, **self.tags[name])

    def running(self, _: Asked) -> Reply:
        models = [{"model": name, "name": name, "context_length": window} for name, window in self.resident.items()]
        return whole(ProcessResponse, models=models)

    def chat(self, asked: Asked) -> Reply | Iterator[bytes]:
        body = asked.body
        name = self.named(body["model"])
        if name is None:
            return self.missing(asked)
        if body.get("tools") and "tools" not in self.tags[name]["capabilities"]:
            return 400, {"error": f"registry.ollama.ai/library/{name} does not support tools"}
        return self.said(body, body["messages"][-1]["content"], chat=True)

    def generate(self, asked: Asked) -> Reply | Iterator[bytes]:
        body = asked.body
        name = self.named(body["model"])
        if name is None:
            return self.missing(asked)
        if not body.get("prompt"):
            freed = body.get("keep_alive") == 0
            if freed:
                self.resident.pop(name, None)
            else:
                self.resident[name] = body.get("options", {}).get("num_ctx", 4096)
            return whole(
                GenerateResponse,
                model=name,
                created_at=WHEN,
                response="",
                done=True,
                done_reason="unload" if freed else "load",
            )
        return self.said(body, body["prompt"], chat=False)

    def said(self, body: dict[str, Any], asked: str, *, chat: bool) -> Iterator[bytes]:
        kind: type[Any] = ChatResponse if chat else GenerateResponse
        text = next((answer for word, answer in self.answers.items() if word in asked.lower()), STORY)
        words, most = WORDS.findall(text), body["options"]["num_predict"]
        for word in words[:most]:
            time.sleep(self.seconds)
            part = {"message": {"role": "assistant", "content": word}} if chat else {"response": word}
            yield line(kind, model=body["model"], created_at=WHEN, done=False, **part)
        part = {"message": {"role": "assistant", "content": ""}} if chat else {"response": ""}
        yield line(
            kind,
            model=body["model"],
            created_at=WHEN,
            done=True,
            done_reason="length" if len(words) > most else "stop",
            total_duration=90_000_000,
            load_duration=10_000_000,
            prompt_eval_count=len(WORDS.findall(asked)),
            prompt_eval_duration=30_000_000,
            eval_count=min(len(words), most),
            eval_duration=50_000_000,
            **part,
        )

    def embed(self, asked: Asked) -> Reply:
        texts = asked.body["input"]
        if self.named(asked.body["model"]) != "embed:latest":
            return 400, {"error": "this model does not support embeddings"}
        return whole(EmbedResponse, model="embed:latest", embeddings=[[float(len(text)), 3.0] for text in texts])

    def named(self, name: str) -> str | None:
        return next((one for one in (name, f"{name}:latest") if one in self.tags), None)

    def missing(self, asked: Asked) -> Reply:
        return 404, {"error": f"model '{asked.body['model']}' not found"}
