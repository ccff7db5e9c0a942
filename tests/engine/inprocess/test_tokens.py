"""A folder's tokenizer as engines use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tokenizers", reason="the package tokenizers is not installed")

from jupyter_localllm.constrain import Choices
from jupyter_localllm.engine.inprocess.tokens import Tokens, open_tokens
from jupyter_localllm.errors import EngineError
from jupyter_localllm.types import ModelFolder
from tests.tiny_folders import TEMPLATE, make_tokenizer

END, THINK = 2, "<think>"


def opened(path: Path, **folder: Any) -> Tokens:
    """The tokenizer of a folder that says such things of itself."""
    special = {"eos_token": "<|im_end|>", "bos_token": "<|endoftext|>"}
    known: dict[str, Any] = {"chat_template": TEMPLATE, "special": special} | folder
    return open_tokens(ModelFolder("m", str(path), "0", 1, 1, "X", 512, 8, 8, **known))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    make_tokenizer(tmp_path)
    return tmp_path


def change(path: Path, **entries: Any) -> None:
    file = path / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | entries), encoding="utf-8")


def test_control_tokens_are_known(path: Path) -> None:
    """Special tokens are; added ones only where the template writes them, as they may stand in data otherwise."""
    assert set(opened(path).control) == {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
    assert THINK in opened(path, chat_template=TEMPLATE + THINK).control


def test_control_tokens_write_nothing(path: Path) -> None:
    """An added token writes its text, a special one nothing, unless somebody wants to see it."""
    words = opened(path)
    (start,), (think,) = words.tokens("<|im_start|>", special=True), words.tokens(THINK, special=True)
    assert (words.piece(start), words.piece(think)) == (b"", b"<think>")
    assert words.showing(("<|im_start|>",))(start) == b"<|im_start|>"


def test_all_that_ends_an_answer_ends_it(path: Path) -> None:
    """The tokens of the settings, the tokenizer's own, and those that end a turn in known formats."""
    words = opened(path, ends=(77,), special={})
    assert [token for token in range(words.size) if words.ends(token)] == [0, 2, 77]  # endoftext, im_end


def test_nothing_is_cut_off_or_padded(path: Path) -> None:
    """Settings of embedding models would shorten texts in silence."""
    before = opened(path).tokens("hello " * 50, special=True)
    truncation = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    padding = {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0}
    change(path, truncation=truncation, padding=padding | {"pad_type_id": 0, "pad_token": "<|endoftext|>"})
    assert opened(path).tokens("hello " * 50, special=True) == before
    assert len(opened(path).tokens("a", special=True)) == 1


def test_the_first_token_comes_once(path: Path) -> None:
    """Where the tokenizer puts one before a text, a prompt begins with it, also if the template writes it."""
    plain = opened(path)
    assert not plain.adds_bos
    post = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}},
    }
    change(path, post_processor=post)
    words = opened(path)
    assert words.adds_bos
    assert words.prompt(("hello",)) == [0, *plain.prompt(("hello",))] == words.prompt(("<|endoftext|>hello",))
    assert words.tokens("hello", special=False) == plain.tokens("hello", special=False)


def test_half_a_character_is_no_error(path: Path) -> None:
    """What is no Unicode text is read as a question mark."""
    words = opened(path)
    assert words.tokens("a\ud800b", special=False) == words.tokens("a?b", special=False)


def test_a_vocabulary_covers_all_logits(path: Path) -> None:
    """Also those for which there is no token: nothing may be written by them."""
    words = opened(path)
    vocabulary = words.vocabulary("key", words.size + 10)
    assert len(vocabulary.tokens) == words.size + 10
    assert vocabulary.tokens[-1] == b""
    assert vocabulary.ends <= vocabulary.special
    matcher = Choices(("hello",)).start(vocabulary)
    assert not any(matcher.allows(token) for token in range(words.size, words.size + 10))
    assert len(words.vocabulary("key", 100).tokens) == 100


def test_tokens_to_fill_a_gap(path: Path) -> None:
    """Of a model that was trained to fill one; none of others."""
    assert opened(path).fim() is None
    read = json.loads((path / "tokenizer.json").read_text(encoding="utf-8"))
    names = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    more = [{"id": 600 + i, "content": name, **flags} for i, name in enumerate(names)]
    change(path, added_tokens=read["added_tokens"] + more)
    assert opened(path).fim() == names


def test_a_broken_file_is_told(path: Path) -> None:
    """With the folder, and what to do."""
    (path / "tokenizer.json").write_text("{}")
    with pytest.raises(EngineError, match=r"tokenizer\.json of m cannot be read") as caught:
        opened(path)
    assert caught.value.hint
