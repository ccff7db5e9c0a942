"""The pictures of docs/sidebar.md, in both themes; all that is in them comes from the real model.

``JLLM_PICTURES=docs/images python -m pytest tests/browser/test_chat_pictures.py`` makes them anew. Look at them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from .chat import SETUP, Chat
from .lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

FRAME = """import pandas as pd

cities = pd.DataFrame(
    {
        "name": ["Berlin", "Hamburg", "Bremen", "Kiel"],
        "population": [3677472, 1906411, 563290, 246243],
    }
)
cities"""
FAILING = """for name in cities.name
    print(name)"""
LARGEST = 150_000  # bytes


def test_the_pictures_of_the_docs(lab: Lab, pictures: Path) -> None:
    """A frame is asked about and cited, a failed cell is fixed; the pictures are small enough for a repository."""
    lab.page.set_viewport_size({"width": 1180, "height": 800})
    lab.open([SETUP, FRAME, FAILING], "cities.ipynb")
    lab.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    for index in range(3):
        lab.run_cell(index)
    chat = Chat(lab).show().ready()
    chat.width(430)
    chat.input.press_sequentially("@cit")
    expect(chat.node.get_by_role("option").first).to_be_visible()
    chat.input.press("Enter")
    chat.ask("What is the population of Hamburg?")
    chat.wait_done(0)
    expect(chat.answer(0)).to_contain_text("1906411")
    lab.cell(2).get_by_role("group", name="Help with this error").get_by_role("button", name="Fix").click()
    chat.wait_done(1)
    expect(chat.node.get_by_role("region", name="Proposed change")).to_contain_text("for name in cities.name:")
    expect(chat.node.get_by_role("region", name="Queue")).to_have_count(0)
    lab.page.evaluate("() => document.activeElement.blur()")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        expect(lab.page.locator("#jupyterlab-splash")).to_have_count(0)
        lab.page.wait_for_timeout(500)
        chat.picture(pictures, f"sidebar-{theme.lower()}")
        assert (pictures / f"sidebar-{theme.lower()}.png").stat().st_size < LARGEST
    lab.theme("JupyterLab Light")
