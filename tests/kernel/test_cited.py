"""`%%llm --cite` in a real kernel, with the real model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.kernel.conftest import environment_in
from tests.kernel_client import Kernel

pytestmark = pytest.mark.model

DATA = """
import pandas as pd
cities = pd.DataFrame({
    "city": ["Arlen", "Bredo", "Corvin"],
    "region": ["north", "south", "north"],
    "population": [120_000, 45_500, 980_000],
})
notes = "The harbour of Arlen was rebuilt in 1931 after the storm. It has 14 piers."
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, seen_model: Callable[[Path], None]) -> Iterator[Kernel]:
    """One for all: each test makes its variables anew, and asks what no other does."""
    with closing(Kernel(environment_in(tmp_path_factory.mktemp("cited") / "home", seen_model))) as one:
        one.good("%load_ext jupyter_localllm")
        yield one


def test_an_answer_cites_the_variables(kernel: Kernel) -> None:
    """The cell shows one display with marks and sources, and binds an `Answer` that programs can read."""
    kernel.good(DATA)
    cell = kernel.good("%%llm a << --cite cities notes\nWhat is the population of Bredo?", "ask")
    (output,) = cell.outputs
    saved = output["data"]["application/vnd.jupyter-localllm.answer+json"]
    assert "45500" in cell.text
    assert "[1]" in cell.text
    assert [c["status"] for c in saved["citations"]] == ["supported"]
    assert saved["citations"][0]["locator"]["columns"] == ["population"]
    assert "population where city is Bredo" in output["data"]["text/html"]
    assert set(cell.metadata["sources"]) == {"cities", "notes"}
    told = kernel.good("print(a.value, a.citations[0].source, a.citations[0].locator.rows, a is _llm)", "value")
    assert told.stdout == "45500 cities (1,) True\n"


def test_a_changed_variable_makes_it_stale(kernel: Kernel) -> None:
    """After a change, ``check`` says which citation no longer holds, and the old answer is not replayed."""
    kernel.good(DATA)
    kernel.good("%%llm a << --cite cities\nWhat is the population of Bredo?", "ask")
    kernel.good("cities.loc[1, 'population'] = 46_000")
    assert kernel.good("print([c.status for c in a.check().citations])").stdout == "['stale']\n"
    assert "46000" in kernel.good("%%llm --cite cities\nWhat is the population of Bredo?", "again").text


def test_replayed_without_the_model(kernel: Kernel) -> None:
    """The second time nothing is loaded and nothing is asked: ``--cache require`` is enough."""
    kernel.good(DATA)
    first = kernel.good("%%llm --cite notes\nWhen was the harbour of Arlen rebuilt?", "one")
    again = kernel.good("%%llm --cite notes --cache require\nWhen was the harbour of Arlen rebuilt?", "two")
    assert again.text == first.text
    assert "1931" in again.text
    assert again.metadata["volatile"]["cached"] is True


def test_cells_are_sources(kernel: Kernel) -> None:
    """``Out[n]`` is what a cell gave, ``In[n]`` what it was; one that never ran is an error that says so."""
    kernel.good(DATA)
    kernel.good("%config LocalLLM.cache = 'use'")
    number = kernel.good("print(len(In))").stdout.strip()
    kernel.good("{'prices': {'EU': 12.5, 'US': 14}}")
    assert "12.5" in kernel.good(f"%%llm --cite Out[{number}]\nprices EU", "out").text
    assert "does not exist" in str(kernel.run("%%llm --cite In[99]\nWhat?", "in").error)


def test_a_misspelt_name_is_told(kernel: Kernel) -> None:
    """A variable that is not there is an error with the close one, before anything is asked."""
    kernel.good(DATA)
    told = str(kernel.run("%%llm --cite citis\nHow many?", "wrong").error)
    assert "no variable citis" in told
    assert "cities" in told


def test_a_dry_run_shows_what_was_chosen(kernel: Kernel) -> None:
    """``--dry-run`` tells the reading, the passages with their tokens, and the prompt; nothing is generated."""
    kernel.good(DATA)
    shown = kernel.good("%%llm --cite cities --dry-run\nWhat is the mean population in the north?", "dry").stdout
    assert "Read as: mean of population where region is north" in shown
    assert "mean(population) where region == 'north' = 550000 (n = 2)" in shown
    assert "Dry run: nothing is generated" in shown
