"""The road: ``ask_once``, from a request to its answer.

::

    messages -> answer cache -> (engine -> prompt that fits -> generation -> notes, provenance) -> answer cache

A hit needs no model and no llama.cpp: the key is taken from the messages before any template or tokenizer sees them.
"""

from __future__ import annotations

import functools
import importlib.metadata
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_localllm._version import __version__
from jupyter_localllm.cache import AnswerCache, AnswerKey, Entry, Grouped, answer_key, changes, content_sha256
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.engine.repetition import repeats
from jupyter_localllm.errors import CacheError, CacheMiss
from jupyter_localllm.prompt.budget import DEFAULT_MAX_TOKENS, Fitted, fit, measure_parts
from jupyter_localllm.prompt.chat import TEMPLATE_VERSION, render_chat
from jupyter_localllm.tools.formats.base import Calling
from jupyter_localllm.tools.speech import Speech, key_of_tools, speech_of
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import (
    CacheMode,
    Done,
    Event,
    Job,
    Message,
    ModelInfo,
    Note,
    Part,
    Prompt,
    Provenance,
    Result,
    Sampling,
    Status,
    Timings,
    Token,
)

if TYPE_CHECKING:
    from jupyter_localllm.constrain.typed import Typed

__all__ = ["Model", "Plan", "Request", "ask_once", "keep", "plan", "recall", "version_of"]


@dataclass(frozen=True)
class Request:
    """A question, complete, before anything of the model is known.

    Parameters
    ----------
    messages : tuple of Message
        System message, earlier turns, the question.
    sampling : Sampling
    max_tokens : int or None
        ``None``: to the end of the answer, 1,024 tokens at most.
    stop : tuple of str
    cache : {"use", "refresh", "off", "require"}
    window : int or None
        ``n_ctx`` if the person set it; it decides which turns fit, so it is part of the key.
    adapter_sha256 : str
        Of the LoRA adapter, or ``""``.
    constraint : Constraint or None
        What the answer must look like.
    form : Typed or None
        What the answer is read as; `constraint` is then its own. The answer is whole and validated, or an error.
    reasoning_budget : int or None
        Most tokens of the reasoning channel.
    logprobs : int or None
        Tell log-probabilities, with so many alternatives.
    kv_cache_type : str
        Of what numbers the KV cache is, if not of the usual ones: coarser ones give other answers.
    pieces_ms : float
        Pieces of text come no more often; no part of the key.
    tools : tuple of Tool
        What the model may call. The calls stand in the result; nothing is run here. Not beside a constraint.
    calling : {"may", "must", "never"}
        Whether it may call one, must, or must answer now.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    cache: CacheMode = "use"
    window: int | None = None
    adapter_sha256: str = ""
    constraint: Constraint | None = None
    form: Typed | None = None
    reasoning_budget: int | None = None
    logprobs: int | None = None
    kv_cache_type: str = ""
    pieces_ms: float = 16.0
    tools: tuple[Tool, ...] = ()
    calling: Calling = "may"


class Model(Protocol):
    """A model as the pipeline knows it: its identity at no cost, its engine on demand."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def known_as(self) -> str:
        """As the person named it; under this the cache remembers its sha256."""
        ...

    def sha256(self) -> str:
        """Identity of the weights; needs the file or a memory of it, never the loaded model."""
        ...

    def identify(self) -> Generator[Status, None, None]:
        """Find the identity out; tells what it does when that takes a while."""
        ...

    def engine(self) -> Generator[Status, None, Engine]:
        """Check, load, and return the engine, telling how far it is."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Versions of what runs the model."""
        ...

    def holds(self, constraint: Constraint) -> bool:
        """Whether its answers are held to this; if not, the model is told in words."""
        ...


@dataclass(frozen=True)
class Plan:
    """What ``--dry-run`` shows: the messages as rendered and the tokens of each part."""

    request: Request
    fitted: Fitted
    info: ModelInfo
    parts: tuple[Any, ...]
    key: AnswerKey = field(repr=False)
    cached: bool = False


def ask_once(request: Request, model: Model, cache: AnswerCache | Grouped) -> Generator[Event, None, None]:
    """Answer from the cache or by the model; the events end with one `Done`. What was written is not looked at.

    Raises
    ------
    CacheMiss
        Mode ``require`` and no entry: says what changed since the nearest one.
    LocalLLMError
        Whatever stands in the way of an answer.
    """
    request = _told(request, model)
    yield from model.identify()
    key = key_of(request, model)
    entry = _recalled(request, key, cache)
    if entry is not None:
        yield from entry.replay()
        return
    said: list[Token] = []
    result: Result | None = None
    for event in _generate(request, model, key):
        if isinstance(event, Done):
            result = event.result
        else:
            if isinstance(event, Token):
                said.append(event)
            yield event
    if result is not None:  # cancelled from below: the stream just ends
        yield Done(_kept(request, key, model, cache, Entry.of(tuple(said), result, key)))


def recall(request: Request, model: Model, cache: AnswerCache | Grouped) -> Entry | None:
    """The answer that the cache has, if the request lets it be used; for who asks the model elsewhere.

    Raises
    ------
    CacheMiss
        Mode ``require`` and no entry.
    """
    request = _told(request, model)
    return _recalled(request, key_of(request, model), cache)


def keep(
    request: Request, model: Model, cache: AnswerCache | Grouped, *, said: tuple[Token, ...], result: Result
) -> Result:
    """Put an answer that was made elsewhere into the cache, if the request lets it; see `recall`.

    Returns
    -------
    Result
        The answer, with a note if it could not be kept.
    """
    request = _told(request, model)
    key = key_of(request, model)
    return replace(_kept(request, key, model, cache, Entry.of(said, result, key)), value=result.value)


def _recalled(request: Request, key: AnswerKey, cache: AnswerCache | Grouped) -> Entry | None:
    if request.cache not in ("use", "require"):
        return None
    entry = cache.get(key)
    if entry is None and request.cache == "require":
        raise _miss(key, cache)
    return entry


def _kept(request: Request, key: AnswerKey, model: Model, cache: AnswerCache | Grouped, entry: Entry) -> Result:
    if request.cache == "off":
        return entry.result
    try:
        cache.put(key, entry)
        cache.remember_model(model.known_as, model.sha256())
    except CacheError as error:  # the answer is there, and is not lost for want of a cache
        note = Note("cache", f"the answer is not kept: {error.message}")
        return replace(entry.result, notes=(*entry.result.notes, note))
    return entry.result


def plan(request: Request, model: Model, cache: AnswerCache) -> Generator[Event, None, Plan]:
    """Render and measure, generate nothing; the generator returns the `Plan`."""
    request = _told(request, model)
    yield from model.identify()
    key = key_of(request, model)
    engine = yield from model.engine()
    info = engine.info()
    fitted = _fit(request, engine, info, speech_of(request.tools, request.calling, info))
    parts = measure_parts(fitted.prompt.messages, fitted.tokens, engine.count)
    return Plan(request, fitted, info, tuple(parts), key, cache.peek(key) is not None)


def _told(request: Request, model: Model) -> Request:
    """The request, its system message telling what the form says of itself, or all of it if nothing else holds it.

    There it stands before everything that changes: the rows of a map share it.
    """
    if request.form is None:
        return request
    from jupyter_localllm.constrain.telling import told

    words = told(request.form, held=model.holds(request.form.constraint))
    if not words:
        return request
    first, *rest = request.messages
    if first.role != "system":
        return replace(request, messages=(Message.of("system", words), *request.messages))
    return replace(request, messages=(replace(first, parts=(*first.parts, Part("text", f"\n\n{words}"))), *rest))


def key_of(request: Request, model: Model) -> AnswerKey:
    """The key of the answer, from what is known before the model is loaded."""
    return answer_key(
        messages=request.messages,
        sampling=request.sampling,
        max_tokens=request.max_tokens if request.max_tokens is not None else DEFAULT_MAX_TOKENS,
        stop=request.stop,
        model=model.name,
        model_sha256=model.sha256(),
        constraint=_shape(request),
        window=request.window,
        adapter_sha256=request.adapter_sha256,
        template_version=TEMPLATE_VERSION,
    )


def _shape(request: Request) -> dict[str, Any] | None:
    """What else decides the answer, as the key has it; None for plain text, as in keys of earlier versions."""
    shape = {
        "constraint": request.constraint.key if request.constraint is not None else None,
        "reasoning_budget": request.reasoning_budget,
        "logprobs": request.logprobs,
        "tools": key_of_tools(request.tools, request.calling) if request.tools else None,
        "kv_cache_type": request.kv_cache_type or None,
    }
    return {name: value for name, value in shape.items() if value is not None} or None


def _generate(request: Request, model: Model, key: AnswerKey) -> Generator[Event, None, None]:
    begun = time.perf_counter()
    loading, engine = yield from _load(model)
    info = engine.info()
    speech = speech_of(request.tools, request.calling, info)
    fitted = _fit(request, engine, info, speech)
    before_ms = (time.perf_counter() - begun) * 1000
    job = Job(
        fitted.prompt,
        request.sampling,
        fitted.max_tokens,
        request.stop,
        **({"constraint": request.constraint} if speech is None else speech.job),
        reasoning_tokens=request.reasoning_budget,
        logprobs=request.logprobs,
        pieces_ms=request.pieces_ms,
    )
    events = engine.generate(job)
    for event in events if speech is None else speech.listen(events):
        if isinstance(event, Done):
            notes = (*fitted.notes, *event.result.notes, *_notes(event.result, fitted, info))
            provenance = _provenance(request, model, key, fitted.max_tokens)
            timings = _whole(event.result.timings, loading, before_ms)
            yield Done(replace(event.result, notes=notes, provenance=provenance, model=model.name, timings=timings))
        else:
            yield event


def _load(model: Model) -> Generator[Event, None, tuple[float, Engine]]:
    """The engine, and the milliseconds that loading took: 0 if it was resident."""
    begun, loaded = time.perf_counter(), False
    stream = model.engine()
    while True:
        try:
            status = next(stream)
        except StopIteration as stop:
            return ((time.perf_counter() - begun) * 1000 if loaded else 0.0), stop.value
        loaded = True
        yield status


def _whole(timings: Timings, load_ms: float, before_ms: float) -> Timings:
    """The engine's times, counted from the person's request on."""
    return replace(
        timings,
        load_ms=timings.load_ms + load_ms,
        ttft_ms=timings.ttft_ms + before_ms,
        latency_ms=timings.latency_ms + before_ms,
    )


def _fit(request: Request, engine: Engine, info: ModelInfo, speech: Speech | None) -> Fitted:
    def count_prompt(prompt: Prompt) -> int:
        if info.renders:
            return sum(engine.count([m.content for m in prompt.messages]))
        return engine.count_prompt(prompt.pieces)

    return fit(
        request.messages,
        render=lambda messages: render_chat(messages, info) if speech is None else speech.prompt(messages),
        count_prompt=count_prompt,
        count=engine.count,
        n_ctx=info.n_ctx,
        max_tokens=request.max_tokens,
    )


def _notes(result: Result, fitted: Fitted, info: ModelInfo) -> list[Note]:
    notes = []
    if not info.renders and not info.chat_template:
        notes.append(
            Note("no_template", "this model has no chat template: it continued the text, without a system message")
        )
    trained = info.details.get("n_ctx_train", info.n_ctx)
    if fitted.tokens + result.usage.completion_tokens > trained:
        notes.append(
            Note("window", f"beyond the {trained:,} tokens this model was trained with: expect it to lose track")
        )
    if result.finish_reason == "length":
        full = fitted.tokens + fitted.max_tokens >= info.n_ctx
        why = f"the window of {info.n_ctx:,} tokens is full" if full else f"stopped at {fitted.max_tokens:,} tokens"
        cure = "" if full else ": raise max_tokens for more"
        notes.append(Note("length", f"the answer is cut off: {why}{cure}"))
    if repeats(result.text):
        notes.append(Note("loop", "the answer repeats itself: the model is going round in circles"))
    return notes


def _provenance(request: Request, model: Model, key: AnswerKey, max_tokens: int) -> Provenance:
    values = {
        part.label: content_sha256(part.text)
        for message in request.messages
        if message.turn is None and message.role == "user"
        for part in message.parts
        if part.label != "text"
    }
    prompt = "\x1e".join(f"{m.role}\x1f{m.content}" for m in request.messages)
    return Provenance(
        model=model.name,
        model_sha256=model.sha256(),
        sampling=asdict(request.sampling),
        max_tokens=max_tokens,
        stop=request.stop,
        prompt_sha256=content_sha256(prompt),
        sources=values,
        key=key.digest,
        versions={"jupyter_localllm": __version__, **model.versions()},
    )


def _miss(key: AnswerKey, cache: AnswerCache | Grouped) -> CacheMiss:
    if not cache.usable:
        raise CacheError(
            f"the cache in {cache.directory} cannot be used, and --cache require asks for it",
            "%llm cache says more.",
        )
    nearest = cache.nearest(key)
    reasons = changes(key.document, nearest) if nearest is not None else []
    if not reasons:
        return CacheMiss(
            "no answer in the cache is like this one, and --cache require forbids to make it",
            "Run it once with --cache use where the model is, then %llm cache export FILE and import FILE here.",
        )
    return CacheMiss(
        "not in the cache, and --cache require forbids to make it. Since the nearest entry:\n"
        + "\n".join(f"  - {reason}" for reason in reasons),
        "Undo the change, or run it once with --cache use where the model is.",
    )


@functools.cache
def version_of(distribution: str) -> str:
    """Installed version of a distribution, ``""`` if it is not there."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
