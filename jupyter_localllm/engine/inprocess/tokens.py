"""The tokenizer of a model folder: text to tokens and back, without Transformers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_localllm.engine.constraint import Vocabulary
from jupyter_localllm.engine.inprocess.pieces import decoder_of, piece_maker
from jupyter_localllm.engine.text import REASONING_MARKS
from jupyter_localllm.engine.words import Lexicon
from jupyter_localllm.errors import DependencyMissing, EngineError
from jupyter_localllm.types import ModelFolder

__all__ = ["Tokens", "open_tokens"]

# Tokens by which models say that a turn is over, beside the one that their settings name: some settings name only the
# end of a whole text, and the model would go on and write the person's next question, too.
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>")
_FIM = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),  # Qwen2.5-Coder and others
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder, SmolLM
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder
)


def open_tokens(folder: ModelFolder) -> Tokens:
    """Read the tokenizer of a folder.

    Raises
    ------
    DependencyMissing
        The package ``tokenizers`` is not installed.
    EngineError
        Its ``tokenizer.json`` cannot be read.
    """
    how = 'pip install "jupyter_localllm[transformers]"'
    with DependencyMissing.unless_imported("models in folders need the package tokenizers", how):
        from tokenizers import Tokenizer
    try:
        read = Tokenizer.from_file(str(Path(folder.path) / "tokenizer.json"))
    except Exception as error:  # the package raises plain Exception
        raise EngineError(
            f"the tokenizer.json of {folder.name} cannot be read: {error}", "Download the folder again."
        ) from None
    return Tokens(read, folder)


class Tokens(Lexicon):
    """The tokenizer of a model folder. Used on the owner's thread only.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
    folder : ModelFolder
        Names the tokens that begin and end a text, and holds the chat template: added tokens that it uses are treated
        like control tokens.
    """

    def __init__(self, tokenizer: Any, folder: ModelFolder) -> None:
        super().__init__()
        # Settings of embedding models cut texts off silently and pad them.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._added = tokenizer.get_added_tokens_decoder()
        self._names: dict[int, str] = {token: name for name, token in tokenizer.get_vocab().items()}
        self.size = max(self._names, default=-1) + 1
        self._piece_of = piece_maker(decoder_of(tokenizer))
        self._pieces: dict[int, bytes] = {}
        self.bos = self._named_id(folder.special.get("bos_token", ""))
        self.adds_bos = self.bos >= 0 and tokenizer.encode("").ids[:1] == [self.bos]
        marks = "".join(mark.open + mark.close + mark.tail for mark in REASONING_MARKS)
        self._special = frozenset(token for token, added in self._added.items() if added.special)
        self._shown: set[int] = set()  # control tokens whose text the reasoning marks are made of
        self.control: tuple[str, ...] = tuple(self._control_texts(folder.chat_template, marks))
        self._ends = frozenset(self._all_ends(folder))

    def text(self, token: int) -> str:
        """The vocabulary's own text of a token, ``""`` for none."""
        return self._names.get(token, "")

    def fim(self) -> tuple[str, str, str] | None:
        """The texts of the tokens before, behind and for the gap, of a model that was trained to fill one."""
        return next((texts for texts in _FIM if all(self._named_id(text) >= 0 for text in texts)), None)

    def ends(self, token: int) -> bool:
        """Whether the model says by this token that it is done."""
        return token in self._ends

    def piece(self, token: int) -> bytes:
        """The bytes that a token adds to the text; nothing for control tokens other than reasoning marks."""
        if token not in self._pieces:
            hidden = token in self._special and token not in self._shown
            self._pieces[token] = b"" if hidden or token in self._ends else self._written(token)
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
        text = text.encode("utf-8", "replace").decode()  # half a surrogate is no text
        self._tokenizer.encode_special_tokens = not special
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=frame).ids
        return found

    def vocabulary(self, key: str, size: int) -> Vocabulary:
        """All tokens as plain values, for constraints.

        Parameters
        ----------
        key : str
            Names the vocabulary.
        size : int
            How many tokens the model has logits for: some have more than the tokenizer has tokens.
        """
        ends = frozenset(token for token in self._ends if token < size)
        special = frozenset(token for token in self._special | self._shown if token < size) | ends
        written = tuple(
            self.text(token).encode() if token in special else self._written(token) for token in range(size)
        )
        return Vocabulary(key, written, special, ends)

    def _written(self, token: int) -> bytes:
        if token in self._added:
            text: str = self._added[token].content
            return text.encode("utf-8", "replace")
        name = self._names.get(token)
        return self._piece_of(name) if name is not None else b""

    def _named_id(self, text: str) -> int:
        found = self._tokenizer.token_to_id(text) if text else None
        return -1 if found is None else int(found)

    def _all_ends(self, folder: ModelFolder) -> Iterable[int]:
        yield from folder.ends
        named = {folder.special.get("eos_token", ""), *_TURN_ENDS}
        yield from (token for token in map(self._named_id, named) if token >= 0)

    def _control_texts(self, chat_template: str, marks: str) -> Iterable[str]:
        for token, added in self._added.items():
            text = added.content
            # Added tokens that are not special are mostly plain text (runs of blanks): data may hold them. Those which
            # the chat template writes (<think>, <tool_call>) carry meaning, and data must not.
            if not added.special and (not text.strip() or text not in chat_template):
                continue
            if text and text in marks:
                self._shown.add(token)
            if text:
                yield text
