"""Choosing the next token."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.engine.needs import Chooser
from jupyter_localllm.types import Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Sampler", "Samplers"]


class Samplers:
    """llama.cpp's sampler chains, built once for each `Sampling` value.

    Parameters
    ----------
    native : Native
    n_vocab, n_ctx : int
    """

    _MOST = 16

    def __init__(self, native: Native, n_vocab: int, n_ctx: int) -> None:
        self._native, self._n_vocab, self._n_ctx = native, n_vocab, n_ctx
        self._chains: dict[Sampling, Any] = {}
        self._candidates: Candidates | None = None

    def start(self, sampling: Sampling, prompt: list[int]) -> Sampler:
        """A sampler for one answer: a copy of the chain, at its beginning, that has seen the prompt."""
        if sampling.greedy and not sampling.penalised:
            return Sampler(self._native, None, None)
        if self._candidates is None:
            self._candidates = Candidates(self._native.lib, self._n_vocab)
        if sampling.seed < 0:  # a new seed each time: nothing to keep
            chain = self._build(sampling)
        else:
            if sampling not in self._chains:
                self._keep(sampling, self._build(sampling))
            chain = self._native.quick.llama_sampler_clone(self._chains[sampling])
        sampler = Sampler(self._native, chain, self._candidates)
        if sampling.penalised:
            sampler.accept(prompt[-sampling.repeat_last_n :] if sampling.repeat_last_n > 0 else prompt)
        return sampler

    def close(self) -> None:
        """Free the chains."""
        while self._chains:
            self._native.quick.llama_sampler_free(self._chains.popitem()[1])

    def _keep(self, sampling: Sampling, chain: Any) -> None:
        if len(self._chains) == self._MOST:
            self._native.quick.llama_sampler_free(self._chains.pop(next(iter(self._chains))))
        self._chains[sampling] = chain

    def _build(self, s: Sampling) -> Any:
        """The links, in llama.cpp's own order."""
        lib = self._native.lib
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        links = []
        if s.penalised:
            last_n = s.repeat_last_n if s.repeat_last_n >= 0 else self._n_ctx  # -1 is the window, as in its tools
            links.append(
                lib.llama_sampler_init_penalties(
                    self._n_vocab, last_n, s.repeat_penalty, s.frequency_penalty, s.presence_penalty
                )
            )
        if s.greedy:
            links.append(lib.llama_sampler_init_greedy())
        else:
            # 2**32 - 1 is llama.cpp's word for "a random one".
            seed = secrets.randbelow(2**32 - 1) if s.seed < 0 else s.seed % (2**32 - 1)
            links += [
                lib.llama_sampler_init_top_k(s.top_k),
                lib.llama_sampler_init_typical(s.typical_p, 1),
                lib.llama_sampler_init_top_p(s.top_p, 1),
                lib.llama_sampler_init_min_p(s.min_p, 1),
                lib.llama_sampler_init_temp(s.temperature),
                lib.llama_sampler_init_dist(seed),
            ]
        for link in links:
            lib.llama_sampler_chain_add(chain, link)
        return chain


class Candidates:
    """The array of all tokens that a chain works on, filled anew for each choice."""

    def __init__(self, lib: Any, n_vocab: int) -> None:
        import numpy as np

        self._data = np.zeros(n_vocab, dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        self._order = np.arange(n_vocab, dtype=np.int32)
        self._array = lib.llama_token_data_array()
        self._array.data = ctypes.cast(self._data.ctypes.data, lib.llama_token_data_p)
        self.address = ctypes.addressof(self._array)

    def fill(self, logits: NDArray[np.float32]) -> None:
        """Begin with these logits."""
        self._data["id"] = self._order  # the last chain sorted them
        self._data["logit"] = logits
        self._array.size, self._array.selected, self._array.sorted = len(self._data), -1, False

    @property
    def selected(self) -> int:
        """The token that a chain chose."""
        return int(self._data["id"][self._array.selected])


class Sampler(Chooser):
    """The choice of tokens for one answer.

    Plain greedy choice needs no chain: it is the argmax of the logits, many times faster than to fill an array of
    candidates for the whole vocabulary.
    """

    def __init__(self, native: Native, chain: Any, candidates: Candidates | None) -> None:
        self._quick, self._chain, self._candidates = native.quick, chain, candidates

    def accept(self, tokens: Iterable[int]) -> None:
        """Tell the chain which tokens came."""
        if self._chain is not None:
            for token in tokens:
                self._quick.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        """Free the chain."""
        if self._chain is not None:
            self._quick.llama_sampler_free(self._chain)
            self._chain = None

    def _pick(self, logits: NDArray[np.float32]) -> int:
        if self._candidates is None:
            return int(logits.argmax())
        self._candidates.fill(logits)
        self._quick.llama_sampler_apply(self._chain, self._candidates.address)
        return self._candidates.selected
