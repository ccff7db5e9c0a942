"""The rules of a router: what they are about, and how they are written in a model's name."""

from __future__ import annotations

import re

from jupyter_localllm.errors import UsageError, close_match
from jupyter_localllm.types import Job

__all__ = ["TASKS", "parsed", "task_of"]

TASKS = ("chat", "schema", "cited", "tools")
"""Kinds of questions, by what their answer must be."""

_ROUTE = re.compile(r"(?P<name>[^\[\]]+?)\s*(?:\[(?P<rules>[^\]]*)\])?")
_RULE = re.compile(r"(tokens|ms)\s*<=\s*(\d+)|(tasks)\s*=\s*([a-z+]+)")


def task_of(job: Job) -> str:
    """What kind of question a job is, by what its answer must be."""
    kind = job.constraint.key.partition(":")[0] if job.constraint is not None else ""
    if job.tools or kind == "calls":
        return "tools"
    return "chat" if not kind else "cited" if kind == "marks" else "schema"


def parsed(text: str) -> tuple[tuple[str, dict[str, object]], ...]:
    """The models of a router's name, and the rules of each, as arguments of `Route`.

    Raises
    ------
    UsageError
        It cannot be read.

    Examples
    --------
    >>> parsed("small[tokens<=400]|ollama:llama3.2:3b")
    (('small', {'most_tokens': 400}), ('ollama:llama3.2:3b', {}))
    """
    made = []
    for part in text.split("|"):
        found = _ROUTE.fullmatch(part.strip())
        if found is None or not found["name"].strip():
            raise UsageError(f"{part.strip()!r} is no model of a router", _EXAMPLE)
        rules: dict[str, object] = {}
        for rule in filter(None, (found["rules"] or "").split(",")):
            rules |= _rule(rule.strip())
        made.append((found["name"].strip(), rules))
    return tuple(made)


def _rule(text: str) -> dict[str, object]:
    found = _RULE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no rule of a router", _EXAMPLE)
    if found[1]:
        return {"most_tokens": int(found[2])} if found[1] == "tokens" else {"most_ms": float(found[2])}
    tasks = tuple(found[4].split("+"))
    for task in tasks:
        if task not in TASKS:
            raise UsageError(f"{task!r} is no task", close_match(task, TASKS) or f"They are: {', '.join(TASKS)}.")
    return {"tasks": tasks}


_EXAMPLE = "Write one as: router:small-model[tokens<=400,tasks=chat+schema]|ollama:llama3.2:3b[ms<=2000]"
