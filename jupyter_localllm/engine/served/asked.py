"""What a job asks of a server, in the forms that servers have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from jupyter_localllm.engine.constraint import Constraint
from jupyter_localllm.types import Message, Note, Sampling

__all__ = ["Form", "chat_messages", "form_of", "unsent"]

_PLAIN = Sampling()
_KINDS = ("json-schema", "regex", "grammar", "choices", "numbers")


@dataclass(frozen=True)
class Form:
    """A constraint as plain values.

    Parameters
    ----------
    kind : str
        ``"json-schema"``, ``"regex"``, ``"grammar"``, ``"choices"``, ``"numbers"``, or ``"other"``.
    value : object
        The schema as a dict, the pattern or grammar as a text, the texts as a list.
    """

    kind: str
    value: Any = None

    @property
    def gbnf(self) -> str:
        """The same in llama.cpp's grammar notation (GBNF), where that is simple; empty otherwise."""
        if self.kind in ("choices", "numbers") and all(_simple(text) for text in self.value):
            return "root ::= " + " | ".join(json.dumps(text, ensure_ascii=False) for text in self.value)
        if self.kind == "grammar" and "::=" in self.value and "root" in self.value:
            return str(self.value)
        return ""


def form_of(constraint: Constraint | None) -> Form | None:
    """What a constraint says, read from its key: this room does not know those who make them."""
    if constraint is None:
        return None
    kind, _, text = constraint.key.partition(":")
    if kind not in _KINDS:
        return Form("other")
    if kind == "json-schema":
        schema = json.loads(text)
        schema.pop("x-guidance", None)
        return Form(kind, schema)
    return Form(kind, json.loads(text) if kind in ("choices", "numbers") else text)


def chat_messages(messages: Sequence[Message], *, tools: bool, as_text: bool) -> list[dict[str, Any]]:
    """Messages as chat servers take them.

    Parameters
    ----------
    messages : sequence of Message
    tools : bool
        Whether calls and outcomes are told as such; otherwise they are text, outcomes the person's.
    as_text : bool
        Whether the arguments of a call are the text of a JSON object (OpenAI) or the object (Ollama).
    """
    told: list[dict[str, Any]] = []
    calls = outcomes = 0
    for message in messages:
        made: dict[str, Any] = {"role": message.role, "content": message.content}
        if tools and message.role == "tool" and message.calls:
            name = message.calls[0].name
            made = {"role": "tool", "content": message.said, **_outcome(name, outcomes, as_text)}
            outcomes += 1
        elif tools and message.calls:
            several = []
            for call in message.calls:
                function = {"name": call.name, "arguments": call.json if as_text else dict(call.arguments)}
                several.append(
                    {"id": _id(calls), "type": "function", "function": function} if as_text else {"function": function}
                )
                calls += 1
            made = {"role": message.role, "content": message.said, "tool_calls": several}
        elif message.role == "tool":
            made["role"] = "user"
        if told and made["role"] == told[-1]["role"] == "user":  # some templates want questions and answers in turn
            told[-1] = {"role": "user", "content": f"{told[-1]['content']}\n\n{made['content']}"}
        else:
            told.append(made)
    return told


def unsent(sampling: Sampling, known: Sequence[str]) -> tuple[Note, ...]:
    """A note on what a person set and the server is not told, where it would matter.

    Parameters
    ----------
    sampling : Sampling
    known : sequence of str
        The fields that the server is told.
    """
    idle = {"top_k", "top_p", "min_p", "typical_p", "seed"} if sampling.greedy else set()
    if not sampling.penalised:
        idle.add("repeat_last_n")
    left = [
        field.name
        for field in fields(Sampling)
        if field.name not in (*known, *idle) and getattr(sampling, field.name) != getattr(_PLAIN, field.name)
    ]
    return (Note("unsent", f"the server cannot be told {', '.join(left)}"),) if left else ()


def _outcome(name: str, number: int, as_text: bool) -> dict[str, str]:
    """Which call an outcome belongs to."""
    return {"tool_call_id": _id(number)} if as_text else {"tool_name": name}


def _id(number: int) -> str:
    return f"call{number:05}"  # nine characters: some templates want just that


def _simple(text: str) -> bool:
    """Whether GBNF writes a text as JSON does."""
    return all(character >= " " or character in "\n\r\t" for character in text) and "\x7f" not in text
