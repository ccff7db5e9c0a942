"""What happens when a ``%%llm`` cell or a ``%llm`` line runs."""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast

from jupyter_localllm.api import LocalLLM, get_llm
from jupyter_localllm.chat.cells import in_queue
from jupyter_localllm.conversation import Conversation, Conversations
from jupyter_localllm.errors import LocalLLMError, UsageError
from jupyter_localllm.magics import place
from jupyter_localllm.magics.arguments import CellArguments, Subcommand, parse_cell, parse_line
from jupyter_localllm.prompt.body import literal, render_body
from jupyter_localllm.show import follow, follow_answer, register, surface_for
from jupyter_localllm.show.formatters import is_terminal
from jupyter_localllm.show.live import show_error
from jupyter_localllm.show.surfaces import Surface
from jupyter_localllm.show.view import Format
from jupyter_localllm.sources import render_for_prompt
from jupyter_localllm.types import Answer, AskEvent, Part, Result

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_localllm.constrain.typed import Typed

__all__ = ["Asked", "run_cell", "run_line", "show_answer"]

_LONGEST_QUESTION = 2_000
_LONGEST_VALUE = 80


class Told(TypedDict):
    """What the output's metadata says of a question."""

    name: str
    question: str


@dataclass(frozen=True)
class Asked:
    """A question as it stands in the notebook.

    Parameters
    ----------
    arguments : CellArguments
    body : str
        The prompt as typed.
    variables : Mapping of str to object
        What ``{{ }}`` may name.
    first_line : int
        The line of the cell on which the body begins, for errors.
    """

    arguments: CellArguments
    body: str
    variables: Mapping[str, Any]
    first_line: int = 1

    def parts(self) -> tuple[Part, ...]:
        """The body with its values in place."""
        if not self.body.strip():
            raise UsageError("the cell is empty: there is no question", "Write the prompt below the line of %%llm.")
        if self.arguments.raw:
            return literal(self.body)
        return render_body(self.body, self.variables, render_for_prompt, first_line=self.first_line)

    def told(self, parts: tuple[Part, ...] = ()) -> Told:
        """What the output's metadata says of the question: as typed, or with those values that a reader wants to see.

        A value stands in the place of its ``{{ }}`` if it is a short one of one line; long ones are in the notebook
        already, and those whose name speaks of a secret are nobody's business.
        """
        words = "".join(_readable(part) for part in parts) or self.body
        question = words.strip()
        if len(question) > _LONGEST_QUESTION:
            question = question[:_LONGEST_QUESTION].rstrip() + " …"
        return Told(name=self.arguments.target or "", question=question)

    def options(self) -> dict[str, Any]:
        """What this request sets."""
        given, known = self.arguments, LocalLLM.request_options()
        options = {name: value for name, value in given.options.items() if name in known}
        given_more = (("system", given.system), ("cache", given.cache), ("schema", self.form))
        return options | {k: v for k, v in given_more if v is not None}

    @functools.cached_property
    def form(self) -> Typed | None:
        """What ``--schema`` asks for; an expression is evaluated once."""
        if self.arguments.schema is None:
            return None
        from jupyter_localllm.constrain.typed import typed

        return typed(self.arguments.schema, namespace=self.variables)

    def handle(self) -> LocalLLM:
        """The kernel's own handle, or one derived from it for another model or other load settings."""
        given, known = self.arguments, LocalLLM.request_options()
        settings = {name: value for name, value in given.options.items() if name not in known}
        settings |= {k: v for k, v in (("model", given.model), ("adapter", given.adapter)) if v is not None}
        return get_llm().derive(**settings)

    def conversation(self, handle: LocalLLM, where: place.Place | None) -> Conversation:
        """The one that the question goes on with, or a new one."""
        talks: Conversations = handle.conversations
        if self.arguments.chat is not None:
            return talks.get(self.arguments.chat)
        return talks.unnamed(where, go_on=self.arguments.continue_)


def _readable(part: Part) -> str:
    from jupyter_localllm.sources.secrets import looks_secret

    short = len(part.text) <= _LONGEST_VALUE and "\n" not in part.text
    return part.text if part.label == "text" or (short and not looks_secret(part.label)) else part.label


def run_cell(shell: InteractiveShell, line: str, cell: str, local_ns: Mapping[str, Any] | None) -> None:
    """Run a ``%%llm`` cell."""
    arguments = parse_cell(line, settings=LocalLLM.setting_names())
    if arguments.help:
        from jupyter_localllm.magics.helptext import help_text

        print(help_text())
        return
    # The body is sent as it was typed, but for the line end that IPython adds.
    _ask(shell, Asked(arguments, cell.removesuffix("\n"), {**shell.user_ns, **(local_ns or {})}, first_line=2))


def run_line(shell: InteractiveShell, line: str, local_ns: Mapping[str, Any] | None) -> Any:
    """Run a ``%llm`` line: a subcommand, or a prompt whose answer is returned."""
    parsed = parse_line(line, settings=LocalLLM.setting_names())
    if isinstance(parsed, Subcommand):
        from jupyter_localllm.magics.commands import run_command

        run_command(shell, parsed)
        return None
    answer = _ask(shell, Asked(parsed.arguments, parsed.text, {**shell.user_ns, **(local_ns or {})}))
    if parsed.near:
        print(f"This went to the model. The subcommand is: %llm {parsed.near}")
    return answer if parsed.arguments.target is None else None


def show_answer(
    shell: InteractiveShell,
    handle: LocalLLM,
    parts: tuple[Part, ...],
    arguments: CellArguments,
    options: Mapping[str, Any],
    *,
    name: str = "",
    question: str = "",
) -> Result:
    """Stream an answer into the cell's output, whose metadata says what it is bound to and what was asked."""
    surface, shown_as = _surface(shell, handle, arguments)
    events = in_queue(handle.stream(parts, **options), options.get("chat"))
    return follow(events, surface, format=shown_as, model=handle.model, name=name, question=question)


def _surface(shell: InteractiveShell, handle: LocalLLM, arguments: CellArguments) -> tuple[Surface, Format]:
    """Where an answer is shown, and how."""
    register(shell)
    streaming = arguments.stream and handle.streaming and place.is_interactive(shell)
    usual = "value" if arguments.schema is not None else handle.format
    return surface_for(shell, live=streaming), cast(Format, arguments.format or usual)


def _ask(shell: InteractiveShell, asked: Asked) -> Any:
    """Answer and bind; with ``--on-error record`` an error is shown and the notebook goes on."""
    arguments = asked.arguments
    try:
        value = _answer(shell, asked)
    except LocalLLMError as error:
        if (arguments.on_error or get_llm().on_error) != "record":
            raise
        show_error(shell, error, **asked.told())
        value = None
    except KeyboardInterrupt as error:
        # IPython shows what this says instead of a page of frames of ours; it stays a KeyboardInterrupt.
        error._render_traceback_ = lambda: ["KeyboardInterrupt: the answer was interrupted"]  # type: ignore[attr-defined]
        raise
    if not arguments.dry_run:
        shell.push({"_llm": value}, interactive=False)  # type: ignore[no-untyped-call]
        if arguments.target is not None:
            shell.push({arguments.target: value})  # type: ignore[no-untyped-call]
    return value


def _answer(shell: InteractiveShell, asked: Asked) -> Any:
    handle = asked.handle()
    if asked.arguments.over is not None:
        from jupyter_localllm.magics.over import run_over

        return run_over(shell, handle, asked)
    parts = asked.parts()
    where = place.here(shell, advance=not asked.arguments.dry_run)
    options = {**asked.options(), "chat": asked.conversation(handle, where), "place": where}
    if asked.arguments.tools:
        from jupyter_localllm.magics.functions import tools_of

        options |= {"tools": tools_of(shell, asked.arguments.tools, asked.variables), "yes": asked.arguments.yes}
    if asked.arguments.cite:
        return _cited(shell, handle, asked, parts, options)
    if asked.arguments.dry_run:
        from jupyter_localllm.magics.dryrun import show_plan

        show_plan(handle.plan(parts, **options))
        return None
    if asked.arguments.tools:
        return _with_tools(shell, handle, asked, parts, options)
    result = show_answer(shell, handle, parts, asked.arguments, options, **asked.told(parts))
    return result if asked.arguments.schema is None else result.value


def _with_tools(
    shell: InteractiveShell, handle: LocalLLM, asked: Asked, parts: tuple[Part, ...], options: dict[str, Any]
) -> Answer:
    """Answer with the functions that ``--tools`` names."""
    events = in_queue(handle.stream(parts, **options), options["chat"])
    surface, shown_as = _surface(shell, handle, asked.arguments)
    return follow_answer(_settled(events, shell), surface, format=shown_as, model=handle.model, **asked.told(parts))


def _settled(events: Generator[AskEvent, None, None], shell: InteractiveShell) -> Generator[AskEvent, None, None]:
    from jupyter_localllm.magics.cite import settled

    return settled(events) if is_terminal(shell) else events


def _cited(
    shell: InteractiveShell, handle: LocalLLM, asked: Asked, parts: tuple[Part, ...], options: dict[str, Any]
) -> Any:
    """Answer from the variables that ``--cite`` names."""
    from jupyter_localllm.magics.cite import latest_of, sources_of

    specs = asked.arguments.cite
    question = "".join(part.text for part in parts).strip()
    sources = sources_of(shell, specs, asked.variables)
    if asked.arguments.dry_run:
        from jupyter_localllm.magics.dryrun import show_sources_plan

        show_sources_plan(handle.plan_ask(question, sources, **options))
        return None
    talk = options["chat"]
    events = in_queue(handle.stream_ask(question, sources, latest=lambda: latest_of(shell, specs), **options), talk)
    surface, shown_as = _surface(shell, handle, asked.arguments)
    return follow_answer(_settled(events, shell), surface, format=shown_as, model=handle.model, **asked.told(parts))
