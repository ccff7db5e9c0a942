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

import difflib
import re
from collections.abc import Iterable

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


_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys instead of showing it, what turns a line, and halves of characters, which cannot be sent."""


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


def printable(text: str) -> str:
    r"""A text in which what a terminal would obey is written out.

    Examples
    --------
    >>> printable("\x1b[2J")
    '\\x1b[2J'
    """
    return _UNFIT.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


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
            f"the answer is no {name}:{listed}{more}", f"The model wrote: {_shortened(text)}", text=text, problems=told
        )


class AnswerCut(SchemaMismatch):
    """An answer under a schema was cut off before it was whole: by max_tokens, the window, or an interrupt."""

    @classmethod
    def of_text(cls, name: str, text: str, why: str) -> AnswerCut:
        """The error for a part of an answer."""
        return cls(
            f"the answer is no whole {name}: {why}",
            "Bound what may be long (maxLength, maxItems), or raise max_tokens. "
            f"The model wrote so far: {_shortened(text)}",
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


_ADDRESS = re.compile(r"(?<=[A-Za-z0-9])(:/{1,3})([^\s'\"<>]*@[^\s'\"<>]*)")
# name:password@host, not model@http://…. A name is looked at once, from its beginning: behind a slash that is a path's.
_BARE = re.compile(
    r"(?<![\w.+-])((?<!/)|[\w.]*[+-])[\w.+-]+:[^\s:@/'\"]+@(?!https?:)(?=[\w\[])",
)
_KEYED = re.compile(
    r"([?&#;](?=[\w.-]*?(?:key|token|secret|sig|signature|credential|password|passwd|auth))[\w.-]+=)[^\s&'\"<>]+",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """A text whose addresses show no names, passwords and keys.

    Examples
    --------
    >>> without_secrets("no server at http://me:secret@example.org/v1?api_key=secret&n=1")
    'no server at http://…@example.org/v1?api_key=…&n=1'
    """
    if "@" in text:
        text = _BARE.sub(r"\1…@", _ADDRESS.sub(_without_user, text))
    return _KEYED.sub(r"\1…", text) if "=" in text else text


def _without_user(found: re.Match[str]) -> str:
    """What stands before the last @ of the host; of the whole, if what stands before the first slash is no host."""
    slashes, rest = found.groups()
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    port = host.rpartition(":")[2] if ":" in host and not host.endswith("]") else ""
    if "@" in host:
        rest = "…@" + rest[host.rindex("@") + 1 :]
    elif port and not port.isdigit():  # a password with a slash in it
        rest = "…@" + rest[rest.rindex("@") + 1 :]
    return slashes + rest


def _shortened(text: str, most: int = 600) -> str:
    """The two ends of a text."""
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def words_of(error: BaseException, otherwise: str = "") -> str:
    """What an error says of itself; something else if it cannot, as an exception of somebody's own may not."""
    try:
        return str(error)
    except Exception:
        return otherwise


def first_line(message: str) -> str:
    r"""The first line of a message; one that ends with a colon is nothing without the next.

    Examples
    --------
    >>> first_line("the answer is no int:\n- #: is a text\n- #: is too long")
    'the answer is no int: #: is a text'
    """
    first, *rest = message.splitlines() or [""]
    return f"{first} {rest[0].strip().removeprefix('- ')}" if rest and first.endswith(":") else first


def close_match(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name, or nothing.

    Examples
    --------
    >>> close_match("temprature", ["temperature", "top_p"])
    'Did you mean temperature?'
    >>> close_match("zzz", ["temperature"])
    ''
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else ""
