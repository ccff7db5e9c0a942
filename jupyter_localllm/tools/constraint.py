"""Text, or calls under their schemas: what an answer may be while there are tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_localllm.engine.constraint import Vocabulary

if TYPE_CHECKING:
    from jupyter_localllm.constrain.guided import GuidedMatcher

__all__ = ["Calls", "opened"]


@dataclass(frozen=True)
class Calls:
    """An answer in a format of calls.

    Parameters
    ----------
    grammar : str
        In the Lark dialect of llguidance, made by the format.
    shown : tuple of str
        Control tokens that may be part of it, by their texts.
    """

    grammar: str
    shown: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Canonical text."""
        return "\x1f".join(("calls:", *self.shown, self.grammar))

    def start(self, vocabulary: Vocabulary) -> GuidedMatcher:
        """A matcher; see `Constraint.start`."""
        from jupyter_localllm.constrain.guided import start_guided

        return start_guided(self.grammar, self.key, opened(vocabulary, self.shown), "set of tools")


def opened(vocabulary: Vocabulary, shown: tuple[str, ...]) -> Vocabulary:
    """A vocabulary in which some control tokens are text: they write their names.

    Those that end an answer stay what they are.
    """
    texts = {text.encode() for text in shown}
    free = frozenset(t for t in vocabulary.special - vocabulary.ends if vocabulary.tokens[t] in texts)
    if not free:
        return vocabulary
    key = "\x1f".join((vocabulary.key, *sorted(map(str, free))))
    return Vocabulary(key, vocabulary.tokens, vocabulary.special - free, vocabulary.ends)
