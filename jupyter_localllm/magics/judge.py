"""``%llm doctor`` and ``%llm bench``, and how their tables and those of other subcommands are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_localllm.api import get_llm
from jupyter_localllm.errors import SettingsError
from jupyter_localllm.magics import foreign
from jupyter_localllm.magics.subcommands import Subcommand

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_localllm.bench import Benchmark

__all__ = ["COMMANDS", "show"]


def _doctor(shell: InteractiveShell, command: Subcommand) -> None:
    from jupyter_localllm.doctor import Finding, Report, examine_without_settings

    try:
        report = get_llm().doctor(quick=bool(command.options.get("quick")))
    except SettingsError as error:
        report = examine_without_settings(error, getattr(shell, "kernel", None))
    if lost := foreign.lost(shell):
        report = Report((*report.findings, Finding("magics", "note", lost, "%reload_ext jupyter_localllm")))
    show(report)


def _bench(shell: InteractiveShell, command: Subcommand) -> None:
    """Measure; after an interrupt, what was measured until then is shown, and the notebook stops."""
    done: list[Benchmark] = []
    options = dict(command.options)
    models = [name.strip() for name in (command.value or "").split(",") if name.strip()]
    try:
        get_llm().benchmark(
            models,
            n=options.get("n"),  # type: ignore[arg-type]
            quality=True if "quality" in options else None,
            file=options.get("file"),  # type: ignore[arg-type]
            out=options.get("out"),  # type: ignore[arg-type]
            each=done.append,
        )
    except KeyboardInterrupt as error:
        error._render_traceback_ = lambda: ["KeyboardInterrupt: the bench was interrupted"]  # type: ignore[attr-defined]
        raise
    finally:
        if done:
            result = done[-1]
            shell.push({"_llm": result}, interactive=False)  # type: ignore[no-untyped-call]
            show(result)
            show(result.plot())


def show(shown: Any) -> None:
    """Show what knows how it looks: as HTML in a notebook, as text elsewhere."""
    from IPython.display import display

    display(shown)  # type: ignore[no-untyped-call]


COMMANDS: dict[str, Callable[[Any, Subcommand], None]] = {"doctor": _doctor, "bench": _bench}
"""What each does."""
