"""``--tools FN …``: functions of the notebook that the model may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_localllm.magics.expressions import evaluated
from jupyter_localllm.magics.variables import function_names
from jupyter_localllm.tools import Tool, as_tools

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["tools_of"]


def tools_of(shell: InteractiveShell, specs: Sequence[str], variables: Mapping[str, Any]) -> tuple[Tool, ...]:
    """What ``--tools`` names.

    Parameters
    ----------
    shell : InteractiveShell
    specs : sequence of str
        ``"price"``, ``"shop.price"``, or an expression that gives a list of functions.
    variables : Mapping of str to object

    Raises
    ------
    UsageError
        A name is not there, or what it names cannot be a tool.
    """
    typical = function_names(variables, frozenset(shell.user_ns_hidden))
    found: list[Any] = []
    for spec in specs:
        value = evaluated(spec.strip(), variables, option="--tools", typical=typical)
        found += value if isinstance(value, (list, tuple)) else [value]
    return as_tools(found)
