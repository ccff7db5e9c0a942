"""Asking with sources: ``ask``, its stream and its plan."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jupyter_localllm.show  # noqa: F401 - an Answer shows itself, also without %load_ext
from jupyter_localllm.api.handle import drive
from jupyter_localllm.api.with_tools import Kit, WithTools
from jupyter_localllm.conversation import Seat
from jupyter_localllm.engine.asynchronous import iterate, stopped
from jupyter_localllm.engine.backends import backend_of, permit
from jupyter_localllm.errors import UsageError
from jupyter_localllm.pipeline import Plan, Request, plan
from jupyter_localllm.types import Answer, AskEvent, Cited, Done, Message, united

if TYPE_CHECKING:
    from jupyter_localllm.answering import Asking, Evidence
    from jupyter_localllm.sources.select import Vectors
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["FromSources", "SourcesPlan"]

_ASKING = ("write", "quote")


@dataclass(frozen=True)
class SourcesPlan:
    """What ``--dry-run`` shows of a question with sources.

    Parameters
    ----------
    evidence : Evidence
        What was chosen, what was cut, and how the question is read.
    plan : Plan or None
        What the model would be asked; None if it would not be asked at all.
    """

    evidence: Evidence
    plan: Plan | None


class FromSources(WithTools):
    """A handle that answers from variables."""

    def ask(self, question: str, sources: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        """Answer from variables, each claim marked with the source it rests on, and checked.

        Tables (pandas, polars, pyarrow, DuckDB) are computed over: the question is read as a lookup, a count, a mean
        and so on, Python computes it, and the answer cites the computation. Texts, files, nested data and code are
        searched. What no source carries is marked, and what the sources do not answer is answered "Not in the sources."

        Parameters
        ----------
        question : str
        sources : Mapping of str to object
            Names and what they stand for; the names appear in the citations. With tools it may be left out.
        **options
            As for `stream`, without ``schema`` and ``logprobs``. With ``tools`` the model is given the passages that
            were found, writes the answer itself, and what the calls gave is cited as well.
            ``write=False``: the sources' own words, without the model. ``quote=True``: what stands in quotation marks
            is quoted letter by letter.

        Returns
        -------
        Answer
            ``.text`` with marks ``[1]``, ``.citations``, ``.passages``, ``.value`` (what was looked up or computed, as
            Python has it), ``.reading`` (how the question was read), ``.abstained``, ``.check()``.

        Raises
        ------
        SourceError
            A source cannot be read, or is of a kind that cannot be cited.
        UsageError
            There is no question or no source, or an option is wrong.
        LocalLLMError
            Whatever else stands in the way of an answer.

        Examples
        --------
        >>> answer = llm.ask("How many inhabitants has Berlin?", {"cities": cities})     # doctest: +SKIP
        >>> print(answer.text)                                                           # doctest: +SKIP
        Population of Berlin: 3,769,495 [1].
        >>> answer.citations[0].locator.label                                            # doctest: +SKIP
        'row 4 (Berlin), column Population'
        """
        return _answer(self.stream_ask(question, sources, **options))

    def stream_ask(
        self,
        question: str,
        sources: Mapping[str, Any] | None = None,
        *,
        latest: Callable[[], Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> Generator[AskEvent, None, None]:
        """`ask`, piece by piece.

        The variables are held still before this returns. Besides the events of `stream` there are ``Revised`` (the text
        so far, corrected) and, before ``Done``, one ``Cited`` with the `Answer`.
        """
        return self._begun(question, sources, latest, options)()

    async def aask(self, question: str, sources: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        """`ask` for ``await``; cancelling the task cancels the generation."""
        events: AsyncIterator[AskEvent] = iterate(self._begun(question, sources, None, options))
        async for event in events:
            if isinstance(event, Cited):
                return event.answer
        raise stopped()

    def _run_ask_tools(self, asking: Asking, kit: Kit, seat: Seat) -> Generator[AskEvent, None, None]:
        from jupyter_localllm.answering import gather, request_of
        from jupyter_localllm.answering.again import checker_of
        from jupyter_localllm.answering.background import watched
        from jupyter_localllm.answering.calling import Given
        from jupyter_localllm.answering.elsewhere import asked_elsewhere

        evidence = yield from watched(
            lambda tell: gather(asking.question, asking.snapshots, replace(asking.limits, progress=tell)), "sources"
        )
        yield from asked_elsewhere(asking.limits)
        request = _without_marks(asking, request_of(asking, evidence))
        hashes = yield from watched(lambda tell: {one.name: one.sha256 for one in asking.snapshots}, "sources")
        checker, remote = (
            checker_of(asking.latest, evidence.readings),
            getattr(asking.limits.embed, "asked_elsewhere", ""),
        )
        given = Given(evidence.passages, hashes, evidence.notes, checker, remote)
        yield from self._run_tools(kit, request, seat, None, question=asking.question, given=given)

    def plan_ask(self, question: str, sources: Mapping[str, Any], **options: Any) -> SourcesPlan:
        """What would be chosen and asked. Generates nothing."""
        from jupyter_localllm.answering import gather, request_of

        kit = self._kit(options)
        asking, _ = self._asking(question, sources, None, options)
        evidence = gather(asking.question, asking.snapshots, asking.limits)
        if kit is not None:
            request = replace(_without_marks(asking, request_of(asking, evidence)), tools=kit.tools)
            return SourcesPlan(evidence, drive(plan(request, self._model(), self.answers)))
        if not evidence.enough or not asking.write:
            return SourcesPlan(evidence, None)
        return SourcesPlan(evidence, drive(plan(request_of(asking, evidence), self._model(), self.answers)))

    def _begun(
        self,
        question: str,
        sources: Mapping[str, Any] | None,
        latest: Callable[[], Mapping[str, Any]] | None,
        options: dict[str, Any],
    ) -> Callable[[], Generator[AskEvent, None, None]]:
        """What begins to answer; whatever is wrong with the options is told here."""
        kit = self._kit(options)
        if kit is not None and not sources:
            seat = self._seat(options)
            request, system = self._request(question, options, seat), options.get("system")
            return lambda: self._run_tools(kit, request, seat, system)
        asking, seat = self._asking(question, sources, latest, options)
        if kit is None:
            return lambda: self._run_ask(asking, seat)
        return lambda: self._run_ask_tools(asking, kit, seat)

    def _asking(
        self,
        question: str,
        sources: Mapping[str, Any] | None,
        latest: Callable[[], Mapping[str, Any]] | None,
        options: dict[str, Any],
    ) -> tuple[Asking, Seat]:
        from jupyter_localllm.answering import Asking, Limits, room_for_sources

        if not isinstance(question, str) or not question.strip():
            raise UsageError("there is no question", "Ask one: llm.ask('How many …?', {'df': df}).")
        for name in ("schema", "constraint", "logprobs"):
            if name in options:
                raise UsageError(f"{name} cannot be set for a question with sources", "Leave it out.")
        how = {name: bool(options.pop(name)) for name in _ASKING if name in options}
        seat = self._seat(options)
        snapshots = _snapshots(sources)
        system = options.pop("system", None)
        plain = self._request("?", options)  # a wrong option is an error before anything is read
        room = room_for_sources(plain, f"{system or ''}\n{question}")
        tokens = self.source_tokens if room is None else min(self.source_tokens, room)
        asking = Asking(
            question,
            snapshots,
            functools.partial(self._request_of, options),
            Limits(tokens=tokens, embed=self._embedding(), kept=self._runtime.indexes),
            system=system or "",
            history=seat.messages(),
            reader=self.reader,
            latest=latest or (lambda: sources or {}),
            **how,
        )
        return asking, seat

    def _request_of(self, options: dict[str, Any], messages: tuple[Message, ...]) -> Request:
        return replace(self._request("?", options), messages=messages)

    def _embedding(self) -> Vectors | None:
        """Vectors by the embedding model that is set, if one is."""
        model = self.embedding_model
        if not model:
            return None

        from jupyter_localllm.sources.select import Vectors

        maker = self.derive(model=model, adapter="")
        target = maker._target(model)
        remote = ""
        if target is not None:
            backend = backend_of(target)
            permit(target)
            backend.check(target)  # whether it may be asked, before anything is read
            remote = united(*backend.remote(target))

        def embed(texts: Sequence[str]) -> Any:
            return drive(self.derive(model=model, adapter="")._ready()).embed(list(texts))

        return Vectors(embed, self._runtime.vectors(target or maker._spec(model)), remote)

    def _run_ask(self, asking: Asking, seat: Seat) -> Generator[AskEvent, None, None]:
        from jupyter_localllm.answering import answer
        from jupyter_localllm.answering.elsewhere import telling_addresses

        for event in telling_addresses(answer(asking, self._model(), self.answers)):
            if isinstance(event, Cited):
                notes = seat.record(self.conversations, asking.question, event.answer)
                if notes:
                    result = replace(event.answer.result, notes=(*event.answer.result.notes, *notes))
                    yield Cited(replace(event.answer, result=result))
                    yield Done(result)
                    return
            yield event


def _without_marks(asking: Asking, request: Request) -> Request:
    """A question with tools: what calls give has its numbers only later, so marks are put in by the check alone."""
    return replace(request, constraint=None, max_tokens=asking.request(()).max_tokens)


def _snapshots(sources: Mapping[str, Any] | None) -> list[Snapshot]:
    from jupyter_localllm.sources.frame_snapshot import FrameSnapshot
    from jupyter_localllm.sources.held import Held
    from jupyter_localllm.sources.snapshot import take_snapshot

    if not isinstance(sources, Mapping) or not sources:
        raise UsageError(
            "sources are names and what they stand for"
            + (", and there is none" if isinstance(sources, Mapping) else f", not {type(sources).__name__}"),
            "Give a dict: llm.ask('How many …?', {'df': df}).",
        )
    for name in sources:
        if not isinstance(name, str) or not name.strip():
            raise UsageError(f"the name of a source is a text, not {name!r}")
    # a cell or its output comes as a snapshot already
    held = (Held, FrameSnapshot)
    return [value if isinstance(value, held) else take_snapshot(value, name) for name, value in sources.items()]


def _answer(events: Iterator[AskEvent]) -> Answer:
    found: Answer | None = None
    for event in events:
        if isinstance(event, Cited):
            found = event.answer
    if found is None:
        raise stopped()
    return found
