"""Who is asked a question: the models that the rules allow, in which order, and what speaks against the others."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_localllm.engine.router.member import Member
from jupyter_localllm.engine.router.rules import task_of
from jupyter_localllm.engine.served.estimate import estimated
from jupyter_localllm.errors import EngineError
from jupyter_localllm.types import Job

__all__ = ["Choice"]


class Choice:
    """The choice among the models of a router for one question.

    Parameters
    ----------
    name : str
        The router's.
    members : sequence of Member
        In the order of preference.
    job : Job

    Raises
    ------
    EngineError
        No rule allows the question: says what each rule is about.
    """

    def __init__(self, name: str, members: Sequence[Member], job: Job) -> None:
        task, size = task_of(job), sum(estimated(m.content) for m in job.prompt.messages) + job.max_tokens
        self._members = members
        self._against = {member: why for member in members if (why := member.refusal(task, size))}
        allowed = [member for member in members if member not in self._against]
        if not allowed:
            refused = "; ".join(self._against.values())
            raise EngineError(
                f"no rule of {name} allows this question ({task}, about {size:,} tokens): {refused}",
                "Give the last model no rules, so that somebody always answers.",
            )
        last = {member: why for member in allowed if (why := member.last_resort)}
        self.in_turn = sorted(allowed, key=last.__contains__)
        self._failed = {member for member in allowed if member.resting}
        self._tried: set[Member] = set()
        self._against |= last

    def passed(self, member: Member, why: str, *, failed: bool) -> None:
        """One was tried, and the next one is asked in its place."""
        self._against[member] = why
        self._tried.add(member)
        if failed:
            self._failed.add(member)

    def said_of(self, chosen: Member) -> tuple[str, bool]:
        """Why one is asked and not those before it, empty if there are none; and whether it stands in for a failure."""
        before = self._members[: self._members.index(chosen)]
        others = [one for one in self._against if one is not chosen and (one in before or one in self._tried)]
        others.sort(key=self._members.index)
        return "; ".join(self._against[one] for one in others), any(one in self._failed for one in others)
