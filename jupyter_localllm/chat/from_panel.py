"""What a panel may say: one frozen dataclass for each message."""

# ruff: noqa: RUF009 - `part` makes a field, as `dataclasses.field` does

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Union

from jupyter_localllm.api.requesting import REQUEST_OPTIONS
from jupyter_localllm.chat.reading import (
    Refusal,
    choice,
    fill,
    flag,
    name_path,
    names,
    part,
    request_id,
    several,
    string,
    table,
    title,
    whole,
)
from jupyter_localllm.conversation.again import LONGEST_NAME, TASKS

__all__ = [
    "FROM_PANEL",
    "SETTINGS",
    "Ask",
    "Attachment",
    "Cell",
    "Clear",
    "Complete",
    "Configure",
    "Delete",
    "Export",
    "Failure",
    "FromPanel",
    "Hello",
    "Keep",
    "Models",
    "Open",
    "Rename",
    "Restore",
    "Stop",
    "Task",
    "Unload",
    "Use",
    "Variable",
    "Variables",
    "attachment",
]

SETTINGS = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed", "system")

Task = Literal["chat", "explain", "fix"]
_MOST_ATTACHMENTS = 32
_LONGEST_PATH = 4_096


@dataclass(frozen=True)
class Variable:
    """A variable to answer from."""

    kind: ClassVar[str] = "variable"
    name: str = part(name_path)


@dataclass(frozen=True)
class Cell:
    """A cell of the notebook, with the text of its outputs."""

    kind: ClassVar[str] = "cell"
    id: str = part(string(0, LONGEST_NAME))
    source: str = part(string())
    outputs: str = part(string())


@dataclass(frozen=True)
class Failure:
    """A cell that failed, its traceback, and the names in it, of which some may be variables."""

    kind: ClassVar[str] = "error"
    source: str = part(string())
    traceback: str = part(string())
    variables: tuple[str, ...] = part(names)


Attachment = Union[Variable, Cell, Failure]
_KINDS: dict[str, type[Any]] = {
    "variable": Variable,
    "cell": Cell,
    "error": Failure,
}


def attachment(value: Any, where: str) -> Attachment:
    """Read an attachment."""
    if isinstance(value, Mapping):
        if "kind" not in value:
            raise Refusal("missing_field", f"{where}.kind is missing")
        made: Attachment = fill(_KINDS[choice(*_KINDS)(value["kind"], f"{where}.kind")], value, where)
        return made
    return fill(Variable, value, where)  # says that it is none


@dataclass(frozen=True)
class Hello:
    """To take part."""

    protocol: int = part(whole(1, 1_000_000))
    client: str = part(choice("labextension", "widgets"))
    version: str = part(string(1, 50))


@dataclass(frozen=True)
class Ask:
    """A question."""

    request: str = part(request_id)
    conversation: str = part(title)
    text: str = part(string())
    attachments: tuple[Attachment, ...] = part(several(attachment, _MOST_ATTACHMENTS))
    options: Mapping[str, Any] = part(table(*REQUEST_OPTIONS), {})
    task: Task = part(choice(*TASKS), "chat")

    def __post_init__(self) -> None:
        if self.task == "chat" and not self.text.strip():
            raise Refusal("out_of_range", "there is no question", "Write one.")
        if self.task != "chat" and not any(isinstance(one, (Cell, Failure)) for one in self.attachments):
            raise Refusal("out_of_range", f"there is no cell to {self.task}", "Attach one.")


@dataclass(frozen=True)
class Stop:
    """To stop a request."""

    request: str = part(request_id)


@dataclass(frozen=True)
class Variables:
    """Variables whose names begin so."""

    request: str = part(request_id)
    prefix: str = part(string(0, 200))
    limit: int = part(whole(1, 100))


@dataclass(frozen=True)
class Models:
    """Models on this machine."""

    request: str = part(request_id)


@dataclass(frozen=True)
class Use:
    """To use another model, and load it."""

    request: str = part(request_id)
    model: str = part(string(1, _LONGEST_PATH))


@dataclass(frozen=True)
class Unload:
    """To give the memory back."""

    request: str = part(request_id)


@dataclass(frozen=True)
class Configure:
    """To change the kernel's own settings for sampling."""

    request: str = part(request_id)
    values: Mapping[str, Any] = part(table(*SETTINGS, least=1))


@dataclass(frozen=True)
class Open:
    """The turns of a conversation."""

    request: str = part(request_id)
    conversation: str = part(title)


@dataclass(frozen=True)
class Rename:
    """Another name."""

    request: str = part(request_id)
    conversation: str = part(title)
    to: str = part(title)


@dataclass(frozen=True)
class Delete:
    """To forget a conversation, here and on disk."""

    request: str = part(request_id)
    conversation: str = part(title)


@dataclass(frozen=True)
class Clear:
    """To forget its turns."""

    request: str = part(request_id)
    conversation: str = part(title)


@dataclass(frozen=True)
class Keep:
    """To keep it on disk from now on, or no longer."""

    request: str = part(request_id)
    conversation: str = part(title)
    kept: bool = part(flag)


@dataclass(frozen=True)
class Export:
    """A conversation as one text."""

    request: str = part(request_id)
    conversation: str = part(title)
    format: str = part(choice("markdown", "json"))


@dataclass(frozen=True)
class Restore:
    """To take a conversation that was saved in a notebook."""

    request: str = part(request_id)
    document: Mapping[str, Any] = part(table())


@dataclass(frozen=True)
class Complete:
    """Text that may stand between two others."""

    request: str = part(request_id)
    before: str = part(string())
    after: str = part(string())
    language: str = part(string(0, 50))


FromPanel = Union[
    Union[Hello, Ask, Stop, Variables, Models, Use, Unload, Configure],
    Union[Open, Rename, Delete, Clear, Keep, Export, Restore, Complete],
]

FROM_PANEL: dict[str, type[Any]] = {
    cls.__name__.lower(): cls
    for cls in (
        *(Hello, Ask, Stop, Variables, Models, Use, Unload, Configure),
        *(Open, Rename, Delete, Clear, Keep, Export, Restore, Complete),
    )
}
