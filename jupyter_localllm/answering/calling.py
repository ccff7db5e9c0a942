"""Questions with tools: the model calls, Python runs, the model goes on with what came of it, until it answers.

Each round is an ordinary request on the pipeline's road, with its own entry in the answer cache. What the calls gave
are the sources of the answer: what it says after the first of them is checked against them, and marked.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from jupyter_localllm.answering.again import Checker
from jupyter_localllm.answering.outcomes import answered_with, asking_message, checker_of_calls, explained, passages_of
from jupyter_localllm.cite.repair import Citing
from jupyter_localllm.errors import ToolError
from jupyter_localllm.pipeline import Model, Request, ask
from jupyter_localllm.tools.consent import Consent
from jupyter_localllm.tools.formats.lark import MOST
from jupyter_localllm.tools.keeping import is_kept, keep, kept
from jupyter_localllm.tools.running import checked, run
from jupyter_localllm.tools.same import is_same
from jupyter_localllm.tools.speech import BROKEN
from jupyter_localllm.tools.tool import Tool
from jupyter_localllm.types import (
    Answer,
    AskEvent,
    Called,
    Citation,
    Cited,
    Done,
    Message,
    Note,
    Passage,
    Result,
    Revised,
    Status,
    Token,
    ToolCall,
    Usage,
    united,
)

if TYPE_CHECKING:
    from jupyter_localllm.cache import AnswerCache

__all__ = ["Calling", "Given", "call_tools"]

_BETWEEN = "\n\n"  # what was said before a call, and what is said after it


@dataclass(frozen=True)
class Given:
    """What an answer with tools may rest on besides: the sources that its question brings.

    Parameters
    ----------
    passages : tuple of Passage
        Those that the question holds, by their numbers.
    sources : Mapping of str to str
        The sha256 of each variable.
    notes : tuple of Note
    checker : callable or None
        Checks citations of variables again.
    remote : str
        Addresses outside of this machine that were asked to choose the passages.
    """

    passages: tuple[Passage, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    checker: Checker | None = None
    remote: str = ""


@dataclass(frozen=True)
class Calling:
    """A question with tools, complete.

    Parameters
    ----------
    request : Request
        With its tools.
    consent : Consent
    rounds : int
        After so many rounds of calls the model must answer.
    must : bool
        Whether the first round must be a call.
    given : Given
    """

    request: Request
    consent: Consent
    rounds: int
    must: bool = False
    given: Given = field(default_factory=Given)


@dataclass
class _Course:
    """How far it is."""

    messages: tuple[Message, ...]
    calls: list[ToolCall] = field(default_factory=list)
    text: str = ""  # what was said before the last calls
    raw: str = ""  # the same, without marks
    citations: tuple[Citation, ...] = ()
    results: list[Result] = field(default_factory=list)
    notes: tuple[Note, ...] = ()


def call_tools(calling: Calling, model: Model, cache: AnswerCache) -> Generator[AskEvent, None, None]:
    """Answer with tools: the events of each round, a `Called` for each call, one `Cited`, one `Done`.

    The functions run on the thread that reads the events, so that an interrupt stops them.

    Raises
    ------
    ToolNotConfirmed
        A call needs consent, and nobody can be asked.
    ToolError
        A call was cut off by ``max_tokens``.
    LocalLLMError
        Whatever else stands in the way of an answer.
    """
    begun = time.perf_counter()
    course = _Course(calling.request.messages)
    how: Literal["may", "must", "never"] = "must" if calling.must else "may"
    for rounds in range(calling.rounds + 1):
        if rounds == calling.rounds:
            how = "never"
            told = f"tools were called in {rounds} rounds, and then it had to answer: tool_rounds allows more"
            course.notes += (Note("rounds", told),)
        request = replace(calling.request, messages=course.messages, calling=how)
        passages = (*calling.given.passages, *passages_of(course.calls))
        result = yield from _round(course, passages, ask(request, model, cache), calling.request.tools)
        if result is None:  # cancelled from below
            return
        _check_whole(result)
        if how == "never" or not result.calls:
            break
        result = _not_too_many(result)
        known = len(course.calls)
        outcomes = []
        for call in result.calls:  # all of them before the first one runs: a refusal must not leave half a round done
            _agree(call, course, calling, cache)
        for call in result.calls:
            outcomes.append((yield from _outcome(call, course, calling, cache)))
        course.messages += (asking_message(result), *map(answered_with, outcomes))
        how = "may" if len(course.calls) > known else "never"  # it goes in circles
    if not course.calls:
        course.notes += (Note("no_call", "no tool was called: this is what the model says of its own"),)
    yield from _finished(calling, course, begun)


def _round(
    course: _Course, passages: tuple[Passage, ...], events: Iterator[AskEvent], tools: Sequence[Tool]
) -> Generator[AskEvent, None, Result | None]:
    """One answer of the model; what it says is checked if there is something to check it against."""
    told = [explained(passage, tools) for passage in passages]
    citing = Citing(told, _question(course.messages)) if passages or course.calls else None
    before = course.text + (_BETWEEN if course.text else "")
    shown = before
    result: Result | None = None
    for event in events:
        if isinstance(event, Done):
            result = event.result
        elif isinstance(event, Token) and event.channel == "answer":
            if citing is None:
                shown += event.text
                yield Revised(shown) if before else event
                continue
            done = citing.feed(event.text)
            shown += done
            yield Revised(shown + citing.pending) if done or shown == before else event
        else:
            yield event
    if result is None:
        return None
    text, citations = citing.finish() if citing is not None else (result.text, ())
    text, moved = text.strip(), len(before) - (len(text) - len(text.lstrip()))
    if text:
        course.text = before + text
        course.raw = course.raw + (_BETWEEN if course.raw else "") + result.text.strip()
        course.citations += tuple(
            replace(
                one,
                start=one.start + moved,
                end=one.end + moved,
                quote=passages[one.number - 1].text if one.number else one.quote,
            )
            for one in citations
        )
        yield Revised(course.text)
    course.results.append(result)
    return result


def _question(messages: Sequence[Message]) -> str:
    return next(message.content for message in reversed(messages) if message.role == "user")


def _not_too_many(result: Result) -> Result:
    """An engine that holds nothing may write any number of calls."""
    if len(result.calls) <= MOST:
        return result
    told = f"{len(result.calls):,} calls in one round: the first {MOST} were made"
    return replace(result, calls=result.calls[:MOST], notes=(*result.notes, Note("calls", told)))


def _check_whole(result: Result) -> None:
    broken = any(note.code == BROKEN for note in result.notes)
    if broken and result.finish_reason == "length":
        tokens = result.usage.completion_tokens
        raise ToolError(
            f"the call of a tool was cut off at {tokens:,} tokens: {result.text.strip()[:200]}",
            "Raise max_tokens, or give the function fewer and shorter arguments.",
        )


def _outcome(
    call: ToolCall, course: _Course, calling: Calling, cache: AnswerCache
) -> Generator[AskEvent, None, ToolCall]:
    """The call with its outcome. What was called before in this answer is not called again: it might order twice."""
    tools = _by_name(calling.request.tools)
    for earlier in course.calls:
        if is_same(earlier, call, tools):
            return earlier
    yield Status("tool", call.words)
    made = _made(call, calling, cache)
    course.calls.append(made)
    yield Called(made)
    return made


def _agree(call: ToolCall, course: _Course, calling: Calling, cache: AnswerCache) -> None:
    """Have a call allowed or not, if it will have to be."""
    tools = _by_name(calling.request.tools)
    ready = checked(call, tools)
    if isinstance(ready, ToolCall) or any(is_same(one, call, tools) for one in course.calls):
        return
    tool, _ = ready
    if not (tool.pure and calling.request.cache in ("use", "require") and is_kept(call, tool, cache)):
        calling.consent.given(tool, call)


def _made(call: ToolCall, calling: Calling, cache: AnswerCache) -> ToolCall:
    """The call with its outcome: from the cache if the function is pure, else run, if that is allowed."""
    ready = checked(call, _by_name(calling.request.tools))
    if isinstance(ready, ToolCall):
        return ready
    tool, arguments = ready
    mode = calling.request.cache
    if tool.pure and mode in ("use", "require") and (known := kept(call, tool, cache)) is not None:
        return known
    if not calling.consent.given(tool, call):
        return replace(call, outcome="the person did not allow this call", status="declined")
    made = run(call, tool, arguments)
    if tool.pure and mode != "off" and made.status == "done":
        keep(made, tool, cache)
    return made


def _by_name(tools: Sequence[Tool]) -> dict[str, Tool]:
    return {tool.name: tool for tool in tools}


def _finished(calling: Calling, course: _Course, begun: float) -> Generator[AskEvent, None, None]:
    calls = passages_of(course.calls)
    given = calling.given
    passages = (*given.passages, *calls)
    last = course.results[-1]
    usages = [result.usage for result in course.results]
    sources = {
        **(given.sources or last.provenance.sources),
        **{passage.locator.operation or "": passage.sha256 for passage in calls},
    }
    remote = united(given.remote, *(result.provenance.remote for result in course.results))
    result = replace(
        last,
        text=course.raw,
        reasoning=_BETWEEN.join(result.reasoning for result in course.results if result.reasoning),
        usage=Usage(
            sum(usage.prompt_tokens for usage in usages),
            sum(usage.cached_prompt_tokens for usage in usages),
            sum(usage.completion_tokens for usage in usages),
        ),
        timings=replace(
            last.timings,
            ttft_ms=course.results[0].timings.ttft_ms,
            latency_ms=(time.perf_counter() - begun) * 1000,
            load_ms=sum(result.timings.load_ms for result in course.results),
        ),
        cached=all(result.cached for result in course.results),
        notes=tuple(dict.fromkeys((*(n for one in course.results for n in one.notes), *course.notes, *given.notes))),
        provenance=replace(last.provenance, sources=sources, remote=remote),
        calls=tuple(course.calls),
    )
    yield Cited(Answer(course.text, course.citations, passages, result, checker=checker_of_calls(given.checker)))
    yield Done(result)
