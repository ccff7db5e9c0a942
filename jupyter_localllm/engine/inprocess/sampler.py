"""Choosing the next token, in numpy: the same steps in the same order as llama.cpp's, so that settings mean the same.

Sources: "The Curious Case of Neural Text Degeneration" (Holtzman et al. 2020) for top-p, "Locally Typical Sampling"
(Meister et al. 2023), "Turning Up the Heat: Min-p Sampling" (Nguyen et al. 2024), "CTRL" (Keskar et al. 2019) for the
repetition penalty; their order and details as documented for llama.cpp's ``llama_sampler``.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jupyter_localllm.engine.needs import Chooser
from jupyter_localllm.types import Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Sampler", "candidates"]


class Sampler(Chooser):
    """The choice of tokens for one answer.

    Parameters
    ----------
    sampling : Sampling
    prompt : sequence of int
        What came before; penalties look at its end.
    n_ctx : int
        The window, which is what ``repeat_last_n=-1`` means.
    """

    def __init__(self, sampling: Sampling, prompt: Sequence[int], n_ctx: int) -> None:
        import numpy as np

        self._sampling = sampling
        self._last_n = sampling.repeat_last_n if sampling.repeat_last_n >= 0 else n_ctx
        self._seen = list(prompt[-self._last_n :]) if sampling.penalised else []
        seed = secrets.randbits(64) if sampling.seed < 0 else sampling.seed
        self._random = np.random.default_rng(seed)

    def accept(self, tokens: Iterable[int]) -> None:
        """Hear which tokens came."""
        if self._sampling.penalised:
            self._seen = [*self._seen, *tokens][-self._last_n :]

    def _pick(self, logits: NDArray[np.float32]) -> int:
        if self._sampling.penalised:
            logits = self._penalised(logits)
        if self._sampling.greedy:
            return int(logits.argmax())
        tokens, chances = candidates(logits, self._sampling)
        at = int(chances.cumsum().searchsorted(self._random.random() * chances.sum(), side="right"))
        return int(tokens[min(at, len(tokens) - 1)])

    def _penalised(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        counts = Counter(self._seen)
        tokens = np.fromiter(counts.keys(), dtype=np.intp, count=len(counts))
        times = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        s = self._sampling
        changed: NDArray[np.float32] = logits.copy()
        values = changed[tokens]
        values = np.where(values <= 0, values * s.repeat_penalty, values / s.repeat_penalty)
        changed[tokens] = values - times * s.frequency_penalty - s.presence_penalty
        return changed


def candidates(logits: NDArray[np.float32], s: Sampling) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The tokens that may come next, and their chances.

    Parameters
    ----------
    logits : ndarray of shape (n_vocab,)
    s : Sampling
        Its temperature is above 0.

    Returns
    -------
    tokens : ndarray of shape (n,)
        The likeliest first.
    chances : ndarray of shape (n,)
        They sum to 1.
    """
    import numpy as np

    count = len(logits)
    if 0 < s.top_k < count:
        tokens = np.argpartition(logits, count - s.top_k)[count - s.top_k :]
    else:
        tokens = np.flatnonzero(np.isfinite(logits))
        tokens = tokens if len(tokens) else np.array([logits.argmax()])
    tokens = tokens[np.argsort(-logits[tokens], kind="stable")]
    kept = logits[tokens].astype(np.float64)
    if s.typical_p < 1.0:
        chance = _softmax(kept)
        surprise = -np.log(np.maximum(chance, 1e-300))
        order = np.argsort(np.abs(surprise - float((chance * surprise).sum())), kind="stable")
        few = np.sort(order[: _reach(chance[order], s.typical_p)])
        tokens, kept = tokens[few], kept[few]
    if s.top_p < 1.0:
        size = _reach(_softmax(kept), s.top_p)
        tokens, kept = tokens[:size], kept[:size]
    if s.min_p > 0.0:
        size = max(1, int((kept >= kept[0] + np.log(s.min_p)).sum()))
        tokens, kept = tokens[:size], kept[:size]
    return tokens, _softmax(kept / s.temperature)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)


def _reach(chances: NDArray[np.float64], share: float) -> int:
    """How many of them it takes to have that share, at least one."""
    return min(len(chances), int((chances.cumsum() < share).sum()) + 1)
