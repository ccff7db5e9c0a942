"""What an option like ``--over`` names: a variable, or an expression of the notebook's language."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_localllm.errors import UsageError, close_match

__all__ = ["evaluated"]

_KNOWN_AS = {
    "--over": ("Variables with rows", "No variable here has rows."),
    "--cite": ("Variables", "There is none."),
    "--tools": ("Functions", "There is no function here: write one with def, type hints and a docstring."),
}


def evaluated(expression: str, variables: Mapping[str, Any], *, option: str, typical: Sequence[str]) -> Any:
    """Give the value of a variable or of an expression, as a cell of the notebook would.

    Parameters
    ----------
    expression : str
    variables : Mapping of str to object
    option : str
        Which option it was given to, for messages.
    typical : sequence of str
        Names to suggest.

    Raises
    ------
    UsageError
        There is no such variable (a close match is named), or the expression is wrong or raises.
    """
    source = expression.strip()
    if source.isidentifier() and not keyword.iskeyword(source):
        if source in variables:
            return variables[source]
        raise _unknown(expression, source, variables, option, typical)
    try:
        code = compile(source, f"<{option}>", "eval")
    except (SyntaxError, ValueError):
        raise UsageError(
            f"{option} {expression} is neither a variable nor an expression",
            f"""An expression stands in quotes: %%llm {option} "df[df.price > 10]".""",
        ) from None
    try:
        # The person's own code in the person's own notebook; in a copy, so that nothing of eval stays in it.
        return eval(code, dict(variables))
    except NameError as error:
        raise _unknown(expression, str(error.name or ""), variables, option, typical) from error
    except Exception as error:
        raise UsageError(f"{option} {expression} raised {type(error).__name__}: {error}") from error


def _unknown(
    expression: str, name: str, variables: Mapping[str, Any], option: str, typical: Sequence[str]
) -> UsageError:
    near = close_match(name, typical) or close_match(name, [known for known in variables if not known.startswith("_")])
    said, none = _KNOWN_AS.get(option, ("Variables", "There is none."))
    known = f"{said}: {', '.join(typical[:12])}." if typical else none
    what = f"{option} {expression}: " if expression.strip() != name else f"{option}: "
    return UsageError(f"{what}there is no variable {name}", near or known)
