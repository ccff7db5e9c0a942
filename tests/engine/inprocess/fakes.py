"""A network of plain Python, and a tokenizer of words: what drives a network is tested without any library."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from jupyter_localllm.engine.words import Lexicon

END = 0
WORDS = ("<end>", "a", "b", "c", "d", "e", "f", "g")


class FakeWords(Lexicon):
    """A token is a letter; 0 is the end."""

    def tokens(self, text: str, *, special: bool, frame: bool = False) -> list[int]:
        return [WORDS.index(letter) for letter in re.findall("[a-g]", text)]

    def text(self, token: int) -> str:
        return WORDS[token]

    def piece(self, token: int) -> bytes:
        return b"" if token == END else WORDS[token].encode()

    def ends(self, token: int) -> bool:
        return token == END


class FakeNetwork:
    """The next token follows from all that its cache holds, so a wrong cache gives another answer."""

    device, kind, weights_bytes, memory_bytes, n_ctx = "nowhere", "integers", 8, 8, 64
    grid = 4

    def __init__(self, *, goes_back: bool = True) -> None:
        self.goes_back = goes_back
        self.log: list[tuple[int, ...]] = []  # what was read in each pass
        self.fails_at: int | None = None  # a token at which reading fails
        self.caches = 0

    def start(self) -> list[int]:
        self.caches += 1
        return []

    def read(self, tokens: Sequence[int], cache: list[int]) -> None:
        if self.fails_at in tokens:
            raise RuntimeError("out of memory, says the fake")
        self.log.append(tuple(tokens))
        cache += tokens

    def logits(self, tokens: Sequence[int], cache: list[int]) -> np.ndarray:
        self.read(tokens, cache)
        found = np.zeros(len(WORDS), dtype=np.float32)
        found[next_token(cache)] = 1.0
        return found

    def cut(self, cache: list[int], held: int, keep: int) -> bool:
        assert held == len(cache), "the account and the cache disagree"
        if self.goes_back:
            del cache[keep:]
        return self.goes_back

    def embed(self, tokens: Sequence[int]) -> np.ndarray:
        return np.ones(2, dtype=np.float32)

    def free(self) -> None:
        pass


def next_token(read: Sequence[int]) -> int:
    """What follows so many tokens: never the end."""
    total = 0
    for token in read:
        total = (total * 31 + token + 1) % 10_007
    return 1 + total % (len(WORDS) - 1)


def continuation(prompt: Sequence[int], count: int) -> str:
    """What the fake says after a prompt."""
    read = list(prompt)
    for _ in range(count):
        read.append(next_token(read))
    return "".join(WORDS[token] for token in read[len(prompt) :])
