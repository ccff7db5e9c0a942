"""Why an answer was not in the cache: what is not as it was when the nearest one was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_localllm.cache.key import KeyDocument, MessageDigest, PartDigest

__all__ = ["changes", "likeness"]

_SHOWN = 60  # characters of a text in a sentence
_CONTEXT = 20  # of which may stand before the change

_WEIGHTS = {
    **dict.fromkeys(
        ("sampling", "max_tokens", "stop", "constraint_sha256", "window", "template_version", "sources"), 1.0
    ),
    "adapter_sha256": 5.0,
    "model_sha256": 10.0,
}


def changes(now_document: Mapping[str, Any], nearest_document: Mapping[str, Any]) -> list[str]:
    """Say in plain sentences what differs between two keys.

    Parameters
    ----------
    now_document, nearest_document : Mapping
        `AnswerKey.document` of the key that has no answer, and of the one that has.

    Returns
    -------
    list of str
        Old before new, as ``"temperature 0.0 → 0.7"``; empty if the keys are the same.

    Raises
    ------
    CacheError
        One of them is no key document.
    """
    now, old = KeyDocument.read(now_document), KeyDocument.read(nearest_document)
    return [*_model(old, now), *_messages(old, now), *_sources(old, now), *_options(old, now)]


def likeness(now_document: Mapping[str, Any], other_document: Mapping[str, Any]) -> float:
    """How much two keys share, from 0.

    The question counts most, because a person thinks of "the same cell": if it is not the same, then its fixed text
    (the cell's template) and the names of what stands in it. Then the conversation before it, the model, the options.
    """
    # Runs a thousand times in a row, so on plain JSON values and with nothing that compares texts letter by letter.
    one, two = now_document["messages"], other_document["messages"]
    score = 0.0
    if one and two:
        score += 100 * _same_message(one[-1], two[-1])
        before, behind = {m["sha256"] for m in one[:-1]}, {m["sha256"] for m in two[:-1]}
        score += 20 * _overlap(before, behind)
    return score + sum(weight for name, weight in _WEIGHTS.items() if now_document[name] == other_document[name])


def _same_message(one: Mapping[str, Any], two: Mapping[str, Any]) -> float:
    if one["sha256"] == two["sha256"]:
        return 1.0
    texts = [{p["sha256"] for p in m["parts"] if p["label"] == "text"} for m in (one, two)]
    labels = [{p["label"] for p in m["parts"] if p["label"] != "text"} for m in (one, two)]
    values = [{p["sha256"] for p in m["parts"] if p["label"] != "text"} for m in (one, two)]
    words = [set(m["excerpt"].split()) for m in (one, two)]
    return 0.4 * _overlap(*texts) + 0.2 * _overlap(*words) + 0.2 * _overlap(*labels) + 0.1 * _overlap(*values)


def _overlap(one: set[str], two: set[str]) -> float:
    together = len(one | two)
    return len(one & two) / together if together else 1.0


# ---------------------------------------------------------------------------------------------------------------------
# Model and options


def _model(old: KeyDocument, now: KeyDocument) -> Iterator[str]:
    if old.model_sha256 != now.model_sha256:
        same = old.model == now.model
        before = " ".join(("model", *([old.model] if old.model else []), f"(sha256 {_short(old.model_sha256)})"))
        after = " ".join((*([now.model] if now.model and not same else []), f"(sha256 {_short(now.model_sha256)})"))
        yield f"{before} → {after}"
    if old.adapter_sha256 != now.adapter_sha256:
        yield f"adapter {_adapter(old)} → {_adapter(now)}"


def _adapter(document: KeyDocument) -> str:
    return f"(sha256 {_short(document.adapter_sha256)})" if document.adapter_sha256 else "none"


def _options(old: KeyDocument, now: KeyDocument) -> Iterator[str]:
    for name in sorted({*old.sampling, *now.sampling}):
        before, after = old.sampling.get(name), now.sampling.get(name)
        if before != after:
            yield f"{name} {before} → {after}"
    if old.max_tokens != now.max_tokens:
        yield f"max_tokens {old.max_tokens} → {now.max_tokens}"
    if old.stop != now.stop:
        yield f"stop {list(old.stop)} → {list(now.stop)}"
    if old.window != now.window:
        yield f"n_ctx {old.window or 'automatic'} → {now.window or 'automatic'}"
    if old.constraint_sha256 != now.constraint_sha256:
        change = _difference(old.constraint_excerpt, now.constraint_excerpt)
        yield f"the form of the answer (schema) changed{change}"
    if old.template_version != now.template_version:
        yield f"jupyter_localllm's prompt template changed: version {old.template_version} → {now.template_version}"


def _short(sha256: str) -> str:
    return f"{sha256[:8]}…" if len(sha256) > 8 else sha256


# ---------------------------------------------------------------------------------------------------------------------
# Messages


def _messages(old: KeyDocument, now: KeyDocument) -> Iterator[str]:
    (old_system, old_turns, old_question), (system, turns, question) = _split(old), _split(now)
    yield from _system(old_system, system)
    yield from _turns(old_turns, turns)
    if old_question is None or question is None:
        if old_question != question:
            yield "the question is new" if old_question is None else "the question is gone"
    elif old_question.sha256 != question.sha256 or old_question.role != question.role:
        yield from _question(old_question, question)


def _split(
    document: KeyDocument,
) -> tuple[MessageDigest | None, tuple[MessageDigest, ...], MessageDigest | None]:
    messages = document.messages
    system = messages[0] if messages and messages[0].role == "system" else None
    rest = messages[1:] if system else messages
    return system, rest[:-1], rest[-1] if rest else None


def _system(old: MessageDigest | None, now: MessageDigest | None) -> Iterator[str]:
    if old is None and now is not None:
        yield f"there is a system message now: {_quote(now.excerpt)}"
    elif old is not None and now is None:
        yield f"there is no system message any more; it was {_quote(old.excerpt)}"
    elif old is not None and now is not None and old.sha256 != now.sha256:
        yield f"the system message changed{_difference(old.excerpt, now.excerpt)}"


def _turns(old: tuple[MessageDigest, ...], now: tuple[MessageDigest, ...]) -> Iterator[str]:
    shared = zip(old, now, strict=False)
    for number, (before, after) in enumerate(shared, start=1):
        if before.sha256 != after.sha256 or before.role != after.role:
            change = _difference(before.excerpt, after.excerpt)
            yield f"an earlier turn of the conversation changed: message {number} ({after.role}){change}"
            break
    if len(old) != len(now):
        yield f"the conversation before the question has {len(now)} messages instead of {len(old)}"


def _question(old: MessageDigest, now: MessageDigest) -> Iterator[str]:
    before, after = _values(old), _values(now)
    said = False
    for label in [*before, *(label for label in after if label not in before)]:
        change = _value_change(label, before.get(label, []), after.get(label, []))
        if change:
            said = True
            yield change
    old_text, text = _text(old), _text(now)
    if [part.sha256 for part in old_text] != [part.sha256 for part in text] and _joined(old_text) != _joined(text):
        said = True
        yield f"the text of the prompt changed{_difference(_joined(old_text), _joined(text))}"
    if not said:
        # Beyond the excerpts, or the same parts in another order.
        yield f"the text of the prompt changed{_difference(old.excerpt, now.excerpt)}"


def _value_change(label: str, old: list[PartDigest], now: list[PartDigest]) -> str:
    if not old:
        return f"{label} is new in the prompt"
    if not now:
        return f"{label} is no longer in the prompt"
    if [part.sha256 for part in old] == [part.sha256 for part in now]:
        return ""
    before, after = old[0].excerpt, now[0].excerpt
    told = len(old) == len(now) == 1 and before != after  # of a secret they are the same: its name
    short = told and max(len(before), len(after)) <= _SHOWN and "\n" not in before + after
    return f"the value of {label} changed" + (f": {_quote(before)} → {_quote(after)}" if short else "")


def _values(message: MessageDigest) -> dict[str, list[PartDigest]]:
    values: dict[str, list[PartDigest]] = {}
    for part in message.parts:
        if part.label != "text":
            values.setdefault(part.label, []).append(part)
    return values


def _text(message: MessageDigest) -> list[PartDigest]:
    return [part for part in message.parts if part.label == "text"]


def _joined(parts: list[PartDigest]) -> str:
    return " … ".join(part.excerpt for part in parts)


def _sources(old: KeyDocument, now: KeyDocument) -> Iterator[str]:
    told = _told(old, now)
    for name in sorted({*old.sources, *now.sources} - told):
        if name not in old.sources:
            yield f"the source {name} is new"
        elif name not in now.sources:
            yield f"the source {name} is gone"
        elif old.sources[name] != now.sources[name]:
            yield f"the source {name} changed"


def _told(old: KeyDocument, now: KeyDocument) -> set[str]:
    """Names of the values in the question of which a change was told already."""
    before, after = (_values(document.messages[-1]) if document.messages else {} for document in (old, now))
    return {label.strip("{} ") for label in {*before, *after} if before.get(label) != after.get(label)}


# ---------------------------------------------------------------------------------------------------------------------
# Showing a difference


def _difference(old: str, now: str) -> str:
    """Show the place where two excerpts differ, with a few words around it; empty if they don't."""
    if old == now:
        return ""
    start = next((i for i, (a, b) in enumerate(zip(old, now, strict=False)) if a != b), min(len(old), len(now)))
    begin = _word_start(old, start)
    return f": {_quote(_clip(old, begin))} → {_quote(_clip(now, begin))}"


def _word_start(text: str, position: int) -> int:
    # A few words of what is the same show where it is.
    begin = max(0, position - _CONTEXT)
    if begin == 0:
        return 0
    space = text.find(" ", begin, position)
    return space + 1 if space >= 0 else begin


def _clip(text: str, begin: int) -> str:
    end = begin + _SHOWN
    return ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")


def _quote(text: str) -> str:
    shown = text if len(text) <= _SHOWN + 2 else text[:_SHOWN] + "…"
    return f"'{' '.join(shown.split())}'"
