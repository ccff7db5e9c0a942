"""Calling native code that goes deep: on a thread with a large stack."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from jupyter_localllm.config.threads import begin
from jupyter_localllm.errors import UsageError

__all__ = ["LARGEST_TEXT", "with_room"]

T = TypeVar("T")

LARGEST_TEXT = 128 * 1024
"""Characters of a schema or grammar. llguidance goes one call deeper for each `$ref` of a `$ref` and each rule of a
rule, and a native stack that is full kills the kernel. The deepest texts of this size were tried on `_STACK`: they need
less than a quarter of it."""

_STACK = 128 * 1024 * 1024  # address space; memory is taken only as far as it is used
_starting = threading.Lock()


def with_room(make: Callable[[], T], failed: str) -> T:
    """What `make` gives, called on a thread whose stack is large.

    Parameters
    ----------
    make : callable
        Called once.
    failed : str
        The beginning of the error if it raises.

    Raises
    ------
    UsageError
        It raised something else than our own errors, or panicked (Rust's panics are `BaseException`).
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(make())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, name="jupyter_localllm-constrain", daemon=True)
    with _starting:
        before = threading.stack_size(_STACK)
        try:
            begin(thread)
        finally:
            threading.stack_size(before)
    while thread.is_alive():  # Windows does not interrupt a wait, so no wait is longer than this
        thread.join(0.05)
    if errors:
        words = " ".join(str(errors[0]).split())[:600]
        raise UsageError(f"{failed}: {words}", "Write it in another way.") from None
    return results[0]
