"""An answer that goes round in circles is noticed, and an honest one is not."""

from __future__ import annotations

import pytest

from jupyter_localllm.engine.repetition import repeats

LOOPS = [
    "The sky is blue today. " * 3,
    "First something else. " + "I am a helpful assistant, how can I help? " * 5 + "I am a help",
    "One thing is here.\nAnother thing is there.\n" * 4,
    "1. The price is high.\n2. The price is high.\n3. The price is high.\n",
]
HONEST = [
    "",
    "Paris.",
    "No. No. No.",
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
    "The sky is blue. The sea is green. The sky is blue. The sun is out.",
    "- apples: 3\n- pears: 4\n- plums: 5\n",
]


@pytest.mark.parametrize("text", LOOPS)
def test_loops_are_seen(text: str) -> None:
    """The same sentences three times in a row are a loop, also with a cut or numbered end."""
    assert repeats(text)


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_is_not_blamed(text: str) -> None:
    """Short words, lists and a sentence that comes back are not."""
    assert not repeats(text)
