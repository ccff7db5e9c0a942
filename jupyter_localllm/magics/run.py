"""What happens when a ``%%llm`` cell or a ``%llm`` line runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_localllm.api import LocalLLM, get_llm
from jupyter_localllm.errors import LocalLLMError, UsageError
from jupyter_localllm.magics import place
from jupyter_localllm.magics.arguments import CellArguments, Subcommand, parse_cell, parse_line
from jupyter_localllm.prompt.body import literal, render_body
from jupyter_localllm.show import formatters, live
from jupyter_localllm.sources import render_for_prompt
from jupyter_localllm.types import Part, Result

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["run_cell", "run_line", "show_answer"]


def run_cell(shell: InteractiveShell, line: str, cell: str, local_ns: Mapping[str, Any] | None) -> None:
    """Run a ``%%llm`` cell."""
    arguments = parse_cell(line, settings=LocalLLM.setting_names())
    if arguments.help:
        _show_help()
        return
    # The body is sent as it was typed, but for the line end that IPython adds. It begins on the cell's second line.
    _ask(shell, arguments, cell.removesuffix("\n"), local_ns, first_line=2)


def run_line(shell: InteractiveShell, line: str, local_ns: Mapping[str, Any] | None) -> Result | None:
    """Run a ``%llm`` line: a subcommand, or a prompt whose answer is returned."""
    parsed = parse_line(line, settings=LocalLLM.setting_names())
    if isinstance(parsed, Subcommand):
        from jupyter_localllm.magics.commands import run_command

        run_command(shell, parsed)
        return None
    result = _ask(shell, parsed.arguments, parsed.text, local_ns)
    if parsed.near:
        print(f"This went to the model. The subcommand is: %llm {parsed.near}")
    return result if parsed.arguments.target is None else None


def _ask(
    shell: InteractiveShell, arguments: CellArguments, body: str, local_ns: Mapping[str, Any] | None
) -> Result | None:
    """Template, ask, show, bind; with ``--on-error record`` an error is shown and the notebook goes on."""
    handle = _handle(arguments)
    try:
        if arguments.over is not None:
            from jupyter_localllm.magics.over import run_over

            return run_over(shell, handle, arguments, body)
        parts = _parts(shell, arguments, body, local_ns)
        options = _options(arguments)
        if arguments.dry_run:
            from jupyter_localllm.magics.dryrun import show_plan

            talk, where = _talk(shell, handle, arguments, peek=True)
            show_plan(handle.plan(parts, **options, chat=talk, place=where))
            return None
        talk, where = _talk(shell, handle, arguments)
        result = show_answer(shell, handle, parts, arguments, {**options, "chat": talk, "place": where})
    except LocalLLMError as error:
        if (arguments.on_error or handle.on_error) != "record":
            raise
        live.show_error(shell, error)
        return None
    _bind(shell, arguments.target, result)
    return result


def show_answer(
    shell: InteractiveShell,
    handle: LocalLLM,
    parts: tuple[Part, ...],
    arguments: CellArguments,
    options: Mapping[str, Any],
) -> Result:
    """Stream an answer into the cell's output."""
    formatters.register(shell)
    streaming = arguments.stream and handle.streaming and place.is_interactive(shell)
    surface = live.surface_for(shell, live=streaming)
    return live.follow(handle.stream(parts, **options), surface, format=arguments.format or handle.format)


def _handle(arguments: CellArguments) -> LocalLLM:
    """The kernel's own handle, or one derived from it for another model or other load settings."""
    settings = {name: value for name, value in arguments.options.items() if name not in LocalLLM.request_options()}
    if arguments.model is not None:
        settings["model"] = arguments.model
    if arguments.adapter is not None:
        settings["adapter"] = arguments.adapter
    return get_llm().derive(**settings)


def _options(arguments: CellArguments) -> dict[str, Any]:
    options = {name: value for name, value in arguments.options.items() if name in LocalLLM.request_options()}
    if arguments.system is not None:
        options["system"] = arguments.system
    if arguments.cache is not None:
        options["cache"] = arguments.cache
    return options


def _parts(
    shell: InteractiveShell, arguments: CellArguments, body: str, local_ns: Mapping[str, Any] | None
) -> tuple[Part, ...]:
    if not body.strip():
        raise UsageError("the cell is empty: there is no question", "Write the prompt below the line of %%llm.")
    if arguments.raw:
        return literal(body)
    return render_body(body, {**shell.user_ns, **(local_ns or {})}, render_for_prompt)


def _talk(
    shell: InteractiveShell, handle: LocalLLM, arguments: CellArguments, *, peek: bool = False
) -> tuple[Any, place.Place | None]:
    """The conversation this question belongs to, and its place in it. A dry run leaves everything as it is."""
    talks = handle.conversations
    where = place.here(shell, advance=not peek)
    if arguments.chat is not None:
        return (talks.get(arguments.chat) if peek else talks.named(arguments.chat)), where
    if arguments.continue_:
        return talks.latest, where
    return (None if peek else talks.fresh()), where


def _bind(shell: InteractiveShell, target: str | None, value: Any) -> None:
    shell.push({"_llm": value}, interactive=False)
    if target is not None:
        shell.push({target: value})


def _show_help() -> None:
    from jupyter_localllm.magics.helptext import help_text

    print(help_text())
