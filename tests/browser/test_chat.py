"""The chat in the sidebar of a real JupyterLab, with a real kernel and the real model."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from .chat import SCRIPTED, Chat, open_chat
from .lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

LOOP = """
import time
end = time.monotonic() + 20
while time.monotonic() < end:
    sum(range(1000))
print("over")
"""


def test_an_answer_streams_into_the_panel(lab: Lab, pictures: Path) -> None:
    """A question is typed, its answer grows, and only "Generating" and "Complete" are said to screen readers."""
    chat = open_chat(lab, [])
    chat.ask("Tell me a long story about the sea.")
    expect(chat.answer(0).get_by_role("status")).to_have_text("Generating", timeout=60_000)
    lengths: set[int] = set()
    while chat.turns.first.get_attribute("data-phase") != "done":
        lengths.add(len(chat.answer(0).inner_text()))
        lab.page.wait_for_timeout(100)
    assert len(lengths) > 3, "the answer did not grow"
    expect(chat.answer(0).get_by_role("status")).to_have_text("Complete")
    expect(chat.log).to_have_attribute("aria-live", "off")
    assert lab.foreign_requests() == []
    assert lab.errors == []
    chat.picture(pictures, "streamed")
