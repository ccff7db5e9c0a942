"""Everything that can go wrong, as one tree.

::

    LocalLLMError
    ├── UsageError              the cell, the option or the argument is wrong
    │   ├── TemplateError       a ``{{ expression }}`` in the body is wrong or undefined
    │   └── SettingsError       a setting is unknown or has a bad value
    ├── ModelError              about a model file
    │   ├── ModelNotFound       no such model here
    │   ├── ModelFileError      the file is not a usable GGUF
    │   ├── ModelMemoryError    it does not fit in memory
    │   ├── PullError           it cannot be fetched
    │   └── ModelCheckFailed    what runs it died on it, in a child process
    ├── EngineError             loading or decoding failed
    │   ├── EngineClosed        the engine was closed or belongs to another process
    │   ├── ContextOverflow     prompt and answer do not fit in the window
    │   └── ToolsRefused        a server takes no tools, at least not as it was started
    ├── SchemaMismatch          the answer is not what ``schema=`` asked for
    │   └── AnswerCut           it was cut off before it was whole
    ├── SourceError             a variable cannot be read or is too large
    ├── CacheError              the cache cannot be used
    │   └── CacheMiss           ``--cache require`` found no entry
    ├── ChatTemplateError       the model's chat template cannot be rendered
    ├── ToolError               a call of a tool cannot be made
    │   └── ToolNotConfirmed    nobody is there who could allow the call
    ├── OfflineError            a connection that nobody named, or any where ``offline`` is set
    └── DependencyMissing       an optional package is not installed

Each carries a `hint`: what to do next. In a notebook each shows as its message and its hint, without a stack of frames
that are of no use to the person who wrote the cell (IPython's ``_render_traceback_`` protocol).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from jupyter_localllm.errors.words import close_match, first_line, printable, shortened, without_secrets, words_of

__all__ = [
    "AnswerCut",
    "CacheError",
    "CacheMiss",
    "ChatTemplateError",
    "ContextOverflow",
    "DependencyMissing",
    "EngineClosed",
    "EngineError",
    "LocalLLMError",
    "ModelCheckFailed",
    "ModelError",
    "ModelFileError",
    "ModelMemoryError",
    "ModelNotFound",
    "OfflineError",
    "PullError",
    "SchemaMismatch",
    "SettingsError",
    "SourceError",
    "TemplateError",
    "ToolError",
    "ToolNotConfirmed",
    "ToolsRefused",
    "UsageError",
    "close_match",
    "first_line",
    "printable",
    "without_secrets",
    "words_of",
]


class LocalLLMError(Exception):
    """The root of the tree.

    Errors are saved with notebooks, read by others, and written to terminals; and they quote models, files and servers.
    So none shows the password or key of an address, or holds what controls a terminal or turns the direction of a line.

    Parameters
    ----------
    message : str
        What is wrong, with the figures. Names of files and words of servers stand in it, so what would act on a
        terminal is written out.
    hint : str
        What to do about it; empty if there is nothing to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        message, hint = (without_secrets(printable(text)) for text in (message, hint))
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a stack (a list of lines)."""
        lines = [f"{type(self).__name__}: {self.message}"]
        if self.hint:
            lines.append(self.hint)
        return lines


class UsageError(LocalLLMError):
    """The cell, the option or the argument is wrong."""


class TemplateError(UsageError):
    """A ``{{ expression }}`` in the body is wrong or undefined."""


class SettingsError(UsageError):
    """A setting is unknown or has a bad value."""


class ModelError(LocalLLMError):
    """Something about a model file."""


class ModelNotFound(ModelError):
    """No such model here."""


class ModelFileError(ModelError):
    """The file is not a usable GGUF."""


class ModelMemoryError(ModelError):
    """The model does not fit in memory."""


class PullError(ModelError):
    """A model cannot be fetched.

    Parameters
    ----------
    message, hint : str
    status : int
        What the server answered (HTTP), if that is why; else 0.
    """

    def __init__(self, message: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class ModelCheckFailed(ModelError):
    """What runs this model, a build of llama.cpp or a library, died on it or refused it in a child process."""


class EngineError(LocalLLMError):
    """Loading or decoding failed."""


class EngineClosed(EngineError):
    """The engine was closed, or belongs to another process."""


class ContextOverflow(EngineError):
    """Prompt and answer together do not fit in the model's window."""


class ToolsRefused(EngineError):
    """A server takes no tools, at least not as it was started; from then on they are told in the prompt."""


class SchemaMismatch(LocalLLMError):
    """The answer is not what ``schema=`` asked for.

    Parameters
    ----------
    message, hint : str
    text : str
        The answer as the model wrote it.
    problems : tuple of str
        Each ``"place: what is wrong there"``; the place is a JSON pointer, ``"#"`` for the whole.
    """

    def __init__(self, message: str, hint: str = "", *, text: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.text = text
        self.problems = problems

    @classmethod
    def of(cls, name: str, text: str, problems: Iterable[tuple[str, str]]) -> SchemaMismatch:
        """The error for an answer, from the places and what is wrong there."""
        told = tuple(f"{place}: {what}" for place, what in problems)
        listed = "".join(f"\n  - {problem}" for problem in told[:8])
        more = f"\n  - and {len(told) - 8} more" if len(told) > 8 else ""
        return cls(
            f"the answer is no {name}:{listed}{more}", f"The model wrote: {shortened(text)}", text=text, problems=told
        )


class AnswerCut(SchemaMismatch):
    """An answer under a schema was cut off before it was whole: by max_tokens, the window, or an interrupt."""

    @classmethod
    def of_text(cls, name: str, text: str, why: str) -> AnswerCut:
        """The error for a part of an answer."""
        return cls(
            f"the answer is no whole {name}: {why}",
            "Bound what may be long (maxLength, maxItems), or raise max_tokens. "
            f"The model wrote so far: {shortened(text)}",
            text=text,
            problems=(f"#: {why}",),
        )


class SourceError(LocalLLMError):
    """A variable cannot be read, or is too large for a prompt."""


class CacheError(LocalLLMError):
    """The cache cannot be used."""


class CacheMiss(CacheError):
    """``--cache require`` found no entry."""


class ChatTemplateError(LocalLLMError):
    """The model's chat template cannot be rendered."""


class ToolError(LocalLLMError):
    """A call of a tool cannot be made."""


class ToolNotConfirmed(ToolError):
    """A tool that needs consent was called where nobody can be asked."""


class OfflineError(LocalLLMError, OSError):
    """A connection was refused: nobody named its address, or ``offline`` is set.

    It is an `OSError` as well, so that libraries take it for what it is: there is no way there.
    """


class DependencyMissing(LocalLLMError):
    """An optional package is not installed."""

    @classmethod
    @contextmanager
    def unless_imported(cls, who: str, how: str) -> Iterator[None]:
        """Import packages in a ``with`` block; the error if one cannot be.

        Parameters
        ----------
        who : str
            Who needs them, as the beginning of a sentence: ``"a PDF needs playwright"``.
        how : str
            The command that installs them.

        Examples
        --------
        >>> with DependencyMissing.unless_imported("numbers need math", "pip install python"):
        ...     import math
        """
        try:
            yield
        except ImportError as error:
            raise cls(f"{who}, which cannot be imported: {error}", how) from error
