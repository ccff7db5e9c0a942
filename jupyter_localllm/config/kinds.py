"""Kinds of settings that traitlets does not have."""

from __future__ import annotations

import math
import os
import re
from typing import Any

from traitlets import Float, Unicode

from jupyter_localllm.errors import SettingsError

__all__ = ["Finite", "VariableNames"]

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LIKE_A_KEY = re.compile(r"(?=\w*\d)(?=\w*[a-z])\w{20,}", re.ASCII)


class Finite(Float[float, "float | int"]):
    """A number that is one: NaN is within any bounds for traitlets."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Refuse infinities, too."""
        number = super().validate(obj, value)
        if not math.isfinite(number):
            self.error(obj, value)
        return number


class VariableNames(Unicode[str, "str | bytes"]):
    """Names of variables of the environment that hold keys: ``VARIABLE``, or ``host=VARIABLE`` with commas between.

    A setting is shown, logged and saved. So what can only be a key itself is refused, in words that do not repeat it.
    """

    def validate(self, obj: Any, value: Any) -> Any:
        """Refuse what is no name."""
        text = super().validate(obj, value)
        if all(map(_is_name, filter(None, map(str.strip, text.split(","))))):
            return text
        raise SettingsError(
            f"{self.name} names variables of the environment, and this holds something else, perhaps a key itself",
            f"Set a variable to the key, and {self.name} to the variable's name, or to host=VARIABLE.",
        )


def _is_name(part: str) -> bool:
    variable = part.rpartition("=")[2].strip()
    if not variable:  # told by those who read it
        return True
    return variable in os.environ or (_NAME.fullmatch(variable) is not None and not _LIKE_A_KEY.fullmatch(variable))
