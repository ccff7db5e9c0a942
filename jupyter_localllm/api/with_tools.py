"""Asking with tools: functions that the model may call."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jupyter_localllm.show  # noqa: F401 - an Answer shows itself, also without %load_ext
from jupyter_localllm.api.requesting import Requesting
from jupyter_localllm.conversation import Seat
from jupyter_localllm.errors import UsageError
from jupyter_localllm.pipeline import Request
from jupyter_localllm.types import AskEvent, Cited, Done

if TYPE_CHECKING:
    from jupyter_localllm.answering.calling import Given
    from jupyter_localllm.tools.consent import Consent
    from jupyter_localllm.tools.tool import Tool

__all__ = ["WithTools"]


@dataclass(frozen=True)
class Kit:
    """The tools of a question, who allows their calls, how many rounds of them there may be, and must be."""

    tools: tuple[Tool, ...]
    consent: Consent
    rounds: int
    must: bool


class WithTools(Requesting):
    """A handle whose model may call functions."""

    def _kit(self, options: dict[str, Any]) -> Kit | None:
        """Take ``tools``, ``yes`` and ``confirm`` out of the options; None without tools."""
        tools, yes, confirm = (options.pop(name, None) for name in ("tools", "yes", "confirm"))
        must = self.checked("must_call", options.get("must_call", self.must_call))
        if tools is None:
            if confirm is not None:
                raise UsageError("confirm is for tools, and there are none", "Give tools=[…], or leave it out.")
            return None
        if confirm is not None and not callable(confirm):
            raise UsageError(f"confirm is a function of a call, not {type(confirm).__name__}", "Or give yes=True.")
        if yes is not None and not isinstance(yes, bool):
            raise UsageError(f"yes is True or False, not {yes!r}", "Or give confirm, a function of a call.")
        for name in ("schema", "constraint"):
            if options.get(name) is not None:
                raise UsageError(
                    f"{name} does not go with tools", "Ask with tools first, then llm.extract from the answer."
                )
        from jupyter_localllm.tools import as_tools
        from jupyter_localllm.tools.consent import Consent

        rounds = self.checked("tool_rounds", options.get("tool_rounds", self.tool_rounds))
        return Kit(as_tools(tools), Consent(bool(yes) or confirm or False), rounds, must)

    def _run_tools(
        self,
        kit: Kit,
        request: Request,
        seat: Seat,
        system: str | None,
        *,
        question: str = "",
        given: Given | None = None,
    ) -> Generator[AskEvent, None, None]:
        from jupyter_localllm.answering.calling import Calling, Given, call_tools

        question = question or request.messages[-1].content
        calling = Calling(replace(request, tools=kit.tools), kit.consent, kit.rounds, kit.must, given or Given())
        for event in call_tools(calling, self._model(), self.answers):
            if isinstance(event, Cited):
                notes = seat.record(self.conversations, question, event.answer)
                if seat.talk is not None:
                    seat.talk.system = seat.talk.system if system is None else system
                result = replace(event.answer.result, notes=(*event.answer.result.notes, *notes))
                yield Cited(replace(event.answer, result=result))
                yield Done(result)
                return
            yield event
