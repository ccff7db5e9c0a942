"""The prompts of the bench: of the same length, and none begins as another one does, so that nothing is reused."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["prompt_number"]

_SENTENCES = (
    "The ferry to the northern islands leaves at six in the morning and carries bread, letters and two buses.",
    "A gardener who plants pears must wait seven years, and then the birds know of them first.",
    "In the old observatory a brass clock has lost four minutes since the war, and nobody corrects it.",
    "Rain falls on the valley for ninety days, and on the ridge above it hardly ever.",
    "The museum shows a wooden calculator that could add, but only on dry days.",
    "Salt was once paid as tax here, and the tax office still has its scales.",
    "Two engineers measured the bridge at noon and at midnight, and found it a hand longer in the sun.",
    "The library lends out ladders, cake tins and, since last year, a telescope.",
    "Bees from the roof of the opera fly as far as the cemetery, where the lime trees are.",
    "A train without passengers runs every night so that the rails do not rust.",
    "The baker counts in dozens, the fisher in scores, and the school in tens.",
    "When the harbour froze, people walked to the lighthouse and found the keeper asleep.",
)
_TASK = "Write a long story in which all of this happens in one town."


def prompt_number(number: int, prompts: Sequence[str] = ()) -> str:
    """The prompt of a number, from 0; each number has another one.

    Parameters
    ----------
    number : int
    prompts : sequence of str
        The person's own, taken in turn; empty for ours of some 250 tokens.
    """
    if prompts:
        return f"({number + 1}) {prompts[number % len(prompts)]}"
    first = number % len(_SENTENCES)
    return f"({number + 1}) {' '.join((*_SENTENCES[first:], *_SENTENCES[:first]))} {_TASK}"
