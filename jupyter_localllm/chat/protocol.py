"""The language between the kernel and its panels, version 1: docs/protocol.md.

Errors are values: what cannot be taken becomes a `Refused`, which is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from jupyter_localllm.chat.from_kernel import FROM_KERNEL, FromKernel, Refused
from jupyter_localllm.chat.from_panel import FROM_PANEL, FromPanel, Hello
from jupyter_localllm.chat.reading import LIMIT_BYTES, Refusal, check_size, fill, request_id, whole
from jupyter_localllm.errors import close_match
from jupyter_localllm.show.saved import encodable

__all__ = ["LIMIT_BYTES", "VERSION", "encode", "parse", "parse_from_kernel", "plain"]

VERSION = 1

_TYPES = {cls: name for name, cls in (*FROM_PANEL.items(), *FROM_KERNEL.items())}


def parse(message: Any) -> FromPanel | Refused:
    """Read what a panel sent.

    Parameters
    ----------
    message : object
        As JSON gives it.

    Returns
    -------
    FromPanel or Refused
        Of a `Hello` of another version only the version is read.

    Examples
    --------
    >>> parse({"type": "stop", "request": "r1"})
    Stop(request='r1')
    >>> parse({"type": "stop"}).code
    'missing_field'
    """
    try:
        kind = _kind(message, FROM_PANEL)
        check_size(message)
        if kind is Hello and (version := message.get("protocol")) not in (None, VERSION):
            return Hello(whole(1, 1_000_000)(version, "protocol"), "labextension", "")
        made: FromPanel = fill(kind, message)
        return made
    except Refusal as refusal:
        return Refused(_request(message), refusal.code, refusal.text, refusal.hint)


def parse_from_kernel(message: Any) -> FromKernel:
    """Read what a kernel sent, as panels do.

    Raises
    ------
    Refusal
        It is not of this protocol.
    """
    made: FromKernel = fill(_kind(message, FROM_KERNEL), message)
    return made


def encode(message: FromKernel | FromPanel) -> dict[str, Any]:
    """A message as JSON has it.

    Examples
    --------
    >>> from jupyter_localllm.chat.from_panel import Stop
    >>> encode(Stop("r1"))
    {'type': 'stop', 'request': 'r1'}
    """
    return {"type": _TYPES[type(message)], **plain(message)}


def _kind(message: Any, known: Mapping[str, type[Any]]) -> Any:
    if not isinstance(message, dict):
        raise Refusal("malformed", "the message is not an object")
    name = message.get("type")
    if not isinstance(name, str):
        raise Refusal("malformed", "the message has no type")
    if name not in known:
        raise Refusal("unknown_type", f"there is no message {encodable(name[:60])!r}", close_match(name[:60], known))
    return known[name]


def _request(message: Any) -> str | None:
    try:
        return request_id(message.get("request"), "request") if isinstance(message, dict) else None
    except Refusal:
        return None


def plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, halves of surrogate pairs replaced."""
    if isinstance(value, str):
        return encodable(value)
    if is_dataclass(value) and not isinstance(value, type):
        kind = (
            {"kind": value.kind} if "kind" not in {one.name for one in fields(value)} and hasattr(value, "kind") else {}
        )
        return {**kind, **{one.name: plain(getattr(value, one.name)) for one in fields(value)}}
    if isinstance(value, Mapping):
        return {encodable(str(name)): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
