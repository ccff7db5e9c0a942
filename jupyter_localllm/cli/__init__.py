"""``jupyter localllm …``: what can be done without a notebook.

Each command is one file with a `Command`, and one entry of `COMMANDS` in `cli.main`.
"""

from jupyter_localllm.cli.main import main

__all__ = ["main"]
