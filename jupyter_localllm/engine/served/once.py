"""A question to a server by itself, with a connection of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from jupyter_localllm.engine.served import trouble
from jupyter_localllm.engine.served.address import Address
from jupyter_localllm.engine.served.loop import Loop
from jupyter_localllm.engine.served.wire import Wire
from jupyter_localllm.errors import LocalLLMError

__all__ = ["asked_once", "made", "mended"]

T = TypeVar("T")
W = TypeVar("W", bound=Wire)


def asked_once(address: Address, make: Callable[[], W], ask: Callable[[W], Awaitable[T]]) -> T:
    """Ask, and close the connection.

    Raises
    ------
    LocalLLMError
        Whatever stands in the way.
    """
    loop, wires = Loop(f"jupyter_localllm-once-{address.url}"), list[W]()

    async def work() -> T:
        wires.append(made(address, make))
        return await mended(wires[0], ask)

    async def close() -> None:
        for wire in wires:
            await wire.close()

    try:
        return loop.call(work)
    finally:
        loop.close(close)


def made(address: Address, make: Callable[[], W]) -> W:
    """The wire; that its client cannot be made is an error of ours."""
    try:
        return make()
    except (ImportError, ValueError) as error:
        raise trouble.unmade(address, error) from error


async def mended(wire: W, ask: Callable[[W], Awaitable[T]]) -> T:
    """Ask; what the client raises, its HTTP library, or a reply that is not what it should be, is an error of ours."""
    try:
        return await ask(wire)
    except LocalLLMError:
        raise
    except Exception as error:
        raise wire.trouble(error) from error
