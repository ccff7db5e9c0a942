"""What a model asks a tool to do, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["CallStatus", "Called", "ToolCall"]

CallStatus = Literal["asked", "done", "failed", "declined"]

_LONGEST_ARGUMENT = 120  # characters of one argument, where a call is told
_NAMES = {True: "True", False: "False", None: "None"}


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool.

    Parameters
    ----------
    name : str
        The tool's name.
    json : str
        Its arguments, as the text of a JSON object.
    outcome : str
        What the function gave, as the model is told it; of a call that failed, the error.
    status : {"asked", "done", "failed", "declined"}
        ``"asked"``: it has not run yet. ``"declined"``: the person did not let it run.
    cached : bool
        Whether the outcome is that of an earlier call of a pure function, which did not run again.

    Examples
    --------
    >>> ToolCall("price", '{"item": "tea"}', "12", "done").shown
    'price("tea") = 12'
    >>> ToolCall("convert", '{"amount": 3, "to": "EUR"}').words
    'convert(amount=3, to="EUR")'
    """

    name: str
    json: str = "{}"
    outcome: str = ""
    status: CallStatus = "asked"
    cached: bool = False

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments as JSON values; none, if the text is no JSON object."""
        try:
            read = json.loads(self.json)
        except (ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def words(self) -> str:
        """The call as Python writes it; long arguments are cut, and say so."""
        told = [(name, _told(value)) for name, value in self.arguments.items()]
        if len(told) == 1:
            return f"{self.name}({told[0][1]})"
        return f"{self.name}({', '.join(f'{name}={value}' for name, value in told)})"

    @property
    def shown(self) -> str:
        """The call and what came of it, in a line."""
        if self.status == "asked":
            return self.words
        if self.status == "done":
            return f"{self.words} = {self.outcome}"
        return f"{self.words}: {self.outcome}"


def _told(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _NAMES[value]
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _LONGEST_ARGUMENT:
        return text
    # Calls that begin alike must not read alike: they are cited by these words.
    sha256 = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{text[:_LONGEST_ARGUMENT]}… ({len(text):,} characters, sha256 {sha256[:8]})"


@dataclass(frozen=True)
class Called:
    """The event of a call that has ended, well or not."""

    call: ToolCall
