"""Text to tokens and back."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

from jupyter_localllm.engine.constraint import Vocabulary
from jupyter_localllm.engine.llama.native import Native
from jupyter_localllm.engine.text import REASONING_MARKS
from jupyter_localllm.engine.words import Lexicon

__all__ = ["Vocab"]

_UNKNOWN, _CONTROL, _USER_DEFINED = 1 << 0, 1 << 3, 1 << 4  # llama_token_attr


class Vocab(Lexicon):
    """The tokenizer of a loaded model.

    Parameters
    ----------
    native : Native
    model : llama_model pointer
    chat_template : str
        The model's chat template: user-defined tokens that it uses are treated like control tokens.
    """

    def __init__(self, native: Native, model: Any, chat_template: str) -> None:
        super().__init__()
        self._lib, self._quick = native.lib, native.quick
        self._vocab = native.lib.llama_model_get_vocab(model)
        self.size: int = self._lib.llama_vocab_n_tokens(self._vocab)
        self.bos: int = self._lib.llama_vocab_bos(self._vocab)
        self.eos: int = self._lib.llama_vocab_eos(self._vocab)
        self.adds_bos: bool = self._lib.llama_vocab_get_add_bos(self._vocab)
        self._pieces: dict[int, bytes] = {}
        self._buffer = ctypes.create_string_buffer(256)
        self._ends = frozenset(t for t in range(self.size) if native.quick.llama_vocab_is_eog(self._vocab, t))
        marks = "".join(mark.open + mark.close + mark.tail for mark in REASONING_MARKS)
        self._shown: set[int] = set()  # control tokens whose text the reasoning marks are made of
        self.control: tuple[str, ...] = tuple(self._control_texts(chat_template, marks))

    def text(self, token: int) -> str:
        """The vocabulary's own text of a token, ``""`` for none."""
        if token < 0:
            return ""
        return (self._lib.llama_vocab_get_text(self._vocab, token) or b"").decode("utf-8", "replace")

    def fim(self) -> tuple[str, str, str] | None:
        """The texts of the tokens before, behind and for the gap, of a model that was trained to fill one."""
        lib, vocab = self._lib, self._vocab
        tokens = (lib.llama_vocab_fim_pre(vocab), lib.llama_vocab_fim_suf(vocab), lib.llama_vocab_fim_mid(vocab))
        prefix, suffix, middle = (self.text(token) for token in tokens)
        return (prefix, suffix, middle) if prefix and suffix and middle else None

    def ends(self, token: int) -> bool:
        """Whether the model says by this token that it is done (EOS, EOT, EOM, …)."""
        return token in self._ends

    def piece(self, token: int) -> bytes:
        """The bytes that a token adds to the text; nothing for control tokens other than reasoning marks."""
        if token not in self._pieces:
            self._pieces[token] = self._piece(token, token in self._shown)
        return self._pieces[token]

    def tokens(self, text: str, *, special: bool, frame: bool = False) -> list[int]:
        """Tokenize.

        Parameters
        ----------
        special : bool
            Whether the text of a control token becomes one.
        frame : bool
            Whether the tokens that the model wants around a whole text (BOS, CLS, SEP) are put there.
        """
        raw = text.encode("utf-8", "replace")
        size = len(raw) + 8
        while True:
            found = (ctypes.c_int32 * size)()
            count = self._lib.llama_tokenize(self._vocab, raw, len(raw), found, size, frame, special)
            if count >= 0:
                return found[:count]
            size = -count

    def vocabulary(self, key: str) -> Vocabulary:
        """All tokens as plain values, for constraints."""
        tokens = range(self.size)
        attributes = [self._quick.llama_vocab_get_attr(self._vocab, token) for token in tokens]
        special = {t for t in tokens if attributes[t] & (_UNKNOWN | _CONTROL)} | self._shown
        ends = frozenset(token for token in tokens if self.ends(token))
        written = tuple(self.text(t).encode() if t in special else self._piece(t, False) for t in tokens)
        return Vocabulary(key, written, frozenset(special | ends), ends)

    def _piece(self, token: int, special: bool) -> bytes:
        size = self._lib.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, special)
        if size < 0:
            self._buffer = ctypes.create_string_buffer(-size)
            size = self._lib.llama_token_to_piece(self._vocab, token, self._buffer, len(self._buffer), 0, special)
        return self._buffer.raw[: max(size, 0)]

    def _control_texts(self, chat_template: str, marks: str) -> Iterable[str]:
        attributes, vocab = self._quick.llama_vocab_get_attr, self._vocab
        for token in range(self.size):
            attribute = attributes(vocab, token)
            if not attribute & (_UNKNOWN | _CONTROL | _USER_DEFINED):
                continue
            text = self.text(token)
            # User-defined tokens are mostly plain text (runs of blanks, HTML tags): data may hold them. Those which the
            # chat template writes (<think>, <tool_call>) carry meaning, and data must not.
            if attribute & _USER_DEFINED and (not text.strip() or text not in chat_template):
                continue
            if text and text in marks:
                self._shown.add(token)
            if text:
                yield text
