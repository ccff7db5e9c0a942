"""The subcommands of ``%llm``: each prints what it has to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm import cache as answers
from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM, get_llm
from jupyter_localllm.chat.cells import changed
from jupyter_localllm.config import setting_table
from jupyter_localllm.config.masked import masked
from jupyter_localllm.conversation import Conversation
from jupyter_localllm.errors import SettingsError, UsageError, close_match
from jupyter_localllm.magics import foreign, judge, mend
from jupyter_localllm.magics.helptext import help_text
from jupyter_localllm.magics.models import models, pull_model, unload, use
from jupyter_localllm.magics.resident import resident_lines
from jupyter_localllm.magics.subcommands import Subcommand
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.show.plain import clean
from jupyter_localllm.show.tables import Page, Table, table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["cache", "run_command"]


def run_command(shell: InteractiveShell, command: Subcommand) -> None:
    """Do what a subcommand says.

    Raises
    ------
    LocalLLMError
        It cannot be done.
    """
    if command.name in ("explain", "fix"):
        mend.run(shell, command.name)
    elif command.name == "panel":
        _panel(shell, command)
    elif command.name in judge.COMMANDS:
        try:
            judge.COMMANDS[command.name](shell, command)
        finally:
            changed()  # the bench unloads what was there
    else:
        told = _COMMANDS[command.name](shell, get_llm(), command)
        if isinstance(told, Page):
            judge.show(told)
        else:
            print(clean(told))  # names of files and conversations, answers: anybody's text
        changed()


def _panel(shell: InteractiveShell, command: Subcommand) -> None:
    from jupyter_localllm.widgets import ChatPanel

    ChatPanel(command.value or "", shell=shell).show()


def _status(shell: InteractiveShell, handle: LocalLLM, _command: Subcommand) -> str:
    lines = [f"model      {masked(handle.model)}"]
    resident = runtime.current().resident()
    for engine in resident:
        lines += resident_lines(engine, size_text)
    if not resident:
        lines.append("resident   nothing; the first question that the cache cannot answer loads the model")
    stats = handle.answers.stats()
    mode = f"{handle.cache}{', read-only' if stats.read_only else ''}"
    lines.append(f"cache      {stats.entries:,} answers, {size_text(stats.size_bytes)}, mode {mode}")
    names = list(handle.conversations)
    lines.append(f"chats      {', '.join(names) if names else 'none'}")
    asked = {part for engine in resident for part in engine.info().remote.split(", ") if part}
    elsewhere = sorted(asked.union(handle.elsewhere()))
    where = f"prompts leave this machine, to {', '.join(elsewhere)}" if elsewhere else ""
    lines.append(f"network    {where or 'none: nothing leaves this machine'}")
    lost = foreign.lost(shell)
    return "\n".join([*lines, *([lost] if lost else [])])


def cache(_shell: Any, handle: LocalLLM, command: Subcommand) -> str:
    """Tell what is kept, or forget, write or read it."""
    store = handle.answers
    if command.action == "clear":
        count = store.stats().entries
        store.clear()
        return f"{count:,} answers deleted"
    if command.action == "prune":
        days: Any = command.options.get("days", 30.0)
        return f"{store.prune(older_than_days=days):,} answers deleted that were not used for {days:g} days"
    if command.action == "export":
        path = Path(str(command.value)).expanduser()
        count = answers.export(store, path)
        return f"{count:,} answers written to {path} ({size_text(path.stat().st_size)})"
    if command.action == "import":
        counts = answers.import_(store, Path(str(command.value)).expanduser())
        return f"{counts.added:,} answers read, {counts.same + counts.kept:,} were there already"
    stats = store.stats()
    rows = [
        ("directory", f"{stats.directory}{', read-only: new answers are not kept' if stats.read_only else ''}"),
        ("answers", f"{stats.entries:,}"),
        ("size", f"{size_text(stats.size_bytes)} of at most {size_text(handle.cache_size)}"),
        ("hits", f"{stats.hits:,}"),
        ("misses", f"{stats.misses:,}"),
        ("mode", f"{handle.cache} ({handle.origin('cache')})"),
    ]
    return table(rows)


def _config(_shell: InteractiveShell, handle: LocalLLM, command: Subcommand) -> str | Page:
    if "file" in command.options:
        changed_ones = handle.apply_file(str(command.options["file"]))
        told = [(name, _short(value)) for name, value in sorted(changed_ones.items())]
        return Page((Table(told, ("setting", "value")),)) if told else f"{command.options['file']} sets nothing"
    rows = [(name, _short(value), origin, help) for name, value, origin, help in setting_table(handle)]
    if command.value is not None:
        names = [row[0] for row in rows]
        if command.value not in names:
            raise SettingsError(f"unknown setting {command.value!r}", close_match(command.value, names))
        rows = [row for row in rows if row[0] == command.value]
    return Page((Table(rows, ("setting", "value", "from", "meaning")),))


def _short(value: Any) -> str:
    text = repr(masked(value))
    return text if len(text) <= 48 else f"{text[:45]}..."


def _history(_shell: InteractiveShell, handle: LocalLLM, command: Subcommand) -> str:
    talks = handle.conversations
    if "load" in command.options:
        talk = Conversation.load(str(command.options["load"]))
        talk.name = command.value or talk.name
        talks.put(talk)
        return f"{_called(talk)}: {len(talk.turns)} turns loaded"
    if command.value is not None and command.value not in talks:
        raise UsageError(
            f"there is no conversation {command.value!r} in this kernel", close_match(command.value, list(talks))
        )
    talk = talks.get(command.value) if command.value is not None else talks.latest
    if "save" in command.options:
        talk.save(str(command.options["save"]))
        return f"{_called(talk)}: {len(talk.turns)} turns saved in {command.options['save']}"
    if "clear" in command.options:
        talks.drop(talk)
        return f"{_called(talk)}: cleared"
    return _turns(talk, list(talks))


def _called(talk: Conversation) -> str:
    return f"conversation {talk.name}" if talk.name else "the latest conversation"


def _turns(talk: Conversation, names: list[str]) -> str:
    lines = [f"{_called(talk).capitalize()} has {len(talk.turns)} turns."]
    for number, turn in enumerate(talk.turns, 1):
        mark = "  (stale: an earlier turn was asked anew)" if turn.stale else ""
        lines += [f"[{number}] {turn.question.strip()}{mark}", f"    {turn.answer.strip()}"]
    return "\n".join([*lines, f"Named conversations: {', '.join(names)}"] if names else lines)


def _help(_shell: InteractiveShell, _handle: LocalLLM, _command: Subcommand) -> str:
    return help_text()


_COMMANDS: dict[str, Callable[[Any, LocalLLM, Subcommand], str | Page]] = {
    "status": _status,
    "use": use,
    "models": models,
    "pull": pull_model,
    "unload": unload,
    "cache": cache,
    "config": _config,
    "history": _history,
    "help": _help,
}
