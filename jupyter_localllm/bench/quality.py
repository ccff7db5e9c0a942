"""A small fixed set of questions, so that quality stands beside speed: cited lookups, extraction, instruction keeping.

The set is the same for every model, answered at temperature 0, and judged by rules: it tells a model that is too small
or broken from one that will do, and is no ranking of good ones. The questions are our own (``quality.json``).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jupyter_localllm.errors import DependencyMissing, EngineError, LocalLLMError, ModelError

__all__ = ["KINDS", "Asked", "Assessment", "assess", "questions", "right_cited", "right_fields", "right_words"]

KINDS = ("cited", "extraction", "instructions")
_OPTIONS = {"temperature": 0.0, "repeat_penalty": 1.0, "seed": 1, "cache": "off"}
_MOST_TOKENS = {"cited": 96, "extraction": 120, "instructions": 80}


class Asked(Protocol):
    """What answers."""

    def generate(self, prompt: Any, **options: Any) -> Any: ...  # noqa: D102
    def ask(self, question: str, sources: Mapping[str, Any] | None = None, **options: Any) -> Any: ...  # noqa: D102
    def extract(self, schema: Any, prompt: Any, **options: Any) -> Any: ...  # noqa: D102


@dataclass(frozen=True)
class Assessment:
    """What came of the questions.

    Parameters
    ----------
    scores : Mapping of str to (right, asked)
        By kind. Of extraction, fields are counted.
    answers : tuple of Mapping
        ``kind``, ``question``, ``answer`` and ``score`` (0 to 1) of each.
    notes : tuple of str
    """

    scores: Mapping[str, tuple[float, int]]
    answers: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()


@functools.cache
def questions() -> dict[str, Any]:
    """The set."""
    data: dict[str, Any] = json.loads(Path(__file__).with_name("quality.json").read_text(encoding="utf-8"))
    return data


def assess(subject: Asked, tell: Callable[[str], object]) -> Assessment:
    """Ask all of them.

    An answer that fails (cut off, refused by its schema) is wrong. What the installation cannot do, as schemas without
    the extra ``constrain``, is left out with a note.

    Raises
    ------
    LocalLLMError
        The model itself cannot be asked.
    """
    scores: dict[str, tuple[float, int]] = {}
    answers: list[Mapping[str, Any]] = []
    notes: list[str] = []
    for kind in KINDS:
        right, asked = 0.0, 0
        items = questions()[kind]["items"]
        for i, item in enumerate(items):
            tell(f"{kind}, {i + 1} of {len(items)}")
            try:
                question, answer, gained, worth = _ASK[kind](subject, item)
            except DependencyMissing as missing:
                notes.append(f"quality without {kind}: {missing.message}. {missing.hint}")
                break
            right, asked = right + gained, asked + worth
            answers.append({"kind": kind, "question": question, "answer": answer, "score": gained / worth})
        if asked:
            scores[kind] = (right, asked)
    return Assessment(scores, tuple(answers), tuple(notes))


def _cited(subject: Asked, item: Mapping[str, Any]) -> tuple[str, str, float, int]:
    question, options = str(item["question"]), {**_OPTIONS, "max_tokens": _MOST_TOKENS["cited"]}
    answer, told = _tried(lambda: subject.ask(question, questions()["cited"]["sources"], **options))
    return question, told or str(answer.text), float(answer is not None and right_cited(answer, item)), 1


def _extraction(subject: Asked, item: Mapping[str, Any]) -> tuple[str, str, float, int]:
    prompt = f"Extract the fields from this text:\n\n{item['text']}"
    options = {**_OPTIONS, "max_tokens": _MOST_TOKENS["extraction"]}
    value, told = _tried(lambda: subject.extract(item["schema"], prompt, **options))
    shown = told or json.dumps(value, ensure_ascii=False)
    return str(item["text"]), shown, right_fields(value, item["right"]), len(item["right"])


def _instructions(subject: Asked, item: Mapping[str, Any]) -> tuple[str, str, float, int]:
    prompt, options = str(item["prompt"]), {**_OPTIONS, "max_tokens": _MOST_TOKENS["instructions"], "schema": ""}
    result, told = _tried(lambda: subject.generate(prompt, **options))
    text = told or str(result.text)
    return prompt, text, float(result is not None and right_words(text, item)), 1


_ASK: Mapping[str, Callable[[Asked, Mapping[str, Any]], tuple[str, str, float, int]]] = {
    "cited": _cited,
    "extraction": _extraction,
    "instructions": _instructions,
}


def _tried(ask: Callable[[], Any]) -> tuple[Any, str]:
    """The answer, or None and the error in its place."""
    try:
        return ask(), ""
    except (DependencyMissing, ModelError, EngineError):  # not the answer's fault
        raise
    except LocalLLMError as error:
        return None, f"{type(error).__name__}: {error.message}"


def right_cited(answer: Any, item: Mapping[str, Any]) -> bool:
    """Whether an answer says what is right with a mark that its source carries, or rightly says nothing."""
    if item.get("abstain"):
        return bool(answer.abstained)
    said = all(part.casefold() in answer.text.casefold() for part in item["right"])
    statuses = [citation.status for citation in answer.citations]
    return said and not answer.abstained and bool(statuses) and all(status == "supported" for status in statuses)


def right_fields(value: Any, right: Mapping[str, Any]) -> float:
    """How many fields are right; capitals and blanks around do not matter. A list holds what is right as well.

    Examples
    --------
    >>> right_fields({"a": " Oslo", "b": 7.0, "c": True}, {"a": "oslo", "b": 7, "c": False})
    2.0
    """
    if not isinstance(value, Mapping):
        return 0.0
    return float(sum(name in value and _same(value[name], wanted) for name, wanted in right.items()))


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_same(found, one) for one in wanted)
    if isinstance(wanted, str):
        return isinstance(found, str) and found.strip().casefold() == wanted.casefold()
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    return bool(found == wanted)


def right_words(text: str, item: Mapping[str, Any]) -> bool:
    """Whether a text matches all that it must as a whole, and holds nothing that it must not."""
    must, must_not = item.get("must", ()), item.get("must_not", ())
    return all(re.fullmatch(pattern, text) for pattern in must) and not any(re.search(p, text) for p in must_not)
