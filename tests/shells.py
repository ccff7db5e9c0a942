"""IPython's own shells, for a test each."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

__all__ = ["new_shell"]


@contextmanager
def new_shell(folder: Path, kind: type[InteractiveShell] = InteractiveShell) -> Iterator[InteractiveShell]:
    """Open a shell that keeps no history, writes nothing outside a folder and is nobody's singleton.

    It is let go at the end of the block, and not when Python ends: its folder is gone then.
    """
    config = Config()
    config.HistoryManager.enabled = False
    shell = kind(config=config, ipython_dir=str(folder))
    try:
        yield shell
    finally:
        atexit.unregister(shell.atexit_operations)
        shell.atexit_operations()
        shell.restore_sys_module_state()
