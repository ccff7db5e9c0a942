"""What is said to notebooks, said to a shell: the same commands by their names there."""

from __future__ import annotations

import ast
import re
import shlex
import sys

from jupyter_localllm.cli.base import COMMAND_WORD
from jupyter_localllm.config.layers import ENVIRONMENT_PREFIX

__all__ = ["in_shell", "tell"]

_VALUE = r"'[^']*'|\"[^\"]*\"|[\w./-]*\w"
_SETTING = re.compile(rf"%config LocalLLM\.(?P<name>\w+)(?: = (?P<value>{_VALUE}))?")
_FREEING = re.compile(r"%llm unload(?:, del large variables)?")
_OTHER = re.compile(r"(?<!\S)(%llm \w+)")


def in_shell(text: str) -> str:
    """Put a shell's commands in the place of a notebook's; what only a notebook can do is said to be of one.

    Examples
    --------
    >>> in_shell("Fetch it: %llm pull qwen3-4b")
    'Fetch it: jupyter localllm pull qwen3-4b'
    >>> in_shell("%llm config lists all.")
    '%llm config (in a notebook) lists all.'
    """
    from jupyter_localllm.cli.main import COMMANDS

    words = "|".join(command.name for command in COMMANDS)
    text = re.sub(rf"%llm (?=(?:{words})\b)", f"{COMMAND_WORD} ", text)
    text = _FREEING.sub("close other programs", text)
    return _OTHER.sub(r"\1 (in a notebook)", _SETTING.sub(_variable, text))


def tell(what: object) -> None:
    """Print what a command was asked for, in a shell's words, and without what controls a terminal.

    Raises
    ------
    OSError
        It cannot be written. Whoever asked for words alone has nothing without them, so it is no success (`say`).
    """
    from jupyter_localllm.show.plain import clean

    print(clean(in_shell(str(what))), flush=True)


def _variable(found: re.Match[str]) -> str:
    """A setting as a variable of the environment, which programs that are begun afterwards read."""
    name, value = f"{ENVIRONMENT_PREFIX}{found['name'].upper()}", found["value"]
    if value is None:
        return name
    plain = ast.literal_eval(value) if value[0] in "'\"" else value
    return f'set "{name}={plain}"' if sys.platform == "win32" else f"export {name}={shlex.quote(plain)}"
