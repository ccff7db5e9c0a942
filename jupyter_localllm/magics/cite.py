"""``--cite VAR …``: a question answered from variables."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import UsageError
from jupyter_localllm.magics.expressions import evaluated
from jupyter_localllm.magics.variables import prompt_names
from jupyter_localllm.types import AskEvent, Cited, Revised, Token

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["latest_of", "settled", "sources_of"]

_NAMED = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*=(?!=)\s*(?P<expression>\S.*)", re.DOTALL)


def sources_of(shell: InteractiveShell, specs: Sequence[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What ``--cite`` names, by the names that the citations will show.

    Parameters
    ----------
    shell : InteractiveShell
    specs : sequence of str
        ``"df"``, ``"df[df.price > 10]"``, ``"dear=df[df.price > 10]"``, ``"In[3]"``, ``"Out[3]"``.
    variables : Mapping of str to object

    Raises
    ------
    UsageError
        A name is not there, is given twice, or an expression is wrong.
    """
    found: dict[str, Any] = {}
    typical = prompt_names(variables, frozenset(shell.user_ns_hidden))
    for spec in specs:
        named = _NAMED.fullmatch(spec)
        name, expression = (named["name"], named["expression"]) if named else (spec.strip(), spec)
        if name in found:
            raise UsageError(f"--cite {name} is given twice", "Leave one of them out.")
        found[name] = _source(expression, variables, typical)
    return found


def _source(expression: str, variables: Mapping[str, Any], typical: Sequence[str]) -> Any:
    from jupyter_localllm.sources.notebook_cells import cell_source

    cell = cell_source(variables, expression.strip())
    return cell if cell is not None else evaluated(expression, variables, option="--cite", typical=typical)


def latest_of(shell: InteractiveShell, specs: Sequence[str]) -> Mapping[str, Any]:
    """The same, as they are now; what is not there any more is left out."""
    now: dict[str, Any] = {}
    for spec in specs:
        try:
            now.update(sources_of(shell, [spec], shell.user_ns))
        except Exception:  # gone, or of another kind now: its citations are stale
            continue
    return now


def settled(events: Generator[AskEvent, None, None]) -> Generator[AskEvent, None, None]:
    """The same events with the text only when it is finished: a terminal cannot take back what it has written.

    Parameters
    ----------
    events : generator of AskEvent
    """
    try:
        for event in events:
            if isinstance(event, Cited):
                yield Token(event.answer.text)
            if not isinstance(event, (Token, Revised)):
                yield event
    finally:
        events.close()
