"""``%llm models``, ``pull``, ``use`` and ``unload``, and what the command line shares with them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.errors import LocalLLMError, ModelNotFound, UsageError, close_match
from jupyter_localllm.magics.listed import about, listing, memory_words, wish_of
from jupyter_localllm.magics.subcommands import Subcommand
from jupyter_localllm.magics.tables import size
from jupyter_localllm.models import Facts, facts_of, locate
from jupyter_localllm.models.fitting import Wish, quantization_words
from jupyter_localllm.types import Status

if TYPE_CHECKING:
    from jupyter_localllm.models.pull import Pulled

__all__ = ["fetched", "models", "pull_model", "unload", "use"]


def models(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Tell which models there are, or all about one."""
    return listing(handle) if command.value is None else about(handle, command.value)


def use(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Answer with another model from now on; what it will take is told before it is loaded."""
    model = str(command.value)
    try:
        name, path = locate(model, handle.search)
    except ModelNotFound:
        # Answers of a model that is not here can still be replayed from an imported cache.
        if not handle.answers.model_sha256(model.lower()):
            raise
        handle.model = model
        return f"{model} is not on this machine; its answers in the cache can be replayed."
    facts = facts_of(path, handle.answers.memo)
    if facts.problem:
        raise UsageError(f"{name} cannot answer: {facts.problem}", "%llm models lists what is here.")
    if not facts.writes:
        raise UsageError(f"{name} cannot answer: {_NOT_FOR[facts.kind]}", "%llm models lists what is here.")
    handle.model = model
    return f"{name} answers from now on ({memory_words(name, facts, wish_of(handle))})."


_NOT_FOR = {
    "embedding": "it is an embedding model, which makes vectors. Use it for those: embedding_model, or llm.embed.",
    "reranker": "it is a reranker, which scores texts and writes none.",
    "adapter": "it is a LoRA adapter, which changes a model. Give it beside one: --adapter.",
    "projector": "it is a projector (eyes or ears), and its model is another file.",
}
_NOT_FOR |= dict.fromkeys(("control vector", "imatrix", "vocabulary"), "it is no model.")


def pull_model(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Fetch a model, with a bar where somebody looks on."""
    with runtime.current().shown() as show:
        return fetched(handle, str(command.value), show, force=bool(command.options.get("force")))


def fetched(handle: LocalLLM, wanted: str, tell: Callable[[Status], object], *, force: bool = False) -> str:
    """Fetch a model, and say what came.

    Raises
    ------
    ModelError
        It cannot be had; the hint says what to do.
    """
    from jupyter_localllm.models.pull import pull

    memo = handle.answers.memo
    got = pull(wanted, handle.pull_dir, memo, tell=tell, force=force)
    return "\n".join(_came(got, facts_of(got.path, memo), wish_of(handle)))


def _came(got: Pulled, facts: Facts, wish: Wish) -> list[str]:
    proof = "checked by its sha256" if got.promised else f"sha256 {got.sha256}, which nobody had promised"
    lines = [f"{got.name} is {'here' if got.fetched else 'here already'}: {got.path} ({size(got.size_bytes)}, {proof})"]
    if got.note:
        lines.append(got.note)
    words = quantization_words(facts.quantization)
    if words:
        lines.append(f"{facts.quantization}: {words}.")
    if facts.writes:
        lines += [memory_words(got.name, facts, wish), f"Answer with it: %llm use {got.name}"]
    elif facts.kind in _NOT_FOR:
        lines.append(_NOT_FOR[facts.kind])
    return lines


def unload(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Give memory back, of one model or of all."""
    resident = runtime.current().resident()
    chosen: Sequence[Any] = resident
    if command.value is not None:
        wanted = command.value.casefold()
        with contextlib.suppress(LocalLLMError):
            wanted = locate(command.value, handle.search)[0].casefold()
        chosen = [engine for engine in resident if engine.name.casefold() == wanted]
        if not chosen:
            names = [engine.name for engine in resident]
            near = close_match(command.value, names) or (f"Loaded are: {', '.join(names)}." if names else "None is.")
            raise UsageError(f"{command.value} is not loaded.", near)
    for engine in chosen:
        engine.unload()
    told = ", ".join(engine.name for engine in chosen)
    return f"unloaded {told}" if told else "nothing was loaded"
