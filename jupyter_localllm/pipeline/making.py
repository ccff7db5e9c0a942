"""An answer that the cache does not have: the model loaded, the prompt fitted, the generation told and noted."""

from __future__ import annotations

import functools
import importlib.metadata
import time
from collections.abc import Generator
from dataclasses import asdict, replace

from jupyter_localllm._version import __version__
from jupyter_localllm.cache import AnswerKey, content_sha256
from jupyter_localllm.engine.base import Engine, Opening, Routing
from jupyter_localllm.engine.repetition import repeats
from jupyter_localllm.errors import ModelError, ToolsRefused
from jupyter_localllm.pipeline.request import Model, Request
from jupyter_localllm.prompt.budget import DEFAULT_MAX_TOKENS, Fitted, fit
from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.tools.served import ServedSpeech
from jupyter_localllm.tools.speech import Speech, speech_of
from jupyter_localllm.types import Done, Event, Job, ModelInfo, Note, Prompt, Provenance, Result, Timings

__all__ = ["fitted_to", "generate", "unfitted", "version_of"]


def generate(request: Request, model: Model, key: AnswerKey) -> Generator[Event, None, None]:
    """Load the model if it is not, and let it answer; one that is made of others chooses who does."""
    begun = time.perf_counter()

    def asked(opening: Opening) -> Generator[Event, None, None]:
        loading, engine = yield from _load(opening)
        if isinstance(engine, Routing):
            yield from engine.routed(unfitted(request), asked)
            return
        try:
            yield from _answered(request, model, key, engine, (begun, loading))
        except ToolsRefused:  # before anything was said; from now on the engine has them told in the prompt
            if engine.info().tools:
                raise
            yield from _answered(request, model, key, engine, (begun, loading))

    yield from asked(model.engine)


def unfitted(request: Request) -> Job:
    """A request as a job, as far as it is one before it is known who is asked."""
    return Job(
        Prompt(request.messages),
        request.sampling,
        DEFAULT_MAX_TOKENS if request.max_tokens is None else request.max_tokens,
        request.stop,
        constraint=request.constraint,
        tools=tuple(tool.spec for tool in request.tools),
        calling=request.calling,
    )


def _answered(
    request: Request, model: Model, key: AnswerKey, engine: Engine, times: tuple[float, float]
) -> Generator[Event, None, None]:
    """The generation; `times`: when it was asked for, and the milliseconds that loading took."""
    (begun, loading), info = times, engine.info()
    _check_writes(info)
    speech = speech_of(request.tools, request.calling, info)
    fitted = fitted_to(request, engine, info, speech)
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
            notes = (*fitted.notes, *event.result.notes, *_notes(event.result, fitted, info), *_unheld(request, engine))
            provenance = _provenance(request, model, key, fitted.max_tokens)
            provenance = replace(provenance, remote=event.result.provenance.remote)
            timings = _whole(event.result.timings, loading, before_ms)
            yield Done(replace(event.result, notes=notes, provenance=provenance, model=model.name, timings=timings))
        else:
            yield event


_NO_WRITERS = {
    "embedding": ("an embedding model: it makes vectors", "Use it with llm.embed or as embedding_model, and"),
    "reranker": ("a reranker: it scores texts", "For an answer"),
}


def _check_writes(info: ModelInfo) -> None:
    """Refuse a model that was trained for something else; llama.cpp would let it write nonsense."""
    found = _NO_WRITERS.get(str(info.details.get("kind", "")))
    if found:
        raise ModelError(
            f"{info.name} is {found[0]}, and writes none.", f"{found[1]} choose a chat model (%llm models)."
        )


def _load(opening: Opening) -> Generator[Event, None, tuple[float, Engine]]:
    """The engine, and the milliseconds that loading took: 0 if it was resident."""
    begun, loaded = time.perf_counter(), False
    stream = opening()
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


def fitted_to(request: Request, engine: Engine, info: ModelInfo, speech: Speech | ServedSpeech | None) -> Fitted:
    """The prompt and the room for the answer, in the window that the model has."""
    beside = () if speech is None else speech.beside

    def count_prompt(prompt: Prompt) -> int:
        if info.renders:
            return sum(engine.count([*(m.content for m in prompt.messages), *beside]))
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


def _unheld(request: Request, engine: Engine) -> list[Note]:
    """Say that nothing held the answer to its constraint, where nothing reads or checks it afterwards either."""
    from jupyter_localllm.cite.marks import Marks

    constraint = request.constraint
    if constraint is None or request.form is not None or isinstance(constraint, Marks) or engine.holds(constraint):
        return []
    return [Note("unheld", "nothing held the answer to its constraint: this engine may not be able to; look at it")]


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


@functools.cache
def version_of(distribution: str) -> str:
    """Installed version of a distribution, ``""`` if it is not there."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
