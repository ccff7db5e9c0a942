"""The subcommands of ``%llm``: each prints what it has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_localllm import cache as answers
from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM, get_llm
from jupyter_localllm.chat.cells import changed
from jupyter_localllm.config import setting_table
from jupyter_localllm.conversation import Conversation
from jupyter_localllm.errors import ModelNotFound, SettingsError, UsageError, close_match
from jupyter_localllm.magics import foreign, mend
from jupyter_localllm.magics.helptext import help_text
from jupyter_localllm.magics.resident import resident_lines
from jupyter_localllm.magics.subcommands import Subcommand
from jupyter_localllm.models import available

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["run_command", "table"]


def run_command(shell: InteractiveShell, command: Subcommand) -> None:
    """Do what a subcommand says.

    Raises
    ------
    UsageError
        It belongs to a later version.
    LocalLLMError
        It cannot be done.
    """
    if command.later:
        raise UsageError(f"%llm {command.name} is not in this version yet", "%llm help lists what is.")
    if command.name in ("explain", "fix"):
        mend.run(shell, command.name)
    elif command.name == "panel":
        _panel(shell, command)
    else:
        print(_COMMANDS[command.name](shell, get_llm(), command))
        changed()


def _panel(shell: InteractiveShell, command: Subcommand) -> None:
    from jupyter_localllm.widgets import ChatPanel

    ChatPanel(command.value or "", shell=shell).show()


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Columns as wide as their widest cell.

    Examples
    --------
    >>> print(table([("a", "1"), ("long", "2")], ("name", "n")))
    name  n
    a     1
    long  2
    """
    lines = [tuple(head), *map(tuple, rows)] if head else list(map(tuple, rows))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def size(count: float) -> str:
    """Bytes for people.

    Examples
    --------
    >>> size(999), size(98_400_000)
    ('999 bytes', '98.4 MB')
    """
    if count < 1000:
        return f"{count:.0f} bytes"
    power = 1 if count < 1e6 else 2 if count < 1e9 else 3
    return f"{count / 1000**power:.1f} {('kB', 'MB', 'GB')[power - 1]}"


def _status(shell: InteractiveShell, handle: LocalLLM, _command: Subcommand) -> str:
    lines = [f"model      {handle.model}"]
    resident = runtime.current().resident()
    for engine in resident:
        lines += resident_lines(engine, size)
    if not resident:
        lines.append("resident   nothing; the first question that the cache cannot answer loads the model")
    stats = handle.answers.stats()
    lines.append(f"cache      {stats.entries:,} answers, {size(stats.size_bytes)}, mode {handle.cache}")
    names = list(handle.conversations)
    lines.append(f"chats      {', '.join(names) if names else 'none'}")
    elsewhere = sorted({remote for engine in resident if (remote := engine.info().remote)})
    where = f"prompts leave this machine, to {', '.join(elsewhere)}" if elsewhere else ""
    lines.append(f"network    {where or 'none: nothing leaves this machine'}")
    lost = foreign.lost(shell)
    return "\n".join([*lines, *([lost] if lost else [])])


def _use(_shell: InteractiveShell, handle: LocalLLM, command: Subcommand) -> str:
    model = str(command.value)
    try:
        found = handle.find(model)
    except ModelNotFound:
        # Answers of a model that is not here can still be replayed from an imported cache.
        if not handle.answers.model_sha256(model.lower()):
            raise
        handle.model = model
        return f"{model} is not on this machine; its answers in the cache can be replayed."
    handle.model = model
    return f"{found} answers from now on."


def _models(_shell: InteractiveShell, handle: LocalLLM, _command: Subcommand) -> str:
    rows = [
        (
            "*" if entry.name == handle.model.lower() else "",
            entry.name,
            size(entry.size_bytes) if entry.size_bytes else "",
            entry.license,
            str(entry.path) if entry.path else f"not installed: {entry.install_command}",
        )
        for entry in available(tuple(handle.model_dirs))
    ]
    hint = "" if handle.model_dirs else "\nMore: %config LocalLLM.model_dirs = ['/path/to/gguf/files']"
    return table(rows, ("", "model", "size", "license", "where")) + hint


def _unload(_shell: InteractiveShell, _handle: LocalLLM, _command: Subcommand) -> str:
    resident = runtime.current().resident()
    for engine in resident:
        engine.unload()
    names = ", ".join(engine.name for engine in resident)
    return f"unloaded {names}" if names else "nothing was loaded"


def _cache(_shell: InteractiveShell, handle: LocalLLM, command: Subcommand) -> str:
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
        return f"{count:,} answers written to {path} ({size(path.stat().st_size)})"
    if command.action == "import":
        counts = answers.import_(store, Path(str(command.value)).expanduser())
        return f"{counts.added:,} answers read, {counts.same + counts.kept:,} were there already"
    stats = store.stats()
    return table(
        [
            ("directory", str(stats.directory)),
            ("answers", f"{stats.entries:,}"),
            ("size", f"{size(stats.size_bytes)} of at most {size(handle.cache_size)}"),
            ("hits", f"{stats.hits:,}"),
            ("misses", f"{stats.misses:,}"),
            ("mode", f"{handle.cache} ({handle.origin('cache')})"),
        ]
    )


def _config(_shell: InteractiveShell, handle: LocalLLM, command: Subcommand) -> str:
    if "file" in command.options:
        raise UsageError(
            "%llm config --file is not in this version yet", "Settings can stand in [tool.jupyter_localllm]."
        )
    rows = [(name, _short(value), origin, help) for name, value, origin, help in setting_table(handle)]
    if command.value is not None:
        names = [row[0] for row in rows]
        if command.value not in names:
            raise SettingsError(f"unknown setting {command.value!r}", close_match(command.value, names))
        rows = [row for row in rows if row[0] == command.value]
    return table(rows, ("setting", "value", "from", "meaning"))


def _short(value: Any) -> str:
    text = repr(value)
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


_COMMANDS: dict[str, Callable[[Any, LocalLLM, Subcommand], str]] = {
    "status": _status,
    "use": _use,
    "models": _models,
    "unload": _unload,
    "cache": _cache,
    "config": _config,
    "history": _history,
    "help": _help,
}
