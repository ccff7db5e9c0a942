"""Marks, and whether what is said is carried by what is cited.

`Marks` lets a model write only marks that exist, `Citing` checks an answer while it is written and puts its marks
right, `check_claim` looks up one sentence, and `check_again` looks all citations up again when variables may have
changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_localllm.cite.again import check_again
    from jupyter_localllm.cite.check import Checker, Verdict, check_claim
    from jupyter_localllm.cite.marks import Marks
    from jupyter_localllm.cite.parse import DOUBT, Mark, marks_in, without_marks
    from jupyter_localllm.cite.repair import Citing

__all__ = [
    "DOUBT",
    "Checker",
    "Citing",
    "Mark",
    "Marks",
    "Verdict",
    "check_again",
    "check_claim",
    "marks_in",
    "without_marks",
]

_HOMES = {
    "DOUBT": "parse",
    "Checker": "check",
    "Citing": "repair",
    "Mark": "parse",
    "Marks": "marks",
    "Verdict": "check",
    "check_again": "again",
    "check_claim": "check",
    "marks_in": "parse",
    "without_marks": "parse",
}


def __getattr__(name: str) -> Any:
    # Lazily (PEP 562): `%load_ext` imports the room without paying for what it does not use yet.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
