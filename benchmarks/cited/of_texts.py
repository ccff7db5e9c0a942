"""The row on texts in four languages: questions in other words than theirs, and questions that they leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.cited.asking import Asked, Run
from benchmarks.cited.matching import spelt, stands_in
from benchmarks.cited.scores import gate, share
from benchmarks.cited.texts_later import LATER
from benchmarks.cited.texts_seen import SEEN
from benchmarks.cited.texts_unseen import UNSEEN
from benchmarks.cited.told import Told

__all__ = ["texts"]


def texts(run: Run) -> dict[str, Any]:
    """Shares that are answered right, and that are refused, for texts that were looked at before and that were not.

    An answer is right if the gold stands in it and a claim that holds it is marked as supported.
    """
    return {"not looked at": _half(run, "unseen", UNSEEN), "looked at": _half(run, "seen", SEEN + LATER)}


def _half(run: Run, half: str, told: Sequence[Told]) -> dict[str, Any]:
    most = None if run.limit is None else max(1, run.limit // len(told))
    answered = [_answered(run, half, one, q, gold) for one in told for q, gold in one.answered[:most]]
    absent = [_absent(run, half, one, question) for one in told for question in one.absent[:most]]
    languages = sorted({one.language for one in told})

    def by_language(asked: Sequence[Asked]) -> dict[str, Any]:
        return {name: share((a.right for a in asked if a.group.endswith(name)), seed=run.seed) for name in languages}

    refused = share((a.right for a in absent), seed=run.seed)
    return {
        "answer right": share((a.right for a in answered), seed=run.seed),
        "abstained": share((a.answer.abstained for a in answered), seed=run.seed),
        "abstained where it is not in the text": gate(refused, at_least=0.9) if half == "unseen" else refused,
        "answer right, by language": by_language(answered),
        "abstained where it is not in the text, by language": by_language(absent),
        "errors": sum(bool(a.error) for a in [*answered, *absent]),
    }


def _answered(run: Run, half: str, told: Told, question: str, gold: str) -> Asked:
    asked = run.put("texts", f"{half}, {told.language}", question, {"notes": told.text})
    answer = asked.answer
    claims = [answer.text[c.start : c.end] for c in answer.citations if c.status == "supported"]
    right = not answer.abstained and any(stands_in(spelt(gold), spelt(claim)) for claim in claims)
    return run.keep("texts", replace(asked, right=right, scores={"gold": gold}))


def _absent(run: Run, half: str, told: Told, question: str) -> Asked:
    asked = run.put("texts", f"{half}, absent, {told.language}", question, {"notes": told.text})
    return run.keep("texts", replace(asked, right=asked.answer.abstained))
