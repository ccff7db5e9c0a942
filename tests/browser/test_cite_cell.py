"""`%%llm --cite` as a person sees it: a real JupyterLab, a real kernel, the real model, live variables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.model]

SETUP = "%load_ext jupyter_localllm"
TOWNS = """import pandas as pd
towns = pd.DataFrame({
    "Town": ["Arlen", "Brume", "Corvin", "Dahl"],
    "Region": ["North", "South", "North", "East"],
    "Population": [37694, 21026, 27481, 45500],
    "Founded": [1237, 1350, 1453, 1602],
})"""
NOTES = '''notes = """The harbour of Arlen was rebuilt in 1931 after the storm. It has 14 piers.

Dahl is known for its glass works, founded by Mette Brandt in 1844. The works employ 320 people.

The population of Arlen is 35,000 people, says the harbour master.
"""'''
CELLS = [
    SETUP,
    TOWNS,
    NOTES,
    "%%llm --cite towns\nWhat is the mean Population in the Region North?",
    "%%llm --cite towns notes\nWhat is the population of Arlen?",
    "%%llm --cite notes\nWho founded the glass works of Dahl?",
    "%%llm --cite towns notes\nWhat is the airport of Brume called?",
    "towns.loc[0, 'Population'] = 1\n_llm",
]


def test_a_cited_answer_in_the_notebook(lab: Lab, pictures: Path) -> None:
    """Computed, contradicted, from a text, and not there: each reads as it should, and a click finds the variable."""
    lab.open(CELLS, "cite.ipynb")
    lab.run_all()
    expect(lab.answer(3)).to_contain_text("32587.5")
    expect(lab.answer(4)).to_contain_text("37694")
    expect(lab.answer(4)).to_contain_text("35,000")
    expect(lab.answer(5)).to_contain_text("Mette Brandt")
    expect(lab.answer(6)).to_contain_text(re.compile("not in the sources|not certain", re.IGNORECASE))
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        for index in (3, 4, 5, 6):
            lab.scroll_to(index)
            lab.answer(index).scroll_into_view_if_needed()
            if index == 4:
                lab.answer(index).locator(".jp-LocalLLM-cite").first.hover()
                expect(lab.page.locator(".jp-LocalLLM-card")).to_be_visible()
            lab.page.screenshot(path=pictures / f"cite-{theme.lower()}-{index}.png")
    lab.theme("JupyterLab Light")
    lab.scroll_to(4)
    lab.answer(4).locator(".jp-LocalLLM-cite").nth(1).click()
    expect(lab.cell(2)).to_have_class(re.compile("jp-LocalLLM-flash"))
    assert lab.foreign_requests() == []
    assert lab.errors == []
