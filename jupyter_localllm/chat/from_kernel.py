"""What the kernel says: one frozen dataclass for each message."""

# ruff: noqa: RUF009 - `part` makes a field, as `dataclasses.field` does

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union

from jupyter_localllm.chat.from_panel import SETTINGS, Attachment, Task, attachment
from jupyter_localllm.chat.reading import (
    anything,
    choice,
    fill,
    flag,
    maybe,
    number,
    part,
    request_id,
    several,
    string,
    table,
    title,
    whole,
)
from jupyter_localllm.conversation.again import TASKS

__all__ = [
    "FROM_KERNEL",
    "Answered",
    "Asked",
    "Failed",
    "FromKernel",
    "Incompatible",
    "Listed",
    "ModelState",
    "Queued",
    "Refused",
    "Reply",
    "State",
    "Welcome",
]

_MOST = 2**53  # what JavaScript counts exactly

ModelStage = Literal["absent", "loading", "loaded", "failed"]
QueuedKind = Literal["ask", "use", "complete", "cell"]
QueuedStage = Literal["queued", "loading", "reading", "writing"]


@dataclass(frozen=True)
class ModelState:
    """The kernel's own model."""

    name: str = part(string())
    state: ModelStage = part(choice("absent", "loading", "loaded", "failed"))
    progress: float | None = part(maybe(number(0, 1)), None)
    memory_bytes: int | None = part(maybe(whole(0, _MOST)), None)
    window: int | None = part(maybe(whole(0, _MOST)), None)
    used: int | None = part(maybe(whole(0, _MOST)), None)
    text: str = part(string(), "")


@dataclass(frozen=True)
class Queued:
    """A request that runs or waits."""

    request: str = part(request_id)
    conversation: str | None = part(maybe(title))
    kind: QueuedKind = part(choice("ask", "use", "complete", "cell"))
    state: QueuedStage = part(choice("queued", "loading", "reading", "writing"), "queued")
    waits_for: str | None = part(maybe(request_id), None)
    text: str = part(string(), "")


@dataclass(frozen=True)
class Listed:
    """A conversation in the list."""

    name: str = part(title)
    turns: int = part(whole(0, _MOST))
    kept: bool = part(flag)
    latest: bool = part(flag)
    edits: int = part(whole(0, _MOST))


def _object(cls: Any) -> Any:
    return lambda value, where: fill(cls, value, where)


@dataclass(frozen=True)
class State:
    """How things stand now."""

    model: ModelState = part(_object(ModelState))
    queue: tuple[Queued, ...] = part(several(_object(Queued)))
    conversations: tuple[Listed, ...] = part(several(_object(Listed)))
    settings: Mapping[str, Any] = part(table(*SETTINGS))


@dataclass(frozen=True)
class Welcome:
    """Taken in."""

    protocol: int = part(whole(1, 1_000_000))
    version: str = part(string())
    subshells: bool = part(flag)
    model: ModelState = part(_object(ModelState))
    queue: tuple[Queued, ...] = part(several(_object(Queued)))
    conversations: tuple[Listed, ...] = part(several(_object(Listed)))
    settings: Mapping[str, Any] = part(table(*SETTINGS))


@dataclass(frozen=True)
class Incompatible:
    """The two are of different versions."""

    protocol: int = part(whole(1, 1_000_000))
    version: str = part(string())
    upgrade: str = part(choice("kernel", "labextension"))
    text: str = part(string())


@dataclass(frozen=True)
class Refused:
    """A message was not taken."""

    request: str | None = part(maybe(request_id))
    code: str = part(string())
    text: str = part(string())
    hint: str = part(string(), "")


@dataclass(frozen=True)
class Asked:
    """A question was taken."""

    request: str = part(request_id)
    conversation: str = part(title)
    text: str = part(string())
    attachments: tuple[Attachment, ...] = part(several(attachment))
    task: Task = part(choice(*TASKS), "chat")


@dataclass(frozen=True)
class Answered:
    """The answer as it is now."""

    request: str = part(request_id)
    conversation: str = part(title)
    sequence: int = part(whole(0, _MOST))
    data: Mapping[str, Any] = part(table())
    metadata: Mapping[str, Any] = part(table())
    final: bool = part(flag)
    fix: str | None = part(maybe(string()), None)


@dataclass(frozen=True)
class Failed:
    """A request ended in an error."""

    request: str = part(request_id)
    conversation: str | None = part(maybe(title))
    name: str = part(string())
    text: str = part(string())
    hint: str = part(string(), "")


@dataclass(frozen=True)
class Reply:
    """What was asked for."""

    request: str = part(request_id)
    value: Any = part(anything)


FromKernel = Union[Welcome, Incompatible, Refused, State, Asked, Answered, Failed, Reply]

FROM_KERNEL: dict[str, type[Any]] = {
    "answer" if cls is Answered else cls.__name__.lower(): cls
    for cls in (Welcome, Incompatible, Refused, State, Asked, Answered, Failed, Reply)
}
