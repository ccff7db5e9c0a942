"""The connection to an Ollama server, through the ``ollama`` client (https://docs.ollama.com/api)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_localllm.engine.backends import BackendSettings
from jupyter_localllm.engine.ollama.reply import Reply
from jupyter_localllm.engine.served import trouble
from jupyter_localllm.engine.served.address import Address, permit_sending_on
from jupyter_localllm.engine.served.asked import chat_messages, form_of
from jupyter_localllm.engine.served.bounded import UNCOMPRESSED, bounding
from jupyter_localllm.engine.served.wire import Described, Heard
from jupyter_localllm.errors import EngineError, LocalLLMError, ModelNotFound, ToolsRefused, close_match
from jupyter_localllm.types import Job, Note

__all__ = ["CLOUD", "OllamaWire"]

_USUAL_WINDOW = 8192  # where nobody says; the whole window of a large model would not fit in memory
_MOST_LOGPROBS = 20
CLOUD = "https://ollama.com"
"""Where the models of Ollama's makers run, which a server on this machine sends prompts on to."""
_OK = 200
_DESCRIBING_SECONDS = 5.0  # for what a server knows without loading anything
_SAMPLING = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_penalty", "repeat_last_n"),
    *("frequency_penalty", "presence_penalty", "seed"),
)
_KEY = "api_key_env is the setting that names its variable."
_PATH = "That of Ollama has no path, no /v1 either: http://127.0.0.1:11434"
_START = "Start it with: ollama serve. Or name its address: endpoint, the variable OLLAMA_HOST, or ollama:NAME@URL."


class OllamaWire:
    """One model of one server.

    Parameters
    ----------
    client : module
        ``ollama``.
    name : str
        The model with its tag; without one it is ``latest``, as everywhere with Ollama.
    address : Address
    key : str
        Empty for none.
    settings : BackendSettings
    """

    def __init__(self, client: Any, name: str, address: Address, key: str, settings: BackendSettings) -> None:
        self._ollama, self._name, self._address, self._key, self._settings = client, name, address, key, settings
        self._opened: Any = None
        self._can: frozenset[str] = frozenset()
        self._n_ctx, self._raw = 0, False
        self._hosts: dict[str, str] = {}
        self._remote = ""

    @property
    def _client(self) -> Any:
        """The client, made on the event loop that uses it."""
        if self._opened is None:
            # As with all servers: nothing goes where it was not sent, and a key only to those that it was made for.
            requests = [_uncut] if self._key else [_uncut, _without_key]
            hooks = {"request": requests, "response": [bounding(self._address), self._see_where]}
            silence = self._settings.server_timeout
            self._opened = self._ollama.AsyncClient(
                host=self._address.url,
                headers={**UNCOMPRESSED, **({"authorization": f"Bearer {self._key}"} if self._key else {})},
                follow_redirects=False,
                trust_env=self._address.remote,
                verify=self._address.url.startswith("https"),  # without certificates to check, none need be read
                timeout=(trouble.CONNECT_SECONDS, silence, silence, silence),
                event_hooks=hooks,
            )
        return self._opened

    async def content(self) -> str:
        """The digest of the model.

        Raises
        ------
        ModelNotFound
            The server has no such model.
        UsageError
            It is one of the cloud, and nobody allowed that prompts leave this machine.
        """
        listed = await self._client.list()
        entries = {str(model.model): model for model in listed.models if model.model}
        for name in (self._name, f"{self._name}:latest"):
            if name in entries and entries[name].digest:
                self._check_where(name)
                return str(entries[name].digest)
        raise self._missing(list(entries))

    def _check_where(self, name: str) -> None:
        """Models of the cloud stand among the others, and the server sends on what they are asked."""
        self._remote = self._hosts.get(name, "") or (CLOUD if name.endswith("cloud") else "")
        if self._remote:
            permit_sending_on(self._name, self._address, self._remote, self._settings.allow_remote)

    async def _see_where(self, response: Any) -> None:
        """Keep what the client's types do not: which models are answered by another host."""
        if response.url.path.endswith("/api/tags") and response.status_code == _OK:
            await response.aread()
            with contextlib.suppress(ValueError, AttributeError, TypeError):
                self._hosts = {
                    model["model"]: str(model["remote_host"])
                    for model in response.json()["models"]
                    if model.get("remote_host")
                }

    async def describe(self) -> Described:
        """Find the model, and have it loaded."""
        digest = await asyncio.wait_for(self.content(), _DESCRIBING_SECONDS)
        shown = await asyncio.wait_for(self._client.show(self._name), _DESCRIBING_SECONDS)
        self._can = frozenset(shown.capabilities or ("completion",))
        known = shown.modelinfo or {}
        trained = next((v for k, v in known.items() if k.endswith(".context_length") and isinstance(v, int)), 0)
        self._n_ctx = self._settings.n_ctx or await self._resident() or min(trained or _USUAL_WINDOW, _USUAL_WINDOW)
        # What Ollama gives a model that came without a template: the text as it is.
        self._raw = (shown.template or "").strip() in ("{{ .Prompt }}", "{{.Prompt}}")
        if "completion" in self._can:
            await self._client.generate(self._name, keep_alive=self._keep_alive, options={"num_ctx": self._n_ctx})
        of = shown.details
        details = {
            "server": "Ollama",
            "digest": digest,
            **({"n_ctx_train": trained} if trained else {}),
            **({"parameters": of.parameter_size, "quantization": of.quantization_level} if of is not None else {}),
        }
        tools = "tools" in self._can and not self._raw
        return Described(self._n_ctx, tools, details=details, remote=self._remote, content=digest)

    async def chat(self, job: Job) -> AsyncGenerator[Heard, bool]:
        """Stream an answer."""
        if "completion" not in self._can:
            kind = "an embedding model" if "embedding" in self._can else "no model that writes"
            raise EngineError(f"{self._name} is {kind}: it cannot answer", "Name a model that was made to chat.")
        reply, notes = Reply(), list(_unkept(job))
        async with contextlib.aclosing(await self._begun(job, notes)) as parts:
            async for part in parts:
                piece = reply.take(part)
                if piece is not None and (yield piece):
                    reply.stop()
                    break
        ended = reply.ended(self._address)
        if ended is not None and ended.usage is not None and ended.usage.prompt_tokens >= self._n_ctx:
            raise trouble.cut_short(self._address, ended.usage.prompt_tokens, self._n_ctx)
        if ended is not None:
            yield replace(ended, notes=(*ended.notes, *notes))

    async def count(self, texts: Sequence[str]) -> list[int] | None:
        """Ollama does not count tokens of texts."""
        return None

    async def embed(self, texts: Sequence[str]) -> list[Sequence[float]]:
        """Vectors; a text that is too long is an error, and not cut off."""
        made = await self._client.embed(self._name, list(texts), truncate=False, keep_alive=self._keep_alive)
        return list(made.embeddings)

    async def unload(self) -> None:
        """Have the server let the model go; a request without a prompt does that for embedding models as well."""
        await self._client.generate(self._name, keep_alive=0)

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()

    def trouble(self, error: Exception) -> LocalLLMError:
        """What the client's exceptions mean, without the key."""
        return trouble.hiding(self._meant(error), self._key, error)

    def _meant(self, error: Exception) -> LocalLLMError:
        if isinstance(error, asyncio.TimeoutError):
            return trouble.silent(self._address, _DESCRIBING_SECONDS)
        if isinstance(error, self._ollama.ResponseError):
            return self._refused(error)
        cause = error
        if isinstance(error, ConnectionError):  # the client's words in place of the HTTP library's
            cause = error.__context__ if isinstance(error.__context__, Exception) else error
        found = trouble.of_transport(self._address, cause, _START, self._settings.server_timeout)
        if found is None and isinstance(error, ConnectionError):
            return trouble.not_there(self._address, _START)
        return found or trouble.strange(self._address, f"{type(error).__name__}: {error}", "Ollama's protocol")

    @property
    def _keep_alive(self) -> float | str | None:
        text = self._settings.keep_alive.strip()
        try:
            return float(text) if text else None
        except ValueError:
            return text

    def _refused(self, error: Any) -> LocalLLMError:
        said, status = str(error.error), max(int(error.status_code), 0)
        if status == 404 and "not found" in said.lower():
            return self._missing([])
        return trouble.refused(self._address, status, said, _KEY, _PATH)

    def _missing(self, others: Sequence[str]) -> ModelNotFound:
        near = close_match(self._name, others)
        listed = f"It has: {', '.join(others[:8])}{' …' if len(others) > 8 else ''}." if others else ""
        return ModelNotFound(
            f"Ollama at {self._address.url} has no model {self._name!r}",
            " ".join(part for part in (near, f"Fetch it: ollama pull {self._name}.", listed) if part),
        )

    async def _resident(self) -> int:
        """The window with which the model lies in memory already: another one would have it loaded anew."""
        running = await self._client.ps()
        for model in running.models:
            if model.model in (self._name, f"{self._name}:latest") and model.context_length:
                return int(model.context_length)
        return 0

    async def _begun(self, job: Job, notes: list[Note]) -> Any:
        asked: dict[str, Any] = {"options": self._options(job), "keep_alive": self._keep_alive, "stream": True}
        if job.logprobs is not None:
            asked |= {"logprobs": True, "top_logprobs": min(job.logprobs, _MOST_LOGPROBS)}
        if job.reasoning_tokens == 0 and "thinking" in self._can:
            asked["think"] = False
        form = form_of(job.constraint)
        if form is not None and form.kind == "json-schema":
            asked["format"] = form.value
        if self._raw:
            notes.append(Note("no_template", "this model has no chat template: it continued the text"))
            text = "\n\n".join(message.content for message in job.prompt.messages if message.role != "system")
            return await self._client.generate(self._name, text, raw=True, **asked)
        tools = [dict(tool) for tool in job.tools] if job.calling != "never" else []
        messages = chat_messages(job.prompt.messages, tools=bool(job.tools), as_text=False)
        parts = await self._client.chat(self._name, messages, tools=tools, **asked)
        return _told_of_tools(parts, self._ollama, self._address) if tools else parts

    def _options(self, job: Job) -> Mapping[str, Any]:
        options = {name: getattr(job.sampling, name) for name in _SAMPLING}
        more = {"stop": list(job.stop)} if job.stop else {}
        return {**options, "num_predict": job.max_tokens, "num_ctx": self._n_ctx, **more}


async def _told_of_tools(parts: Any, client: Any, address: Address) -> AsyncGenerator[Any, None]:
    """The parts of an answer with tools; that the model takes none is told as that."""
    async with contextlib.aclosing(parts):
        try:
            async for part in parts:
                yield part
        except client.ResponseError as error:
            if error.status_code == 400 and "tools" in str(error.error):
                raise ToolsRefused(f"{address.url} takes no tools: {error.error}") from error
            raise


def _unkept(job: Job) -> list[Note]:
    """What Ollama cannot be told."""
    notes = []
    if job.reasoning_tokens:
        notes.append(Note("unsent", "Ollama cannot be told how long to reason, only whether"))
    if job.tools and job.calling == "must":
        notes.append(Note("unsent", "Ollama cannot be told that a function must be called"))
    return notes


async def _uncut(request: Any) -> None:
    """Have the server refuse what does not fit, and not leave out what comes first; older servers pass over it.

    The client has no arguments for it.
    """
    if request.url.path.endswith(("/api/chat", "/api/generate")):
        content = json.dumps({**json.loads(request.content), "truncate": False, "shift": False}).encode()
        request.stream = type(request.stream)(content)
        request.headers["content-length"] = str(len(content))


async def _without_key(request: Any) -> None:
    request.headers.pop("authorization", None)
