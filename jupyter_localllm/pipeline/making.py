"""An answer that the cache does not have: the model loaded, the prompt fitted, the generation told and noted."""

from __future__ import annotations

import functools
import importlib.metadata
import time
from collections.abc import Generator
from dataclasses import asdict, replace

from jupyter_localllm._version import __version__
from jupyter_localllm.cache import AnswerKey, content_sha256
from jupyter_localllm.engine.base import Engine
from jupyter_localllm.engine.repetition import repeats
from jupyter_localllm.errors import ToolsRefused
from jupyter_localllm.pipeline.request import Model, Request
from jupyter_localllm.prompt.budget import Fitted, fit
from jupyter_localllm.prompt.chat import render_chat
from jupyter_localllm.tools.served import ServedSpeech
from jupyter_localllm.tools.speech import Speech, speech_of
from jupyter_localllm.types import Done, Event, Job, ModelInfo, Note, Prompt, Provenance, Result, Timings

__all__ = ["fitted_to", "generate", "version_of"]


def generate(request: Request, model: Model, key: AnswerKey) -> Generator[Event, None, None]:
    """Load the model if it is not, and let it answer."""
    begun = time.perf_counter()
    loading, engine = yield from _load(model)
    try:
        yield from _answered(request, model, key, engine, (begun, loading))
    except ToolsRefused:  # before anything was said; from now on the engine has them told in the prompt
        if engine.info().tools:
            raise
        yield from _answered(request, model, key, engine, (begun, loading))


def _answered(
    request: Request, model: Model, key: AnswerKey, engine: Engine, times: tuple[float, float]
) -> Generator[Event, None, None]:
    """The generation; `times`: when it was asked for, and the milliseconds that loading took."""
    (begun, loading), info = times, engine.info()
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
