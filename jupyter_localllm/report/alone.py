"""One report at a time for each file: of two that overlap, as a night's run that lasts into the next, one is refused.

Else the page would be of one run and the notebook beside it of the other.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from jupyter_localllm.cache.folder import locked
from jupyter_localllm.cache.trouble import Busy
from jupyter_localllm.errors import UsageError

__all__ = ["alone"]


@contextlib.contextmanager
def alone(paths: Iterable[Path]) -> Iterator[None]:
    """Hold what is to be written.

    The system lets go of it when this process ends, however it does; the empty files beside them are deleted, but on
    Windows, where an open file cannot be.

    Raises
    ------
    UsageError
        Another report writes one of them now.
    """
    with contextlib.ExitStack() as stack:
        for path in paths:
            target = Path(os.path.realpath(path))
            lock = target.with_name(f".{target.name}.lock")
            try:
                stack.enter_context(locked(lock, 0.0))
            except Busy:
                raise UsageError(
                    f"another report is being written to {path}", "Wait for its end, or name other files."
                ) from None
            except OSError:  # it cannot be written, which is told when it is
                continue
            stack.callback(_remove, lock)
        yield


def _remove(lock: Path) -> None:
    with contextlib.suppress(OSError):
        lock.unlink()
