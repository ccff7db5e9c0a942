"""The road: ``ask_once``, from a request to its answer.

::

    messages -> answer cache -> (engine -> prompt that fits -> generation -> notes, provenance) -> answer cache

A hit needs no model and no llama.cpp: the key is taken from the messages before any template or tokenizer sees them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_localllm.cache import AnswerCache, AnswerKey, Entry, Grouped, answer_key, changes
from jupyter_localllm.engine.base import Opening, Routing
from jupyter_localllm.errors import CacheError, CacheMiss
from jupyter_localllm.pipeline.making import fitted_to, generate, unfitted
from jupyter_localllm.pipeline.request import Model, Request
from jupyter_localllm.prompt.budget import DEFAULT_MAX_TOKENS, Fitted, measure_parts
from jupyter_localllm.prompt.chat import TEMPLATE_VERSION
from jupyter_localllm.tools.speech import key_of_tools, speech_of
from jupyter_localllm.types import Done, Event, Message, ModelInfo, Note, Part, Result, Token

__all__ = ["Plan", "ask_once", "keep", "plan", "recall_once"]


# Notes on answers that the same question would not get again: a filter took something out, or another model stood in.
_OF_THE_MOMENT = frozenset({"filtered", "rerouted"})


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
    for event in generate(request, model, key):
        if isinstance(event, Done):
            result = event.result
        else:
            if isinstance(event, Token):
                said.append(event)
            yield event
    if result is not None:  # cancelled from below: the stream just ends
        yield Done(_kept(request, key, model, cache, Entry.of(tuple(said), result, key)))


def recall_once(request: Request, model: Model, cache: AnswerCache | Grouped) -> Entry | None:
    """The answer that the cache has, if the request lets it be used. What was written is not looked at.

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
    """Put an answer that was made elsewhere into the cache, if the request lets it.

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
    if request.cache == "off" or any(note.code in _OF_THE_MOMENT for note in entry.result.notes):
        return entry.result
    if key.document["model_sha256"] != model.sha256():
        note = Note("changed", "there is another model under this name than before: this answer is not kept")
        return replace(entry.result, notes=(*entry.result.notes, note))
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

    def planned(opening: Opening) -> Generator[Event, None, Plan]:
        engine = yield from opening()
        if isinstance(engine, Routing):
            return (yield from engine.routed(unfitted(request), planned))
        info = engine.info()
        fitted = fitted_to(request, engine, info, speech_of(request.tools, request.calling, info))
        parts = measure_parts(fitted.prompt.messages, fitted.tokens, engine.count)
        return Plan(request, fitted, info, tuple(parts), key, cache.peek(key) is not None)

    return (yield from planned(model.engine))


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
