"""What a report must hold to before somebody reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_localllm.report.collect import KeptAnswer

__all__ = ["Figures", "Gates", "Verdict", "figures", "judged"]


@dataclass(frozen=True)
class Figures:
    """What is counted over all answers of a report.

    Parameters
    ----------
    answers, cached, abstained, errors : int
        Answers; those that came from the cache, that say the sources do not tell, that have an error.
    supported, unsupported, unchecked, stale : int
        Claims with a citation, by its status. An answer that is shown again adds none: whoever shows a good one often
        would pass a gate by it.
    """

    answers: int = 0
    cached: int = 0
    abstained: int = 0
    errors: int = 0
    supported: int = 0
    unsupported: int = 0
    unchecked: int = 0
    stale: int = 0

    @property
    def doubtful(self) -> int:
        """Claims that were checked and do not hold: not in the source, or not any more."""
        return self.unsupported + self.stale

    @property
    def checked(self) -> int:
        """Claims that were checked."""
        return self.supported + self.doubtful

    @property
    def share(self) -> float | None:
        """Share of the checked claims that are supported; None if none was checked."""
        return self.supported / self.checked if self.checked else None


@dataclass(frozen=True)
class Gates:
    """What is required; None and False require nothing.

    Parameters
    ----------
    supported : float or None
        Least share of the checked claims that are supported, 0 to 1.
    cached : bool
        Whether each answer must come from the cache.
    unsupported : int or None
        Most claims that are not supported.
    """

    supported: float | None = None
    cached: bool = False
    unsupported: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What came of one gate.

    Parameters
    ----------
    gate : str
        As on the command line: ``"require-supported"`` …
    asked, found : float or int or None
        What is required, and what is there.
    passed : bool
    told : str
        In a sentence.
    offenders : tuple of int
        Which answers it is about, by their place among all answers.
    """

    gate: str
    asked: float | int
    found: float | int | None
    passed: bool
    told: str
    offenders: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For ``report.json``."""
        return {
            "gate": self.gate,
            "asked": self.asked,
            "found": self.found,
            "passed": self.passed,
            "told": self.told,
            "answers": list(self.offenders),
        }


def figures(answers: Sequence[KeptAnswer]) -> Figures:
    """Count."""
    told = {_identity(answer) or index: answer for index, answer in enumerate(answers)}.values()
    return Figures(
        answers=len(answers),
        cached=sum(answer.cached is True for answer in answers),
        abstained=sum(answer.abstained for answer in answers),
        errors=sum(answer.error is not None for answer in answers),
        supported=sum(answer.supported for answer in told),
        unsupported=sum(answer.unsupported for answer in told),
        unchecked=sum(answer.unchecked for answer in told),
        stale=sum(answer.stale for answer in told),
    )


def _identity(answer: KeptAnswer) -> tuple[object, ...] | None:
    """What an answer has whenever it is shown; None where nothing says which it is.

    Claims that stand otherwise by then, as after their variable has changed, count again.
    """
    key = answer.record.get("key")
    counts = (answer.supported, answer.unsupported, answer.unchecked, answer.stale)
    return (key, answer.text, counts) if isinstance(key, str) and key else None


def judged(gates: Gates, answers: Sequence[KeptAnswer]) -> tuple[Verdict, ...]:
    """What comes of each gate that is set."""
    return tuple(_verdicts(gates, answers, figures(answers)))


def _verdicts(gates: Gates, answers: Sequence[KeptAnswer], counted: Figures) -> Iterator[Verdict]:
    unsupported = tuple(index for index, answer in enumerate(answers) if answer.unsupported or answer.stale)
    if gates.supported is not None:
        yield _supported(gates.supported, counted, unsupported)
    if gates.unsupported is not None:
        passed = counted.doubtful <= gates.unsupported
        told = f"{counted.doubtful:,} claims are not supported"
        yield Verdict(
            "max-unsupported", gates.unsupported, counted.doubtful, passed, told, () if passed else unsupported
        )
    if gates.cached:
        made = tuple(index for index, answer in enumerate(answers) if _was_made(answer))
        told = f"{len(made):,} of {len(answers):,} answers did not come from the cache"
        yield Verdict("require-cached", 0, len(made), not made, told, made)


def _supported(least: float, counted: Figures, unsupported: tuple[int, ...]) -> Verdict:
    share = counted.share
    if share is None:
        # A report that lost its citations must not pass because nothing of it can be wrong.
        return Verdict("require-supported", least, None, False, "no claim of it was checked, so none is known to hold")
    told = f"{counted.supported:,} of {counted.checked:,} checked claims are supported ({share:.2%})"
    passed = share >= least
    return Verdict("require-supported", least, round(share, 6), passed, told, () if passed else unsupported)


def _was_made(answer: KeptAnswer) -> bool:
    """Whether an answer is not the cache's, or nothing says so. Without a key and an error no model was asked."""
    return not answer.cached and (answer.cached is False or answer.error is not None or bool(answer.record.get("key")))
