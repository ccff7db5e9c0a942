"""Answers that follow a grammar, by llguidance.

Source: https://github.com/guidance-ai/llguidance (a lexer of regex derivatives under an Earley parser, walked over the
trie of the vocabulary). Nothing here knows llama.cpp: the trie is made of our own `Vocabulary`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jupyter_localllm.constrain.ending import ends_of, writable
from jupyter_localllm.constrain.kept import Kept
from jupyter_localllm.constrain.roomy import with_room
from jupyter_localllm.errors import DependencyMissing, UsageError

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLMatcher, LLTokenizer
    from numpy.typing import NDArray

    from jupyter_localllm.engine.constraint import Vocabulary

__all__ = ["GuidedMatcher", "llguidance", "refusal", "start_guided"]

# Without it llguidance forces the tokens of its own greedy tokenizer wherever only one text may follow, and then the
# mask allows less than `validate_tokens` does. Any tokens that write the text are right, the model's own first of all.
_ANY_TOKENS = '\n%llguidance {"no_forcing": true}\n'


def llguidance() -> Any:
    """The package.

    Raises
    ------
    DependencyMissing
        It is not installed.
    """
    who = "JSON schemas, regular expressions and grammars need llguidance"
    with DependencyMissing.unless_imported(who, 'pip install "jupyter_localllm[constrain]"'):
        import llguidance as package
    return package


def start_guided(grammar: str, key: str, vocabulary: Vocabulary, what: str) -> GuidedMatcher:
    """A matcher for a grammar, compiled once for each vocabulary.

    Parameters
    ----------
    grammar : str
        In the Lark dialect of llguidance.
    key : str
        The constraint's key.
    vocabulary : Vocabulary
        The model's tokens.
    what : str
        What the person gave, for errors: "JSON schema", "regular expression".

    Raises
    ------
    UsageError
        llguidance refuses it, would honour only a part of it, or nothing can be written under it.
    DependencyMissing
        llguidance is not installed.
    """
    ends = ends_of(vocabulary)
    compiled = _compiled.get((vocabulary.key, key), lambda: _compile(grammar, vocabulary, what))
    return GuidedMatcher(compiled.deep_copy(), vocabulary, ends, _usable(vocabulary))


def refusal(schema: dict[str, Any], vocabulary: Vocabulary) -> str:
    """What llguidance has against a JSON schema, in its words; empty if it takes it. Nothing is kept."""
    try:
        _compile(f"start: %json {json.dumps(schema, ensure_ascii=False)}", vocabulary, "JSON schema")
    except UsageError as error:
        return error.message
    return ""


_compiled: Kept[LLMatcher] = Kept(size=16)
_tokenizers: Kept[LLTokenizer] = Kept(size=2)
_masks: Kept[NDArray[np.uint8]] = Kept(size=2)


def _compile(grammar: str, vocabulary: Vocabulary, what: str) -> LLMatcher:
    package = llguidance()
    text = package.LLMatcher.grammar_from_lark(grammar + _ANY_TOKENS)

    def make() -> LLMatcher:
        tokenizer = _tokenizers.get(vocabulary.key, lambda: _tokenizer(vocabulary))
        matcher: LLMatcher = package.LLMatcher(tokenizer, text, log_level=0)
        if not matcher.is_error():
            matcher.compute_bitmask()  # the first step finds what is too large, and what nothing can fulfil
        return matcher

    matcher = with_room(make, f"This {what} cannot be used")
    if matcher.is_error():
        raise UsageError(f"This {what} cannot be used: {_words(matcher.get_error())}", _HINT)
    if warnings := matcher.get_grammar_warnings():
        raise UsageError(f"This {what} cannot be honoured in full: {_words('; '.join(warnings))}", _HINT)
    return matcher


_HINT = "Write it in another way, or leave out what is named here and check the answer yourself."


def _words(error: str) -> str:
    """What llguidance says, without the state of its parser and without the text that was given."""
    if error.startswith("NoExtensionBias"):
        return "no text fulfils it."
    error = re.sub(r"\n<(state|backtrace)>.*", "", error, flags=re.DOTALL)
    error = re.sub(r"\n +\d+ \| .*", "", error, flags=re.DOTALL)
    error = re.sub(r"^at \d+\(\d+\): (failed to compile JSON schema: )?", "", error).strip()
    # what is wrong often stands behind the whole text that was given
    return error if len(error) <= 600 else f"{error[:200]} … {error[-400:]}"


class _Tokens:
    """What `LLTokenizer` takes for a tokenizer (llguidance's ``TokenizerWrapper``).

    Only the tokens that end an answer are named as control tokens, with the mark 0xFF; all others that may never be
    in an answer write nothing, and so are in none.
    """

    is_tokenizer_wrapper = True
    bos_token_id = None

    def __init__(self, vocabulary: Vocabulary, ends: list[int]) -> None:
        self.eos_token_id = ends[0]
        self.special_token_ids = ends
        self.tokens = [b""] * len(vocabulary.tokens)
        for token in writable(vocabulary):
            self.tokens[token] = vocabulary.tokens[token]
        for token in ends:
            self.tokens[token] = b"\xff" + vocabulary.tokens[token]
        self._bytes = {text[0]: token for token, text in enumerate(self.tokens) if len(text) == 1}

    def __call__(self, text: str | bytes) -> list[int]:
        """Tokens that write a text. Asked for only where tokens are forced, so byte by byte is good enough."""
        data = text.encode() if isinstance(text, str) else text
        return [self._bytes[byte] for byte in data if byte in self._bytes]


def _tokenizer(vocabulary: Vocabulary) -> LLTokenizer:
    ends = ends_of(vocabulary)
    tokenizer: LLTokenizer = llguidance().LLTokenizer(_Tokens(vocabulary, ends), eos_token=ends)
    return tokenizer


def _usable(vocabulary: Vocabulary) -> NDArray[np.uint8]:
    """The writable tokens as a bit mask like those of llguidance."""

    def make() -> NDArray[np.uint8]:
        import numpy as np

        flags = np.zeros(-(-len(vocabulary.tokens) // 32) * 32, dtype=np.uint8)
        flags[writable(vocabulary)] = 1
        return np.packbits(flags, bitorder="little")

    return _masks.get(vocabulary.key, make)


class GuidedMatcher:
    """Where an answer stands in a grammar.

    A grammar may turn out to be too complex in the midst of an answer (llguidance bounds its own memory and time for
    each step), or there may be no token for what must come next. Nothing is raised then: the answer ends there, and
    `trouble` says why.
    """

    def __init__(self, matcher: LLMatcher, vocabulary: Vocabulary, ends: list[int], usable: NDArray[np.uint8]) -> None:
        import numpy as np

        self._matcher = matcher
        self._is_end = vocabulary.ends
        self._usable = usable
        self._n = len(vocabulary.tokens)
        self._ends = np.array(ends, dtype=np.intp)
        self._bits = np.zeros(len(usable), dtype=np.uint8)
        self._trouble = ""

    @property
    def finished(self) -> bool:
        """Whether the answer is complete, or cannot go on, and nothing but its end may follow."""
        return bool(self._trouble) or self._matcher.is_stopped()

    @property
    def trouble(self) -> str:
        """Why the answer had to end before it was complete; empty if it did not have to."""
        return self._trouble or (_words(self._matcher.get_error()) if self._matcher.is_error() else "")

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        if token in self._is_end:
            return self.finished or self._matcher.is_accepting()
        if not (0 <= token < self._n and self._usable[token >> 3] >> (token & 7) & 1) or self.finished:
            return False
        return self._matcher.validate_tokens([token]) == 1

    def advance(self, token: int) -> None:
        """Take a token that `allows` said yes to. Anything else changes nothing."""
        if token not in self._is_end and self.allows(token):
            self._matcher.consume_token(token)

    def restrict(self, logits: NDArray[np.float32]) -> None:
        """Put minus infinity in the place of all tokens that may not come next."""
        import numpy as np

        bits, ends = self._bits, logits[self._ends]
        bits.fill(0)
        if not self.finished:
            self._matcher.unsafe_compute_mask_ptr(bits.ctypes.data, len(bits))
            np.bitwise_and(bits, self._usable, out=bits)
        if not self.finished and not self._matcher.is_accepting() and not bits.any():
            self._trouble = "no token of this model may come next"
        ending = self.finished or self._matcher.is_accepting()
        if self.finished:
            bits.fill(0)
        np.invert(bits, out=bits)
        banned = np.unpackbits(bits, count=self._n, bitorder="little").view(np.bool_)
        np.putmask(logits[: self._n], banned, -np.inf)
        logits[self._n :] = -np.inf
        if ending:
            logits[self._ends] = ends
