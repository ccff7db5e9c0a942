# ruff: noqa: RUF001 - signs that look alike are what has to be read here
"""Marks that can only hold numbers which exist."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from jupyter_localllm.cite.marks import Marks
from jupyter_localllm.engine.constraint import Vocabulary
from jupyter_localllm.errors import UsageError
from tests.constrain.contract import ConstraintContract, Sample, allowed_by_mask, allowed_one_by_one, campaign, walk
from tests.constrain.vocabularies import of_pieces
from tests.tiny_models import byte_alphabet

_COMPOSED = (
    *("[1", "[12", "[99", "][", "][2", "] [", "[[", "]]", " [", "[ ", "[^", "^9", "1]", "9]", "99", "12", ", 1", ", 9"),
    *("```", "``", "~~~", "```\n", "\n```", "\n```\n", "`x[", "x[9]", "[9]`", "\n\n", "\r\n", "- ", "1. ", "> ", "   "),
    *("\\[", "\\`", "](", "<a", "| ", "٣", "[٩", "９", "–", "[x]", "[ ]", '["a"', "3.14", "[3.14", "[0.5, 2]", "]("),
    *("[text](url)", "\n- `", "`]`", "]:", "(`", " `", "` ", "\t", "    ", "~", "[9`", "]`", "\n\n[9", "\n[", "“", "”"),
)


def brackets_vocabulary() -> Vocabulary:
    single = [bytes([byte]) for byte in range(256)]
    tokens = (b"</s>", *single, *(piece.encode() for piece in _COMPOSED), b"\xe2\x80", b"\xd9", b"")
    return Vocabulary("brackets", tokens, frozenset({0}), frozenset({0}))


BRACKETS = brackets_vocabulary()
LIKELY = np.array(
    [
        2.0 if piece in {p.encode() for p in _COMPOSED} or set(piece) <= set(b"[]`0129, \n") else 0.0
        for piece in BRACKETS.tokens
    ],
    dtype=np.float32,
)
_MARK = re.compile(r"\[\s*\^?\s*(\d+(?:\s*[,;–-]\s*\d+)*)\s*\]")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def shown_texts(markdown: str) -> list[str]:
    """What a reader of the rendered Markdown sees outside of code, by another parser than ours."""
    texts = []
    for block in _MARKDOWN.parse(markdown):
        line = ""
        for child in block.children or ():
            if child.type == "text":
                line += child.content
            else:
                texts.append(line)
                line = "\n" if child.type in ("softbreak", "hardbreak") else ""
        texts.append(line)
    return texts


def wrong_marks(markdown: str, count: int) -> list[str]:
    found = [mark for text in shown_texts(markdown) for mark in _MARK.finditer(text)]
    return [m[0] for m in found if not all(1 <= int(number) <= count for number in re.findall(r"\d+", m[1]))]


def decode(
    constraint: Marks, vocabulary: Vocabulary, seed: int, *, most: int = 150, bias: np.ndarray | None = None
) -> tuple[str, bool]:
    """An answer of random logits, and whether it ended by itself."""
    rng, matcher, written = np.random.default_rng(seed), constraint.start(vocabulary), b""
    for _ in range(most):
        logits = rng.gumbel(size=len(vocabulary.tokens) + 3).astype(np.float32)
        logits[len(vocabulary.tokens) :] = -9
        if bias is not None:
            logits[: len(bias)] += bias
        logits[sorted(vocabulary.ends)] += 2
        token = int(logits.argmax())
        if not matcher.allows(token):
            matcher.restrict(logits)
            token = int(logits.argmax())
            assert logits[token] > -np.inf
            assert matcher.allows(token)
        if token in vocabulary.ends:
            return written.decode("utf-8", "replace"), True
        matcher.advance(token)
        written += vocabulary.tokens[token]
    return written.decode("utf-8", "replace"), False


def says_yes(text: str, count: int = 3) -> bool:
    """Whether a text can be written byte by byte, and the answer can end there."""
    matcher = Marks(count).start(BRACKETS)
    for byte in text.encode():
        if not matcher.allows(byte + 1):
            return False
        matcher.advance(byte + 1)
    return matcher.allows(0)


class TestMarks(ConstraintContract):
    samples = (
        Sample(lambda: Marks(3), lambda text: not wrong_marks(text, 3)),
        Sample(lambda: Marks(0), lambda text: not wrong_marks(text, 0)),
        Sample(lambda: Marks(2, ["Paris and é", "abc"]), lambda text: not wrong_marks(text, 2)),
    )

    def test_answers_are_right(self) -> None:
        """Random bytes are no text: the tests below read them with replacements."""

    def test_a_poor_vocabulary_never_hangs(self) -> None:
        """With tokens for hardly anything a token is left at every step."""
        poor = of_pieces([b"[", b"9", b"`", b"\xc3"], "poor brackets")
        walk(Marks(1).start(poor), poor, np.random.default_rng(0), check=True)


@campaign(400)
@given(seed=st.integers(0, 2**32 - 1), count=st.sampled_from([0, 1, 3, 12, 130]))
def test_random_logits_write_no_wrong_mark(seed: int, count: int) -> None:
    """Whatever a model prefers, another parser finds only marks with numbers that exist, also where it was cut off."""
    text, ended = decode(Marks(count), BRACKETS, seed, bias=LIKELY)
    if not ended:  # code on a line that was cut off before its end is text to a parser
        text = text[: max(text.rfind("\n"), 0)] if text.rpartition("\n")[2].count("`") else text
    assert not wrong_marks(text, count), text


@campaign(40)
@given(seed=st.integers(0, 2**32 - 1))
def test_mask_and_question_agree(seed: int) -> None:
    """At every step `allows` says yes to just those tokens that `restrict` leaves, and one is left."""
    for constraint in (Marks(12), Marks(2, ["a [99] “b” c", "x"])):
        rng, matcher = np.random.default_rng(seed), constraint.start(BRACKETS)
        for _ in range(25):
            allowed = allowed_one_by_one(matcher, BRACKETS)
            assert allowed
            assert allowed == allowed_by_mask(matcher, BRACKETS)
            logits = rng.gumbel(size=len(LIKELY)) + LIKELY
            matcher.advance(max(allowed - {0}, key=logits.__getitem__))


@pytest.mark.parametrize(
    "text",
    [
        "Berlin [1].",
        "Berlin [1][3], and [1, 2] or [2,3].",
        "pi is 3.14, in [a, 2] and [-1]",
        '[text](url) [x] [ ] - [ ] todo [] ["a", 1] [see 99] [ 0.5, 2 ] [[1]]',
        "```python\nx[99] = [3.14, 2]\n```\nand [1].",
        "~~~\n[99]\n~~~\n[2]",
        "   ```\n   [99]\n   ```\n",
        "the index `x[99]` and ``a`[7]`` are code [1]",
        "`x[99].mean(axis=[0, 1])` [1]\n\n`y[50]`",
        "| `a[0]` | b |\n|---|---|\n| `a[0]` [1] | 2 |",
        "```\nnever closed [99]",
        "日本語 [1]。\r\n\r\n[2]",
        "a `x[99",
        "[1](url) ![1](pic) [^1] [1]: x",
    ],
)
def test_these_texts_can_be_written(text: str) -> None:
    """Brackets that are no marks, decimals, and code go on as if there were no constraint."""
    assert says_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("[0]", "[4]", "[10]", "[1, 4]", "[1][4]", "[01]", "[3.14", "[ 4 ]", "[\n4]", "[٤]", "[^4]", "\\[4]", "[4`x`"),
        "`x[99]`\n[99]",
        "`x[99]",  # code that is not closed is text
        "`x[99]\n`",
        "a ` b\n c ` [99] `",  # the first backtick is closed on the second line
        "```\nx\n```\n[99]",
        "```x ` y\n[99]",  # a backtick behind ``` makes it no fence
        "- a\n  ```\n[99]",  # the fence has ended with the list
        "- ```\n  x\n  ```\n[99]",
        "> ```\n[99]",
        "1. a\n    ```\n[99]\n",
        "\\`[99] `",
        "[a](b`c) [99] `",
        "<a`b> [99] `",
        "| `a | [99] ` |",
        "    ```\n[99]",
        "[\\4]",
        "[a](\n`) [99] `",
    ],
)
def test_these_texts_cannot(text: str) -> None:
    """A wrong number cannot stand in a mark outside of code, nor where Markdown might not take it for code."""
    assert not says_yes(text)


def test_without_passages_no_mark() -> None:
    """With no passages, no digit follows a bracket."""
    assert not says_yes("[1", 0)
    assert says_yes("[x] [ ] `x[1]`", 0)


def test_code_with_an_index_must_end() -> None:
    """Code on a line that holds an index cannot stay open for ever: after some text only backticks are allowed."""
    matcher = Marks(1).start(BRACKETS)
    for byte in b"`x[99]" + b"a" * 90:
        if not matcher.allows(byte + 1):
            break
        matcher.advance(byte + 1)
    allowed = {BRACKETS.tokens[token] for token in allowed_by_mask(matcher, BRACKETS)}
    assert allowed
    assert all(piece.startswith(b"`") for piece in allowed)


@pytest.mark.parametrize("quote", ['"', "“"])
def test_quotations_are_verbatim(quote: str) -> None:
    """With quotes, what stands in quotation marks is a piece of a text; decimals, inches and code are left alone."""
    close = "”" if quote == "“" else quote

    def can(text: str) -> bool:
        matcher = Marks(2, ["Berlin has 3.9 million [1] inhabitants.", "日本”語"]).start(BRACKETS)
        for byte in text.encode():
            if not matcher.allows(byte + 1):
                return False
            matcher.advance(byte + 1)
        return True

    assert can(f"It says {quote}has 3.9 million{close} [1].")
    assert can(f"{quote}日本{close}")
    assert not can(f"It says {quote}has 4")
    assert not can(f"{quote}million [1]")
    assert can('a 5" pipe `x["any"]` and "Berlin"')
    assert can('```\n"anything"\n```\n')


@campaign(60)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_quotations_are_verbatim(seed: int) -> None:
    """Under random logits, each closed quotation outside of code is in a text."""
    texts = ["Paris [9] and “Rome” 3.14", "a`b"]
    bias = np.array(
        [3.0 if p in (b"\xe2\x80\x9c", b"\xe2\x80\x9d") else 0.0 for p in BRACKETS.tokens], dtype=np.float32
    )
    text, _ = decode(Marks(1, texts), BRACKETS, seed, bias=bias, most=60)
    if "`" not in text and "~" not in text:
        for quoted in re.findall("“([^”]*)”", text):
            assert any(quoted in known for known in texts), text


@pytest.mark.parametrize("count", [-1, 2.0, True, "3"])
def test_wrong_counts(count: object) -> None:
    """What is no number of passages is refused."""
    with pytest.raises(UsageError, match="number of passages"):
        Marks(count)  # type: ignore[arg-type]


def test_wrong_quotes() -> None:
    """What is no text cannot be quoted; one text counts as a list of one."""
    with pytest.raises(UsageError, match="no text"):
        Marks(1, [3])  # type: ignore[list-item]
    assert Marks(1, "abc") == Marks(1, ["abc"])


@pytest.fixture(scope="module")
def real(model_path: Path) -> Vocabulary:
    """The vocabulary of the real model, read from its file."""
    from gguf import GGUFReader

    fields = GGUFReader(model_path).fields
    texts, kinds = (fields[f"tokenizer.ggml.{name}"] for name in ("tokens", "token_type"))
    byte_of = {character: byte for byte, character in enumerate(byte_alphabet())}
    tokens, special = [], set()
    for token, at in enumerate(texts.data):
        text = bytes(texts.parts[at]).decode()
        if kinds.parts[kinds.data[token]][0] == 1 and set(text) <= set(byte_of):  # 1: a normal token
            tokens.append(bytes(byte_of[character] for character in text))
        else:
            tokens.append(text.encode())
            special.add(token)
    ends = frozenset({tokens.index(b"<|im_end|>")})
    return Vocabulary("real", tuple(tokens), frozenset(special), ends)


@pytest.mark.model
@pytest.mark.parametrize("count", [1, 9, 40])
def test_the_real_vocabulary(real: Vocabulary, count: int) -> None:
    """With the real model's tokens, too, random logits that love brackets write only marks that exist."""
    interesting = {b"[", b" [", b"][", b"`", b"``", b"```", b"\n", b"\n\n", b"1", b"9", b"]", b",", b" ", b"~~~"}
    bias = np.array(
        [8.0 if p in interesting else 4.0 if not set(b"[]`").isdisjoint(p) else 0.0 for p in real.tokens],
        dtype=np.float32,
    )
    seen = 0
    for seed in range(25):
        text, ended = decode(Marks(count), real, seed, bias=bias, most=120)
        if not ended and "`" in text.rpartition("\n")[2]:
            text = text[: max(text.rfind("\n"), 0)]
        assert not wrong_marks(text, count), text
        seen += len(_MARK.findall(text))
    assert seen > 5


@pytest.mark.model
def test_few_tokens_are_looked_at(real: Vocabulary) -> None:
    """The mask runs the bytes of a small part of the vocabulary, and text without a bracket is never run."""
    matcher = Marks(5).start(real)
    others, suspects = matcher._suspects()
    assert others
    assert len(suspects) < len(real.tokens) / 50
