"""`LocalLLM`, the handle that people hold, and `get_llm`, the one of this kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_localllm import runtime
from jupyter_localllm.api.extracting import Extracting, last
from jupyter_localllm.api.handle import current_shell, drive
from jupyter_localllm.api.judging import Judging
from jupyter_localllm.api.over_rows import OverRows
from jupyter_localllm.engine.asynchronous import iterate, stopped
from jupyter_localllm.errors import UsageError
from jupyter_localllm.offline import given
from jupyter_localllm.pipeline import Plan, plan
from jupyter_localllm.prompt.messages import PromptLike
from jupyter_localllm.types import AskEvent, Done, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LocalLLM", "PromptLike", "get_llm"]


class LocalLLM(OverRows, Extracting, Judging):
    """A handle on a model: settings, and the methods that ask it.

    Handles with the same file and context settings share one engine. Nothing is loaded before the first question that
    the cache cannot answer.

    Parameters
    ----------
    model : str
        Catalog name, path of a GGUF file, or the stem of a file in ``model_dirs``.
    **settings
        Any trait, by name; an unknown one is an error with a close match.

    Raises
    ------
    SettingsError
        A setting is unknown or has a value it cannot have.

    Examples
    --------
    >>> llm = LocalLLM(model="smollm2-135m-instruct", max_tokens=64)       # doctest: +SKIP
    >>> llm.generate("What is the capital of Japan?").text               # doctest: +SKIP
    'The capital of Japan is Tokyo.'
    """

    def stream(self, prompt: PromptLike, **options: Any) -> Generator[AskEvent, None, None]:
        """Answer piece by piece.

        Parameters
        ----------
        prompt : str or list of {"role", "content"}
        **options
            Sampling values, ``max_tokens`` (tokens), ``stop``, ``system``, ``cache``
            (``"use" | "refresh" | "off" | "require"``), and ``chat``: the name of a conversation to go on with.
            ``schema``: what the answer must be, a type (pydantic model, dataclass, TypedDict, ``Literal`` …), a JSON
            Schema, a compiled regular expression, a list of choices, or a constraint of `jupyter_localllm.constrain`;
            the result's ``value`` is the Python object; ``""`` is none, where the setting ``schema`` names one.
            ``constraint``: one of these constraints, to hold the text
            without reading it. ``logprobs``: tell the log-probability of each
            token and of so many alternatives (`Result.logprobs`). ``reasoning_budget``: most tokens of reasoning.
            ``tools``: functions that the model may call, with type hints and docstrings (`jupyter_localllm.tool` marks
            them). Each call is confirmed by the person, unless the function is marked safe, ``yes=True``, or
            ``confirm``, a function of the `ToolCall`, says so. ``tool_rounds``: most rounds of calls; ``must_call``:
            the first round is one.

        Returns
        -------
        generator of Event
            ``Status`` and ``Token``, at the end one ``Done`` with the `Result`. Closing it cancels. With tools also
            ``Called`` for each call, ``Revised`` (the text so far, its claims checked), and one ``Cited`` before
            ``Done``.

        Raises
        ------
        SchemaMismatch, AnswerCut
            Under a schema: the answer does not fit after two corrections, or was cut off.
        LocalLLMError
            At once for wrong options; while it runs for everything else.

        Examples
        --------
        >>> for event in llm.stream("Count to three.", max_tokens=16):      # doctest: +SKIP
        ...     print(event)
        """
        return self._prepared(prompt, options)()

    def generate(self, prompt: PromptLike, **options: Any) -> Result:
        """Answer at once; see `stream` for the options."""
        return last(self.stream(prompt, **options))

    async def astream(self, prompt: PromptLike, **options: Any) -> AsyncIterator[AskEvent]:
        """`stream` for ``async for``; cancelling the task cancels the generation.

        Tools run on a thread of their own: nobody is asked there, so they need ``yes=True``, ``confirm`` or a mark.
        """
        async for event in iterate(self._prepared(prompt, options)):
            yield event

    async def agenerate(self, prompt: PromptLike, **options: Any) -> Result:
        """`generate` for ``await``."""
        async for event in self.astream(prompt, **options):
            if isinstance(event, Done):
                return event.result
        raise stopped()

    def plan(self, prompt: PromptLike, **options: Any) -> Plan:
        """What would be asked: the rendered messages and the tokens of each part. Generates nothing."""
        kit, seat = self._kit(options), self._seat(options)
        request = self._request(prompt, options, seat, usual=kit is None)
        return drive(plan(request if kit is None else replace(request, tools=kit.tools), self._model(), self.answers))

    def _prepared(self, prompt: PromptLike, options: dict[str, Any]) -> Callable[[], Generator[AskEvent, None, None]]:
        """What begins to answer; whatever is wrong with the options is told here."""
        kit, seat = self._kit(options), self._seat(options)
        request, system = self._request(prompt, options, seat, usual=kit is None), options.get("system")
        if kit is None:
            return lambda: self._run(request, seat, system)
        return lambda: self._run_tools(kit, request, seat, system)

    def embed(self, texts: str | Iterable[str]) -> NDArray[np.float32]:
        """Vectors of texts, for search and comparison: near in meaning, near in direction.

        Parameters
        ----------
        texts : str or iterable of str
            One text, or several; a column of a frame will do.

        Returns
        -------
        ndarray of shape (n, dim)
            One row of length 1 for each text, in their order; (1, dim) for a single text. The scalar product of two
            rows is their cosine similarity.

        Raises
        ------
        ContextOverflow
            A text is longer than the model reads at once; it is told which. Nothing is cut off.
        UsageError
            Something is not a text.

        Examples
        --------
        >>> rows = LocalLLM(model="nomic-embed.gguf").embed(["a cat", "a dog"])     # doctest: +SKIP
        >>> float(rows[0] @ rows[1])                                                # doctest: +SKIP
        0.91
        """
        several = [texts] if isinstance(texts, str) else given(texts)
        for i, text in enumerate(several):
            if not isinstance(text, str):
                raise UsageError(f"text {i} is {type(text).__name__}, not a text", "Leave missing values out.")
        return drive(self._ready()).embed(several)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text; loads the model if need be."""
        return drive(self._ready()).count([text])[0]


def get_llm() -> LocalLLM:
    """This kernel's own handle: magics, sidebar and widgets use it, ``%llm use`` and ``%config LocalLLM`` change it."""
    here = runtime.current()
    if here.own is None:
        shell = current_shell()
        here.own = LocalLLM(parent=shell) if shell is not None else LocalLLM()
        if shell is not None:
            shell.configurables[:] = [c for c in shell.configurables if not isinstance(c, LocalLLM)]
            shell.configurables.append(here.own)
    own: LocalLLM = here.own
    return own
