"""The labextension's renderer in a real JupyterLab: what is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import BrowserContext, expect

from jupyter_localllm.show.bundle import bundle as make_bundle
from jupyter_localllm.show.view import View, failed, fold
from jupyter_localllm.types import Done, Note, Result, Status, Timings, Usage

from .lab import Lab
from .outputs import bundle, metadata, publish, saved
from .server import Server

pytestmark = pytest.mark.browser


def test_answer_has_its_header(lab: Lab) -> None:
    """The HTML of the output stands under a row with model, figures and a button that copies the text."""
    text = "Paris is **the** capital."
    lab.open([publish(bundle("<p>Paris is <strong>the</strong> capital.</p>", text), metadata())])
    lab.run_cell(0)
    answer = lab.answer(0)
    expect(answer).to_have_count(1)
    expect(answer.locator(".jp-LocalLLM-body")).to_have_text("Paris is the capital.")
    expect(answer.locator(".jp-LocalLLM-model")).to_have_text("smollm2-135m-instruct")
    expect(answer.locator(".jp-LocalLLM-figures")).to_have_text("142 tokens · 102 tokens/s")
    expect(answer.locator(".jp-LocalLLM-figures")).to_have_attribute("title", "\n".join(DETAILS))
    answer.get_by_role("button", name="Copy").click()
    expect(answer.get_by_role("button", name="Copied")).to_be_visible()
    assert lab.page.evaluate("() => navigator.clipboard.readText()") == text
    assert lab.errors == []


DETAILS = (
    "tokens in the prompt: 31",
    "of these already in memory: 25",
    "first token after 0.08 s",
    "last token after 1.52 s",
)


def test_cached_answer_says_so(lab: Lab) -> None:
    """An answer from the cache shows no speed: nothing was generated."""
    lab.open([publish(bundle("<p>Paris</p>"), metadata(cached=True))])
    lab.run_cell(0)
    expect(lab.answer(0).locator(".jp-LocalLLM-figures")).to_have_text("142 tokens · from the cache")


def test_notes_about_the_run_are_shown(lab: Lab) -> None:
    """What happened in this run only stands beside the figures: the saved data does not hold it."""
    lab.open([publish(bundle("<p>Paris</p>"), metadata(notes=["a damaged cache file was set aside"]))])
    lab.run_cell(0)
    expect(lab.answer(0).locator(".jp-LocalLLM-passing")).to_have_text("a damaged cache file was set aside")


def test_formulas_are_typeset_and_money_is_not(lab: Lab) -> None:
    """Only what the kernel marked as mathematics becomes a formula."""
    html = '<p>From $5 to $6: <span class="jp-LocalLLM-math mathjax_process">$x^2$</span></p>'
    lab.open([publish(bundle(html), metadata())])
    lab.run_cell(0)
    expect(lab.answer(0).locator("mjx-container")).to_have_count(1)
    expect(lab.answer(0)).to_contain_text("From $5 to $6:")


def test_untrusted_notebook_is_shown_too(lab: Lab) -> None:
    """A notebook from somebody else opens with our renderer: it is safe without trust."""
    lab.open(saved(bundle("<p>Paris</p>"), metadata()), "foreign.ipynb")
    expect(lab.answer(0).locator(".jp-LocalLLM-body")).to_have_text("Paris")
    assert lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.trusted") is False


@pytest.mark.parametrize("version", [2, "later", None])
def test_newer_answer_is_shown_as_html_alone(lab: Lab, version: Any) -> None:
    """Data of a version we do not know is not guessed at: its HTML stands alone, without header."""
    lab.open([publish(bundle("<p>From the future</p>", version=version), metadata())])
    lab.run_cell(0)
    expect(lab.answer(0).locator(".jp-LocalLLM-body")).to_have_text("From the future")
    expect(lab.answer(0).locator(".jp-LocalLLM-header")).to_be_hidden()


def test_notebook_7_shows_it(context: BrowserContext, jupyter_server: Server) -> None:
    """The same extension works in Notebook 7."""
    nbformat.write(saved(bundle("<p>Paris</p>"), metadata()), jupyter_server.root / "seven.ipynb")
    page = context.new_page()
    page.goto(f"{jupyter_server.url}notebooks/seven.ipynb?token={jupyter_server.token}")
    expect(page.locator(".jp-LocalLLM-body")).to_have_text("Paris", timeout=60_000)
    expect(page.locator(".jp-LocalLLM").get_by_role("button", name="Copy")).to_be_visible()


# ---------------------------------------------------------------------------------------------------------------------
# For people's eyes


MARKDOWN_ANSWER = r"""The three largest markets grew; **Germany** by 12.4 % and France by
$\frac{38-34}{34} \approx 11.8\,\%$, from $34 to $38 million.

1. Look at `df.groupby("region")`.
2. Compare with [last year](https://example.org).

| Region | Sales |
|--------|------:|
| Germany | 1,204 |
| France | 980 |

```python
df.groupby("region")["sales"].sum()
```

> Quoted words.
"""


def real(view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    return make_bundle(replace(view, model="smollm2-135m-instruct"))


def result(text: str, **values: Any) -> Result:
    timings = Timings(ttft_ms=84.0, latency_ms=1520.0, tokens_per_second=101.7)
    usage = Usage(prompt_tokens=31, completion_tokens=142)
    return Result(text, model="smollm2-135m-instruct", **{"timings": timings, "usage": usage, **values})


def test_pictures(lab: Lab, pictures: Path) -> None:
    """What the kernel publishes looks right in both themes, without an error; the pictures are for people."""
    thought = "The person asks for markets. I compare the two years."
    short = "It stopped in the middle of a"
    views = [
        fold(View(), Done(result(MARKDOWN_ANSWER, reasoning=thought)), 0.0),
        View("The answer is being written and", tokens=6, tokens_per_second=98.4),
        View(reasoning=thought, tokens=12, tokens_per_second=98.4),
        View(status=Status("loading", "loading the model", 0.4)),
        fold(View(), Done(result(short, finish_reason="length", cached=True)), 0.0),
        failed(View(short, tokens=7), KeyboardInterrupt()),
        fold(
            View(), Done(result("A damaged cache.", notes=(Note("cache", "a damaged cache file was set aside"),))), 0.0
        ),
    ]
    lab.open([publish(*real(view)) for view in views], "pictures.ipynb")
    lab.run_all()
    lab.page.set_viewport_size({"width": 1200, "height": 1500})
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.scroll_to(0)
        lab.page.wait_for_timeout(500)
        lab.page.screenshot(path=pictures / f"renderer-{theme.lower()}.png")
    lab.theme("JupyterLab Light")
    expect(lab.answer(0).locator("mjx-container")).to_have_count(1)
    assert lab.errors == []
