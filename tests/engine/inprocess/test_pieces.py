"""What tokens write, in bytes, against the library's own decoders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.engine.inprocess.pieces import decoder_of, piece_maker

tokenizers = pytest.importorskip("tokenizers", reason="the package tokenizers is not installed")

CORPUS = ["Wörter naïve 日本 🙂 the quick brown fox. " * 4]


def byte_level() -> Any:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def with_fallback() -> Any:
    """As SentencePiece's models are converted: blanks are underlines, unknown characters are bytes."""
    names = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"thequickbrown", "▁t", "th", "▁the"]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    merges = [("▁", "t"), ("t", "h")]
    model = tokenizers.models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.Replace(" ", "▁")
    decoders = tokenizers.decoders
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


KINDS = {"byte level": byte_level(), "byte fallback": with_fallback()}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="▁\x00"), max_size=40))
def test_pieces_add_up_to_the_text(kind: str, text: str) -> None:
    """The bytes of a text's tokens, one after the other, are the text's."""
    tokenizer = KINDS[kind]
    make = piece_maker(decoder_of(tokenizer))
    written = b"".join(make(tokenizer.id_to_token(token)) for token in tokenizer.encode(text).ids)
    assert written == text.encode()


@pytest.mark.parametrize("kind", KINDS)
def test_single_tokens_are_as_decoded(kind: str) -> None:
    """Where a token is whole characters, the library's decoder says the same of it alone."""
    tokenizer = KINDS[kind]
    make = piece_maker(decoder_of(tokenizer))
    seen = 0
    for name, token in tokenizer.get_vocab().items():
        text = tokenizer.decode([token], skip_special_tokens=False)
        if "�" not in text:
            assert make(name) == text.encode(), name
            seen += 1
    assert seen > 100


def test_word_pieces() -> None:
    """Encoders' tokens: a mark stands for no blank before it."""
    make = piece_maker({"type": "WordPiece", "prefix": "##"})
    assert [make("un"), make("##able")] == [b" un", b"able"]
    assert piece_maker(None)("plain") == b"plain"
