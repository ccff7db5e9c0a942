"""``%llm models``, ``pull``, ``use`` and ``unload``, and what the command line shares with them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.errors import LocalLLMError, ModelNotFound, UsageError, close_match
from jupyter_localllm.magics.listed import about, listing, wish_of
from jupyter_localllm.magics.subcommands import Subcommand
from jupyter_localllm.models import Facts, facts_of, locate
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.fitting import Wish, memory_words, quantization_words, why_not
from jupyter_localllm.show.tables import Page
from jupyter_localllm.types import Status

if TYPE_CHECKING:
    from jupyter_localllm.models.pull import Pulled

__all__ = ["fetched", "models", "pull_model", "unload", "use"]


def models(_shell: Any, handle: LocalLLM, command: Subcommand) -> Page:
    """Tell which models there are, or all about one."""
    return listing(handle) if command.value is None else about(handle, command.value)


def use(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Answer with another model from now on; what it will take is told before it is loaded."""
    model = str(command.value)
    try:
        found = handle.find(model)
    except ModelNotFound:
        # Answers of a model that is not here can still be replayed from an imported cache.
        if not handle.answers.model_sha256(model.lower()):
            raise
        handle.model = model
        return f"{model} is not on this machine; its answers in the cache can be replayed."
    handle.model = model
    return f"{found} answers from now on."


def pull_model(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Fetch a model, with a bar where somebody looks on; an interrupt shows no stack."""
    try:
        with runtime.current().shown() as show:
            return fetched(handle, str(command.value), show, force=bool(command.options.get("force")))
    except KeyboardInterrupt as error:
        told = "KeyboardInterrupt: the pull was interrupted; the same line goes on where it stopped"
        error._render_traceback_ = lambda: [told]  # type: ignore[attr-defined]
        raise


def fetched(
    handle: LocalLLM, wanted: str, tell: Callable[[Status], object], *, force: bool = False, command: str = "%llm"
) -> str:
    """Fetch a model, and say what came; `command` is what a person types before a subcommand.

    Raises
    ------
    ModelError
        It cannot be had; the hint says what to do.
    """
    from jupyter_localllm.models.pull import Hub, pull

    memo = handle.answers.memo
    hub = Hub(forbidden=bool(handle.offline))
    got = pull(wanted, handle.pull_dir, memo, tell=tell, hub=hub, search=handle.search, force=force)
    runtime.current().places.forget()
    return "\n".join(_came(got, facts_of(got.path, memo), wish_of(handle), command))


def _came(got: Pulled, facts: Facts, wish: Wish, command: str) -> list[str]:
    proof = "checked by its sha256" if got.promised else f"sha256 {got.sha256}, which nobody had promised"
    already = f"here already, {_whose(got.place)}" if got.place else "here" if got.fetched else "here already"
    lines = [f"{got.name} is {already}: {got.path} ({size_text(got.size_bytes)}, {proof})"]
    if got.note and not why_not(facts):
        lines.append(got.note)
    words = quantization_words(facts.quantization)
    if words:
        lines.append(f"{facts.quantization}: {words}.")
    if not why_not(facts):
        lines.append(memory_words(got.name, facts, wish))
        lines += [f"Answer with it: %llm use {got.name}"] if command == "%llm" else []
    else:
        lines.append(f"It cannot answer: {why_not(facts)}")
    return lines


def _whose(place: str) -> str:
    """Name the folder that has a model; programs have names, and other folders are seen by the path itself."""
    folder = os.path.isabs(os.path.expanduser(place))
    return f"and was not fetched{'' if folder else f' again: {place} has it'}"


def unload(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Give memory back, of one model or of all."""
    resident = runtime.current().resident()
    chosen: Sequence[Any] = resident
    if command.value is not None:
        wanted, file = command.value.casefold(), ""
        with contextlib.suppress(LocalLLMError):
            file = os.path.realpath(locate(command.value, handle.search, handle.answers.memo)[1])
        chosen = [one for one in resident if one.name.casefold() == wanted or (file and runtime.file_of(one) == file)]
        if not chosen:
            names = [engine.name for engine in resident]
            near = close_match(command.value, names) or (f"Loaded are: {', '.join(names)}." if names else "None is.")
            raise UsageError(f"{command.value} is not loaded.", near)
    for engine in chosen:
        engine.unload()
    told = ", ".join(engine.name for engine in chosen)
    return f"unloaded {told}" if told else "nothing was loaded"
