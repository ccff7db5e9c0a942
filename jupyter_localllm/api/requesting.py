"""From what a person hands over to a `Request`: options, settings, conversation."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm.api.handle import Handle
from jupyter_localllm.conversation import Conversation, Seat
from jupyter_localllm.errors import SettingsError, UsageError, close_match
from jupyter_localllm.pipeline import Request, ask
from jupyter_localllm.prompt.messages import PromptLike, as_messages
from jupyter_localllm.types import Done, Event

if TYPE_CHECKING:
    from jupyter_localllm.constrain.typed import Typed

__all__ = ["REQUEST_OPTIONS", "Requesting"]

# What one request may set; everything else decides how the model is loaded, or is the handle's.
REQUEST_OPTIONS = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_penalty", "repeat_last_n"),
    *("frequency_penalty", "presence_penalty", "seed", "max_tokens", "stop", "system", "cache"),
    *("reasoning_budget", "tool_rounds", "must_call"),
)
# What only code can give: values that no setting holds.
_VALUES = ("schema", "constraint", "logprobs")
_MOST_LOGPROBS = 100
_OPEN = ("max_tokens", "reasoning_budget")  # None means no limit of one's own
_NOWHERE = Seat()


class Requesting(Handle):
    """A handle that makes requests and sends them on the pipeline's road."""

    @staticmethod
    def request_options() -> tuple[str, ...]:
        """The settings that a single request may change; the others decide how a model is loaded or shown."""
        return REQUEST_OPTIONS

    def _check_together(self, values: Mapping[str, Any], where: str) -> None:
        if schema := values.get("schema"):
            try:
                _form(schema)
            except UsageError as error:
                raise SettingsError(f"{where}: schema: {error.message}", error.hint) from None

    def _seat(self, options: dict[str, Any]) -> Seat:
        """Take ``chat``, ``place`` and ``turn`` out of the options."""
        chat, place, turn = (options.pop(name, None) for name in ("chat", "place", "turn"))
        if chat is None or isinstance(chat, Conversation):
            return Seat(chat, place, turn)
        if not isinstance(chat, str) or not chat.strip():
            raise UsageError(f"chat is the name of a conversation, not {chat!r}")
        return Seat(self.conversations.get(chat), place, turn)

    def _request(
        self, prompt: PromptLike, options: dict[str, Any], seat: Seat = _NOWHERE, *, usual: bool = False
    ) -> Request:
        """The request; `usual`: without a schema of its own it has that of the settings, if it is not ``""``."""
        for name in options:
            if name not in (*REQUEST_OPTIONS, *_VALUES):
                known = (*REQUEST_OPTIONS, *_VALUES, "chat", "tools")
                raise UsageError(
                    f"unknown option {name!r}", close_match(name, known) or f"The options are: {', '.join(known)}."
                )
        values: dict[str, Any] = {
            name: None if name in _OPEN and value is None else self.checked(name, value)
            for name, value in options.items()
            if name not in _VALUES
        }
        schema, constraint = options.get("schema"), options.get("constraint")
        if usual:
            schema = self.schema if schema is None and constraint is None else schema
            schema = None if isinstance(schema, str) and not schema else schema
        form = _form(schema)
        if form is not None and constraint is not None:
            raise UsageError("schema and constraint exclude each other", "Give the one that the answer is read by.")
        if form is not None and values.get("stop"):
            raise UsageError("stop would cut what is read by a schema", "Leave stop out.")
        talk = seat.talk
        system = values.get("system", talk.system if talk is not None and talk.system is not None else self.system)
        return Request(
            messages=as_messages(prompt, system, seat.messages()),
            sampling=self.sampling(values),
            max_tokens=values.get("max_tokens", self.max_tokens),
            stop=tuple(values.get("stop", self.stop)) if form is None else (),
            cache=values.get("cache", self.cache),
            window=self.n_ctx,
            adapter_sha256=self.adapter_sha256(),
            constraint=constraint if form is None else form.constraint,
            form=form,
            reasoning_budget=values.get("reasoning_budget", self.reasoning_budget),
            logprobs=_logprobs(options.get("logprobs")),
            kv_cache_type="" if self.kv_cache_type == "f16" else self.kv_cache_type,
        )

    def _run(self, request: Request, seat: Seat, system: str | None) -> Generator[Event, None, None]:
        for event in ask(request, self._model(), self.answers):
            if isinstance(event, Done) and seat.talk is not None:
                notes = seat.record(self.conversations, request.messages[-1].content, event.result)
                seat.talk.system = seat.talk.system if system is None else system
                yield Done(replace(event.result, notes=(*event.result.notes, *notes)))
                continue
            yield event


def _form(schema: Any) -> Typed | None:
    if schema is None:
        return None
    from jupyter_localllm.constrain.typed import typed

    form = typed(schema)
    form.check()  # before a model is loaded for it
    return form


def _logprobs(value: Any) -> int | None:
    if value is None or value is False:
        return None
    if not isinstance(value, int) or not 0 <= value <= _MOST_LOGPROBS:
        raise UsageError(
            f"logprobs cannot be {value!r}", f"Give the number of alternatives for each token, 0 to {_MOST_LOGPROBS}."
        )
    return int(value)
