"""Choosing the next token."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.types import Sampling

__all__ = ["Sampler"]


class Sampler:
    """llama.cpp's sampler chain for one `Sampling` value, in llama.cpp's own order.

    Plain greedy choice needs no chain: it is the argmax of the logits, 5 times faster than to build an array of
    candidates for the whole vocabulary.
    """

    def __init__(self, native: Native, sampling: Sampling, n_vocab: int, n_ctx: int) -> None:
        self._lib = native.lib
        self._n_vocab, self._n_ctx = n_vocab, n_ctx
        self._argmax = sampling.greedy and not sampling.penalised
        self._chain: Any = None if self._argmax else self._build(sampling)

    def accept(self, tokens: Iterable[int]) -> None:
        """Tell the penalties what came before the answer."""
        if self._chain is not None:
            for token in tokens:
                self._lib.llama_sampler_accept(self._chain, token)

    def choose(self, context: Any, row: int) -> int:
        """The next token after the batch's row `row` (-1 for the last one that has logits)."""
        if self._argmax:
            import numpy as np

            logits = self._lib.llama_get_logits_ith(context, row)
            return int(np.ctypeslib.as_array(logits, (self._n_vocab,)).argmax())
        return int(self._lib.llama_sampler_sample(self._chain, context, row))

    def close(self) -> None:
        """Free the chain."""
        if self._chain is not None:
            self._lib.llama_sampler_free(self._chain)
            self._chain = None

    def _build(self, s: Sampling) -> Any:
        lib = self._lib
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        links = []
        if s.penalised:
            last_n = (
                s.repeat_last_n if s.repeat_last_n >= 0 else self._n_ctx
            )  # -1 is the window, as in llama.cpp's tools
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
