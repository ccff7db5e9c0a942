"""Answers as Python objects: ``extract``."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, TypeVar, overload

from jupyter_localllm.api.requesting import Requesting
from jupyter_localllm.engine.asynchronous import iterate, stopped
from jupyter_localllm.errors import UsageError
from jupyter_localllm.prompt.messages import PromptLike
from jupyter_localllm.types import AskEvent, Done, Event, Result

__all__ = ["Extracting", "last"]

T = TypeVar("T")


class Extracting(Requesting):
    """A handle whose answers are objects of a type."""

    @overload
    def extract(self, schema: type[T], prompt: PromptLike, **options: Any) -> T: ...
    @overload
    def extract(self, schema: Any, prompt: PromptLike, **options: Any) -> Any: ...
    def extract(self, schema: Any, prompt: PromptLike, **options: Any) -> Any:
        """Answer with an object.

        The answer is held to the schema while it is written, validated, and read. What the schema says of its parts
        (descriptions, docstrings) is told to the model.

        Parameters
        ----------
        schema : type or object
            A pydantic model, dataclass, TypedDict, NamedTuple, Enum, Literal, a plain type (``list[int]``,
            ``datetime.date``, ``float | None`` …), a JSON Schema (dict, JSON text, path of a file), a list of choices,
            a compiled regular expression, or a constraint of `jupyter_localllm.constrain`.
        prompt : str or list of {"role", "content"}
        **options
            As for `stream`, without ``schema``.

        Returns
        -------
        object
            Of that type; of a JSON Schema plain Python values; otherwise a text.

        Raises
        ------
        UsageError
            The schema cannot be held in full; names keyword and place.
        AnswerCut
            The answer was cut off by max_tokens; its ``text`` is what there is of it.
        SchemaMismatch
            A validator refuses the answer, also after two corrections.
        LocalLLMError
            Whatever else stands in the way of an answer.

        Examples
        --------
        >>> llm.extract(list[str], "Name three colours.")     # doctest: +SKIP
        ['red', 'green', 'blue']
        """
        request, seat, system = self._extraction(schema, prompt, options)
        return last(self._run(request, seat, system)).value

    async def aextract(self, schema: Any, prompt: PromptLike, **options: Any) -> Any:
        """`extract` for ``await``; cancelling the task cancels the generation."""
        request, seat, system = self._extraction(schema, prompt, options)

        def run() -> Generator[Event, None, None]:
            return self._run(request, seat, system)

        async for event in iterate(run):
            if isinstance(event, Done):
                return event.result.value
        raise stopped()

    def _extraction(self, schema: Any, prompt: PromptLike, options: dict[str, Any]) -> tuple[Any, Any, str | None]:
        if schema is None:
            raise UsageError("there is no schema", "Say what the answer is to be: llm.extract(int, 'How many …?').")
        if "schema" in options:
            raise UsageError("schema is given twice", "It is the first argument of extract.")
        seat = self._seat(options)
        return self._request(prompt, {**options, "schema": schema}, seat), seat, options.get("system")


def last(events: Iterator[AskEvent]) -> Result:
    """The result at the end of a stream.

    Raises
    ------
    EngineError
        The stream was stopped before it was done.
    """
    for event in events:
        if isinstance(event, Done):
            return event.result
    raise stopped()
