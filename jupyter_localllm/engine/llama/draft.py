"""A small model that guesses what a large one goes on with.

The method is speculative decoding (Leviathan et al., 2023; Chen et al., 2023) with a greedy draft: the large model
verifies a whole guess in one step, and every token is its own choice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from jupyter_localllm.engine.llama.lookup import DraftLength
from jupyter_localllm.engine.llama.resident import Aborted, NoRoom, Resident
from jupyter_localllm.engine.llama.sequence import Sequence
from jupyter_localllm.engine.llama.vocab import Vocab
from jupyter_localllm.engine.words import common_length
from jupyter_localllm.errors import EngineError

__all__ = ["DraftModel", "ModelDrafter", "check_vocabularies"]

_LEAST_PROBABILITY = 0.75  # below it the guess ends, as with llama.cpp's --draft-p-min in its examples
_EVIDENCE = 8  # as good as a match of so many tokens, before anything is known
_SAMPLE = 101  # every so many tokens are compared


class DraftModel:
    """The small model and what it has read.

    Parameters
    ----------
    resident : Resident
        Loaded with one sequence.
    """

    def __init__(self, resident: Resident) -> None:
        self.resident = resident
        self._known: list[int] = []

    def guess(self, history: list[int], most: int, ticket_abort: object) -> list[int]:
        """At most `most` tokens that may follow `history`; it ends where the model is not sure."""
        if len(history) + most > self.resident.n_ctx:
            return []
        self.resident.watch(ticket_abort)  # type: ignore[arg-type]
        try:
            logits_row = self._read(history)
            found: list[int] = []
            while True:
                logits = self.resident.logits(logits_row)
                token = int(logits.argmax())
                if self._unsure(logits, token) or self.resident.vocab.ends(token):
                    return found
                found.append(token)
                if len(found) == most:
                    return found
                logits_row = self._decode([token])
        except (Aborted, NoRoom, EngineError):  # no guess is no harm
            self.forget()
            return []

    def forget(self) -> None:
        """Empty the context."""
        self.resident.memory.clear()
        self._known.clear()

    def _read(self, history: list[int]) -> int:
        """Bring the context up to `history`; the row of the last token's logits."""
        shared = min(common_length(self._known, history), len(history) - 1)
        if shared < len(self._known):
            if not self.resident.memory.cut(0, shared):
                shared = 0
                self.forget()
            del self._known[shared:]
        row, size = -1, self.resident.n_batch
        for at in range(shared, len(history), size):
            row = self._decode(history[at : at + size])
        return row

    def _decode(self, tokens: list[int]) -> int:
        batch = self.resident.batch
        batch.clear()
        first = batch.add(tokens, len(self._known), 0, wanted=1)
        self.resident.decode()
        self._known += tokens
        return first + len(tokens) - 1

    @staticmethod
    def _unsure(logits: object, token: int) -> bool:
        import numpy as np

        values = np.asarray(logits)
        return 1 / float(np.exp(values - values[token], dtype=np.float32).sum()) < _LEAST_PROBABILITY


class ModelDrafter:
    """Guesses of a draft model for one answer, as long as they pay."""

    def __init__(self, sequence: Sequence, model: DraftModel, cost: Callable[[int], float]) -> None:
        self._sequence, self._model = sequence, model
        self._token_ms = 0.0  # of the draft model
        self._spent_ms = 0.0  # on the guess that is being verified
        self._length = DraftLength(lambda n: cost(n) + (n - 1) * self._token_ms)

    def draft(self, most: int) -> list[int]:
        """What the small model would say."""
        size = self._length.choose(_EVIDENCE, most) if most > 0 else 0
        if size == 0:
            return []
        begun = time.perf_counter()
        guess = self._model.guess(self._sequence.history, size, self._sequence.ticket.abort)
        self._spent_ms = (time.perf_counter() - begun) * 1000
        each = self._spent_ms / (len(guess) + 1)
        self._token_ms = each if not self._token_ms else self._token_ms + 0.2 * (each - self._token_ms)
        return guess

    def observe(self, drafted: int, accepted: int, step_ms: float) -> None:
        """Keep the account, the time for guessing included."""
        spent, self._spent_ms = self._spent_ms, 0.0
        if drafted:
            self._length.observe(drafted, accepted, step_ms + spent)
        elif spent and math.isfinite(spent):
            self._length.observe(0, 0, step_ms + spent)
        else:
            self._length.plain(step_ms)


def check_vocabularies(model: Vocab, draft: Vocab, name: str) -> None:
    """Whether a draft model's tokens are the model's.

    Raises
    ------
    EngineError
        They are not: its guesses would be nonsense.
    """
    same = model.size == draft.size and all(
        model.text(token) == draft.text(token) for token in {*range(0, model.size, _SAMPLE), model.bos, model.eos}
    )
    if not same:
        raise EngineError(
            f"the draft model {name} has another vocabulary ({draft.size:,} tokens; the model has {model.size:,})",
            "Choose a small model of the same family, or leave draft_model empty.",
        )
