"""The connection to a server of OpenAI's protocol, through the ``openai`` client."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from jupyter_localllm.engine.backends import BackendSettings
from jupyter_localllm.engine.openai.body import Body, body_of
from jupyter_localllm.engine.openai.dialect import PLAIN, dialect_of
from jupyter_localllm.engine.openai.reply import Reply
from jupyter_localllm.engine.served import trouble
from jupyter_localllm.engine.served.address import Address, permit_sending_on
from jupyter_localllm.engine.served.bounded import UNCOMPRESSED, bounding
from jupyter_localllm.engine.served.wire import Described, Heard
from jupyter_localllm.errors import EngineError, LocalLLMError, ModelNotFound, ToolsRefused, close_match
from jupyter_localllm.types import Job

__all__ = ["OpenAIWire"]

_ASSUMED_WINDOW = 8192  # of a server that does not say
_NO_KEY = "none"  # the client wants one, and a server without keys does not look at it
_DESCRIBING_SECONDS = 30.0
_AT_ONCE = 16  # texts that are counted at the same time
_REFUSALS = (400, 404, 405, 422, 500, 501)  # with which servers answer what they do not know
_WINDOW_NAMES = ("max_model_len", "loaded_context_length", "context_length", "context_window", "max_context_length")


class OpenAIWire:
    """One model of one server.

    Parameters
    ----------
    client : module
        ``openai``.
    name : str
        The model, as the person calls it.
    address : Address
    key : str
        Empty for none.
    settings : BackendSettings
    """

    def __init__(self, client: Any, name: str, address: Address, key: str, settings: BackendSettings) -> None:
        self._openai, self._name, self._address, self._key, self._settings = client, name, address, key, settings
        self._model, self._dialect, self._tools = name, PLAIN, True
        timeout = client.Timeout(settings.server_timeout, connect=trouble.CONNECT_SECONDS)
        # Not to where the server sends us on, and to this machine not through a proxy: what is sent goes where a person
        # said, and nowhere else.
        http = client.DefaultAsyncHttpxClient(
            follow_redirects=False,
            trust_env=address.remote,
            verify=address.url.startswith("https"),  # without certificates to check, none need be read
            timeout=timeout,
            headers=UNCOMPRESSED,
            event_hooks={"response": [bounding(address)]},
        )
        self._client = client.AsyncOpenAI(
            api_key=key or _NO_KEY, base_url=address.url, http_client=http, max_retries=0, timeout=timeout
        )
        self._client.organization = self._client.project = None  # nor the names of an account with others

    async def describe(self) -> Described:
        """Find the model in the server's list, and the window where it tells one."""
        entry = await self._entry()
        content = _content(entry)
        self._dialect = dialect_of(entry)
        self._model = str(entry.get("id", self._name))
        remote = await self._sent_on()
        window = self._settings.n_ctx or await self._window(entry)
        details = {"server": self._dialect.name or "OpenAI's protocol", **({} if window else {"n_ctx": "assumed"})}
        tools = self._dialect.tools and self._tools
        return Described(window or _ASSUMED_WINDOW, tools, self._dialect.at_once, details, remote, content)

    async def content(self) -> str:
        """What names the content of the model (see `Described`)."""
        return _content(await self._entry())

    async def chat(self, job: Job) -> AsyncGenerator[Heard, bool]:
        """Stream an answer; what the server refuses and can be left out is left out, and told."""
        body, reply = body_of(job, self._model, self._dialect), Reply()
        async with await self._begun(body) as stream:
            async for chunk in stream:
                piece = reply.take(chunk.to_dict(warnings=False))
                if piece is not None and (yield piece):
                    reply.stop()
                    break
        ended = reply.ended(self._address, body.notes)
        if ended is not None:
            yield ended
        elif self._dialect.at_once == 1:
            raise EngineError(
                f"{self._address.url} ended its answer in the middle, most likely for another request",
                "Start llama_cpp.server with --interrupt_requests false.",
            )

    async def count(self, texts: Sequence[str]) -> list[int] | None:
        """The server's own count, where it has one."""
        if not self._dialect.counting:
            return None
        counts: list[Any] = []
        for at in range(0, len(texts), _AT_ONCE):
            counts += await asyncio.gather(*map(self._count, texts[at : at + _AT_ONCE]))
        found = [count for count in counts if isinstance(count, int)]
        if len(found) == len(texts):
            return found
        self._dialect = replace(self._dialect, counting="")  # an older one, or a proxy stands before it
        return None

    async def embed(self, texts: Sequence[str]) -> list[Sequence[float]]:
        """Vectors by the server's embedding model."""
        made = await self._client.embeddings.create(model=self._model, input=list(texts), encoding_format="float")
        return [one.embedding for one in sorted(made.data, key=lambda one: one.index)]

    async def unload(self) -> None:
        """Nothing: the protocol has no word for it."""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def trouble(self, error: Exception) -> LocalLLMError:
        """What the client's exceptions mean, without the key."""
        return trouble.hiding(self._meant(error), self._key, error)

    def _meant(self, error: Exception) -> LocalLLMError:
        api = self._openai
        if isinstance(error.__cause__, LocalLLMError):  # ours, in the middle of the client's work
            return error.__cause__
        if isinstance(error, api.APIConnectionError):  # time-outs are among them
            found = self._of_transport(error.__cause__ or error)
            return found or trouble.broke_off(self._address, str(error.__cause__ or error))
        if isinstance(error, api.APIStatusError):
            where = error.response.headers.get("location", "") if error.status_code < 400 else ""
            return trouble.refused(self._address, error.status_code, where or _said(error), _KEY)
        if isinstance(error, api.APIError):
            return trouble.refused(self._address, 0, _said(error), _KEY)
        if isinstance(error, asyncio.TimeoutError):
            return trouble.silent(self._address, _DESCRIBING_SECONDS)
        # Older versions of the client let the HTTP library's own exceptions through.
        return self._of_transport(error) or trouble.strange(
            self._address, f"{type(error).__name__}: {error}", "OpenAI's protocol"
        )

    def _of_transport(self, error: BaseException) -> LocalLLMError | None:
        return trouble.of_transport(self._address, error, self._start, self._settings.server_timeout)

    @property
    def _start(self) -> str:
        port = urlsplit(self._address.url).port or 8080
        return (
            f"Start it (llama-server -m MODEL.gguf --port {port}, or vllm serve MODEL --port {port}), or name another "
            "address: openai:NAME@URL."
        )

    async def _entry(self) -> Mapping[str, Any]:
        """The model's entry in the server's list; an empty one if there is no list."""
        try:
            page = await asyncio.wait_for(self._client.get("/models", cast_to=object), _DESCRIBING_SECONDS)
        except self._openai.APIStatusError as error:
            if error.status_code in (404, 405, 501):  # some have no list
                return {}
            raise
        except ValueError:  # mlx_lm.server sends nothing where there is no cache of Hugging Face
            return {}
        listed = page.get("data") if isinstance(page, Mapping) else None
        if not isinstance(listed, list):
            raise trouble.strange(self._address, f"its list of models is {str(page)[:200]!r}", "OpenAI's protocol")
        entries = {str(one.get("id")): one for one in listed if isinstance(one, Mapping)}
        found = _called(self._name, entries)
        if found is None:
            some = ", ".join(list(entries)[:8]) + (" …" if len(entries) > 8 else "")
            raise ModelNotFound(
                f"{self._address.url} has no model {self._name!r}",
                f"{close_match(self._name, entries)} It has: {some or 'none'}.".strip(),
            )
        return entries[found]

    async def _sent_on(self) -> str:
        """Where Ollama sends the prompts of a model of its cloud; empty for all others."""
        if self._dialect.name != "Ollama":
            return ""
        models = _of(await self._beside("GET", "/api/tags"), "models")
        hosts = {_of(model, "model"): _of(model, "remote_host") for model in models or ()}
        host = str(hosts.get(self._model) or ("https://ollama.com" if self._model.endswith("cloud") else ""))
        if host:
            permit_sending_on(self._name, self._address, host, self._settings.allow_remote)
        return host

    async def _window(self, entry: Mapping[str, Any]) -> int:
        """The window that the server tells, 0 if none."""
        told: list[Any] = [entry.get(name) for name in _WINDOW_NAMES]
        if self._dialect.name == "llama-server":
            props = await self._beside("GET", "/props")
            told.append(_of(_of(props, "default_generation_settings"), "n_ctx"))
        elif self._dialect.name == "LM Studio":
            model = await self._beside("GET", f"/api/v0/models/{self._model}")
            told += [_of(model, name) for name in _WINDOW_NAMES]
        return next((value for value in told if type(value) is int and value > 0), 0)

    async def _count(self, text: str) -> Any:
        if self._dialect.counting == "tokenize":
            tokens = _of(await self._beside("POST", "/tokenize", {"content": text}), "tokens")
            return len(tokens) if isinstance(tokens, list) else None
        if self._dialect.counting == "extras":
            asked: dict[str, Any] = {"input": text, "model": self._model}
            return _of(await self._beside("POST", "/extras/tokenize/count", asked), "count")
        asked = {"model": self._model, "prompt": text, "add_special_tokens": False}
        return _of(await self._beside("POST", "/tokenize", asked), "count")

    async def _beside(self, method: str, path: str, body: Any = None) -> Any:
        """An address of the server that does not belong to the protocol; None if it has none such."""
        url = re.sub(r"/v1$", "", self._address.url) + path
        with contextlib.suppress(self._openai.APIStatusError, ValueError):
            if method == "GET":
                return await self._client.get(url, cast_to=object)
            return await self._client.post(url, body=body, cast_to=object)
        return None

    async def _begun(self, body: Body) -> Any:
        while True:
            try:
                return await self._client.chat.completions.create(**body.fields)
            except self._openai.APIStatusError as error:
                said = _said(error)
                if error.status_code in _REFUSALS and body.without_refused(said):
                    continue
                if error.status_code in _REFUSALS and "chat template" in said.lower():
                    return await self._client.completions.create(**body.continued())
                if error.status_code in _REFUSALS and "tools" in body.fields and "tool" in said.lower():
                    self._tools = False
                    raise ToolsRefused(f"{self._address.url} takes no tools: {said}", _TOOLS) from error
                raise


_KEY = "api_key_env is the setting that names its environment variable."
_TOOLS = (
    "vLLM takes them with --enable-auto-tool-choice and --tool-call-parser, llama-server with --jinja. "
    "Without, they are told in the prompt."
)


def _called(name: str, entries: Mapping[str, Any]) -> str | None:
    """The entry that a name means: itself, or the one file of that name."""
    if name in entries:
        return name
    wanted = name.casefold().removesuffix(".gguf")
    for spelled in (str.casefold, _stem):
        fitting = [entry for entry in entries if spelled(entry) == wanted]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _content(entry: Mapping[str, Any]) -> str:
    """What llama-server (``meta``: sizes) and vLLM (``root``: the folder) say of the weights, and the whole name."""
    said = {name: entry.get(name) for name in ("id", "meta", "root")}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _stem(entry: str) -> str:
    return re.split(r"[\\/]", entry)[-1].casefold().removesuffix(".gguf")


def _said(error: Any) -> str:
    """What the server says, out of the many forms in which servers say it."""
    body = error.body
    for key in ("error", "message", "detail"):
        inner = _of(body, key)
        body = inner if inner else body
    return body if isinstance(body, str) else str(body or error)


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None
