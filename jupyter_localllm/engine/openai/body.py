"""A job as the body of a chat request (OpenAI's API reference, "Create chat completion")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jupyter_localllm.engine.openai.dialect import Dialect
from jupyter_localllm.engine.served.asked import Form, chat_messages, form_of, unsent
from jupyter_localllm.types import Job, Note

__all__ = ["Body", "body_of"]

_STOPS = 4  # more are refused by OpenAI; all of them are looked for here as well
_MOST_LOGPROBS = 20
_CHOICE = {"may": "auto", "must": "required", "never": "none"}
_OF_CHATS = ("messages", "tools", "tool_choice", "response_format", "logprobs", "top_logprobs")
_SENT = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")


@dataclass
class Body:
    """A request, and what may be taken out of it again.

    Attributes
    ----------
    fields : dict
        As the client's ``chat.completions.create`` takes them.
    optional : dict of str to tuple of str
        Keys of `fields` that a server may refuse, and the words by which its error tells that it does.
    notes : tuple of Note
    """

    fields: dict[str, Any]
    optional: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def continued(self) -> dict[str, Any]:
        """The fields of a completion: for models without a chat template, which continue a text."""
        messages = [message for message in self.fields["messages"] if message["role"] != "system"]
        kept = {name: value for name, value in self.fields.items() if name not in _OF_CHATS}
        self.notes = (*self.notes, Note("no_template", "this model has no chat template: it continued the text"))
        return {**kept, "prompt": "\n\n".join(message["content"] for message in messages)}

    def without_refused(self, error: str) -> bool:
        """Take out what an error complains of; whether there was something."""
        words = error.lower()
        for key, signs in self.optional.items():
            if any(sign in words for sign in signs):
                self.fields.pop(key, None)
                del self.optional[key]
                self.notes = (*self.notes, Note("unsent", f"the server refuses {key}, so it was asked without"))
                return True
        return False


def body_of(job: Job, model: str, dialect: Dialect) -> Body:
    """The request for a job."""
    sampling, more = job.sampling, {}
    fields: dict[str, Any] = {
        "model": model,
        "messages": chat_messages(job.prompt.messages, tools=bool(job.tools), as_text=True),
        "max_tokens": job.max_tokens,
        "temperature": sampling.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body = Body(fields, {"stream_options": ("stream_options", "include_usage")})
    if job.stop and dialect.stops:
        fields["stop"] = list(job.stop[:_STOPS])
    if not sampling.greedy:
        fields |= {"top_p": sampling.top_p, "seed": sampling.seed}
        body.optional["seed"] = ("seed",)
    for name in ("frequency_penalty", "presence_penalty"):
        if value := getattr(sampling, name):
            fields[name] = value
    for name, called in dialect.sampling.items():
        if not sampling.greedy or name.startswith("repeat"):
            more[called] = getattr(sampling, name)
    body.notes += unsent(sampling, (*_SENT, *dialect.sampling))
    if job.logprobs is not None:
        fields |= {"logprobs": True, **({"top_logprobs": min(job.logprobs, _MOST_LOGPROBS)} if job.logprobs else {})}
    if job.tools:
        fields |= {"tools": [dict(tool) for tool in job.tools], "tool_choice": _CHOICE[job.calling]}
    _thinking(job, dialect, more, body)
    _constraint(job, dialect, more, body)
    if more:
        fields["extra_body"] = more
    return body


def _thinking(job: Job, dialect: Dialect, more: dict[str, Any], body: Body) -> None:
    if job.reasoning_tokens is None:
        return
    if job.reasoning_tokens == 0 and dialect.thinking:
        more["chat_template_kwargs"] = {"enable_thinking": False}
    else:
        body.notes += (Note("unsent", "the server cannot be told how long to reason"),)


def _constraint(job: Job, dialect: Dialect, more: dict[str, Any], body: Body) -> None:
    form = form_of(job.constraint)
    if form is None:
        return
    if form.kind == "json-schema":
        body.fields["response_format"] = _response_format(form, dialect)
        body.optional["response_format"] = ("response_format", "json_schema", "json_object", "schema", "grammar")
    elif (gbnf := form.gbnf) and (dialect.gbnf == "any" or (dialect.gbnf and form.kind != "grammar")):
        more["grammar"] = gbnf


def _response_format(form: Form, dialect: Dialect) -> dict[str, Any]:
    if dialect.schema == "json_object":
        return {"type": "json_object", "schema": form.value}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": form.value}}
