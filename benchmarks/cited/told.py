"""A text of our own, with questions in other words than its own, and questions that it leaves open."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Told"]


@dataclass(frozen=True)
class Told:
    """A short text and questions.

    Parameters
    ----------
    language : str
        Of the text and of the questions.
    text : str
    answered : tuple of (str, str)
        Questions, each with what its answer must hold.
    absent : tuple of str
        Questions about what the text does not say, most of them of something that it names.
    """

    language: str
    text: str
    answered: tuple[tuple[str, str], ...]
    absent: tuple[str, ...]
