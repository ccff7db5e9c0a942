"""Words of a line."""

from __future__ import annotations

import random

import pytest

from jupyter_localllm.magics.words import next_word, quote


def words(line: str) -> list[str]:
    found, position = [], 0
    while (word := next_word(line, position)) is not None:
        found.append(word.text)
        position = word.end
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("   \t ", []),
        ("one two", ["one", "two"]),
        ('"one two" three', ["one two", "three"]),
        ("'one two' three", ["one two", "three"]),
        ("''", [""]),
        ('""', [""]),
        ("What's up", ["What's", "up"]),
        ("'Don't shout' now", ["Don't shout", "now"]),
        ("'a' 'b'", ["a", "b"]),
        (r'"C:\my models\x.gguf"', [r"C:\my models\x.gguf"]),
        (r"C:\models\x.gguf", [r"C:\models\x.gguf"]),
        (r'"C:\models\" next', ["C:\\models\\", "next"]),
        (r'"C:\models\" --system "Be nice"', ["C:\\models\\", "--system", "Be nice"]),
        (r'"\\server\share\x.gguf"', [r"\\server\share\x.gguf"]),
        (r'"Say \"hi\" now"', ['Say "hi" now']),
        (r'"ends \"here\""', ['ends "here"']),
        ('--system="Be brief." x', ["--system=Be brief.", "x"]),
        ("--system='It's fine' x", ["--system=It's fine", "x"]),
        ("--stop=", ["--stop="]),
        ('12" pipe', ['12"', "pipe"]),
        ("x=5", ["x=5"]),
        ("«é» 日本 🙂", ["«é»", "日本", "🙂"]),
    ],
)
def test_splits(line: str, expected: list[str]) -> None:
    """Quotes around a word go, everything within a word stays: apostrophes, backslashes, any script."""
    assert words(line) == expected


@pytest.mark.parametrize("line", ['"open', "'open", '--system="open', '"a"b'])
def test_an_open_quote_is_told(line: str) -> None:
    """A quote that opens a word and does not close one is marked, and raises nothing."""
    word = next_word(line)
    assert word is not None
    assert not word.closed


def test_quote_is_read_back() -> None:
    """Whatever `quote` writes, `next_word` reads as the same word."""
    generator = random.Random(7)
    for _ in range(2000):
        text = "".join(generator.choice("ab \t\"'-=") for _ in range(generator.randrange(8)))
        word = next_word(quote(text) + " rest")
        assert word is not None
        assert word.text == text, text


def test_never_raises_and_always_moves_on() -> None:
    """Any text is split, without error and without an empty step."""
    generator = random.Random(11)
    for _ in range(3000):
        line = "".join(generator.choice("a-\\\"'= \n<>{}%?") for _ in range(generator.randrange(20)))
        position = 0
        while (word := next_word(line, position)) is not None:
            assert position <= word.start < word.end
            position = word.end
        assert not line[position:].strip()
