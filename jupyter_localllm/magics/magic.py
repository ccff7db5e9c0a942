"""The magics themselves: thin, everything is done elsewhere."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from jupyter_localllm.magics.helptext import help_text

__all__ = ["LocalLLMMagics"]


@magics_class
class LocalLLMMagics(Magics):
    """``%llm``, ``%%llm`` and their other name ``localllm``."""

    shell: InteractiveShell

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def llm(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Ask; the real help is made below from the tables of options and subcommands."""
        return self._run(line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def localllm(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Ask, by the name that nobody else has."""
        return self._run(line, cell, local_ns)

    def _run(self, line: str, cell: str | None, local_ns: dict[str, Any] | None) -> Any:
        from jupyter_localllm.magics.run import run_cell, run_line

        if cell is None:
            return run_line(self.shell, line, local_ns)
        return run_cell(self.shell, line, cell, local_ns)


LocalLLMMagics.llm.__doc__ = LocalLLMMagics.localllm.__doc__ = help_text()
