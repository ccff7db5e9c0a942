"""Days that there are: a date's pattern, leap years and the lengths of months included."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from jupyter_localllm.constrain.keywords import parts

__all__ = ["DATE", "exact_dates"]

_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"  # Python's calendar has no year 0
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_LONG, _SHORT = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])", "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_DAY = f"(?:{_LONG}|{_SHORT}|02-(?:0[1-9]|1[0-9]|2[0-8]))"
DATE = f"(?:{_YEAR}-{_DAY}|{_LEAP}-02-29)"
"""As Python's calendar has them, from the year 1 on."""


def exact_dates(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose dates are days that there are: llguidance's own ``format`` lets 2023-02-29 and the year 0 through.

    A part that has a pattern of its own is left as it is.

    Examples
    --------
    >>> "pattern" in exact_dates({"type": "string", "format": "date"})
    True
    """
    made = copy.deepcopy(dict(schema))
    for _, part in parts(made):
        if part.get("format") in ("date", "date-time") and "pattern" not in part:
            part["pattern"] = f"^{DATE}"
    return made
