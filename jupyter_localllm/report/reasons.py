"""Why an answer is another one than before, as far as what was recorded of both tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_localllm.report.tidy import mapping
from jupyter_localllm.show.listing import clipped, one_line

__all__ = ["other_run", "reasons"]

_LONGEST = 120


def reasons(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two records, in words.

    Parameters
    ----------
    before, after : Mapping
        Metadata of outputs, under ``jupyter_localllm``.

    Returns
    -------
    tuple of str
        Empty if nothing that was recorded differs, or if nothing was recorded.

    Examples
    --------
    >>> reasons({"sampling": {"seed": 1}}, {"sampling": {"seed": 2}})
    ('seed 1 → 2',)
    """
    found = [
        *_sources(mapping(before.get("sources")), mapping(after.get("sources"))),
        *_model(before, after),
        *_sampling(before, after),
        *_prompt(before, after),
    ]
    if not found and before.get("remote") != after.get("remote"):
        found.append(f"asked at {_said(before.get('remote'))} → {_said(after.get('remote'))}")
    return tuple(found)


def other_run(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What may be behind another answer to the very same question.

    Examples
    --------
    >>> other_run({"key": "a", "versions": {"x": "1"}}, {"key": "a", "versions": {"x": "2"}})
    ('the same question to the same model was answered otherwise: x 1 → 2',)
    """
    if not before.get("key") or before.get("key") != after.get("key"):
        return ()
    old, new = mapping(before.get("versions")), mapping(after.get("versions"))
    told = [f"{name} {_said(old.get(name))} → {_said(new.get(name))}" for name in _differing(old, new)]
    why = ", ".join(told) or "another processor or machine, or what ran beside it"
    return (f"the same question to the same model was answered otherwise: {why}",)


def _sources(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in _differing(old, new):
        words = one_line(str(name))
        if name not in new:
            yield f"{words} is no longer used"
        elif name not in old:
            yield f"{words} is new"
        else:
            yield f"{words} changed: sha256 {_short(old[name])} → {_short(new[name])}"


def _model(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = (_said(one.get("model")) for one in (before, after))
    hashes = [_short(one.get("model_sha256")) for one in (before, after)]
    routed = [_said(one.get("answered_by")) for one in (before, after)]
    if routed[0] != routed[1]:
        why = after.get("answered_why")
        yield f"answered by {routed[0]} → {routed[1]}" + (f" ({_said(why)})" if why else "")
    if hashes[0] == hashes[1]:
        return
    if old != new:
        yield f"model {old} → {new}"
    else:
        yield f"the weights of {old} changed: sha256 {hashes[0]} → {hashes[1]}"


def _sampling(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = mapping(before.get("sampling")), mapping(after.get("sampling"))
    if old and new:  # empty where no model was asked
        yield from (f"{name} {_said(old.get(name))} → {_said(new.get(name))}" for name in _differing(old, new))
    for name in ("max_tokens", "stop"):
        if before.get(name) != after.get(name) and old and new:
            yield f"{name} {_said(before.get(name))} → {_said(after.get(name))}"


def _prompt(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    asked = [one_line(str(one.get("question") or "")) for one in (before, after)]
    hashes = [one.get("prompt_sha256") for one in (before, after)]
    values = mapping(before.get("sources")) != mapping(after.get("sources"))
    if asked[0] != asked[1] and all(asked):
        yield f'prompt "{clipped(asked[0], _LONGEST)}" → "{clipped(asked[1], _LONGEST)}"'
    elif hashes[0] and hashes[1] and hashes[0] != hashes[1] and not values:
        yield "prompt changed: its words, the system message, an earlier turn, or the sources chosen for it"
    elif bool(hashes[0]) != bool(hashes[1]):
        yield "the model was asked before" if hashes[0] else "the model is asked now"


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]


def _short(sha256: Any) -> str:
    return str(sha256)[:8] if sha256 else "none"


def _said(value: Any) -> str:
    return clipped(one_line(str(value)), _LONGEST) if value not in (None, "") else "none"
