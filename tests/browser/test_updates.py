"""The labextension's renderer in a real JupyterLab: what an update keeps while an answer is written."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .lab import Lab
from .outputs import bundle, metadata, publish, streaming, update

pytestmark = pytest.mark.browser


def test_updates_keep_what_stands(lab: Lab) -> None:
    """An update changes what changed: earlier blocks stay the same nodes, typeset formulas and selections with them."""
    formula = '<p>One <span class="jp-LocalLLM-math">$x^2$</span></p>'
    lab.open(
        [
            publish(streaming(f"{formula}<p>Tw</p>", "One"), {}),
            update(streaming(f"{formula}<p>Two, and <em>more</em></p>", "One Two"), {}),
            update(bundle(f"{formula}<p>Two, and <em>more</em>.</p><p>Three</p>", "All"), metadata()),
        ]
    )
    lab.run_cell(0)
    body = lab.answer(0).locator(".jp-LocalLLM-body")
    expect(body.locator("mjx-container")).to_have_count(1)
    expect(lab.answer(0).get_by_role("status")).to_have_text("Generating")
    first = body.locator("p").first
    kept = first.locator("mjx-container").element_handle()
    first.evaluate("node => { node.kept = true; getSelection().selectAllChildren(node) }")
    lab.run_cell(1)
    expect(body).to_contain_text("Two, and more")
    lab.run_cell(2)
    expect(body.locator("p")).to_have_count(3)
    assert first.evaluate("node => node.kept") is True
    assert kept is not None
    assert kept.evaluate("node => node.isConnected")
    assert lab.page.evaluate("() => getSelection().toString()").startswith("One")
    expect(lab.answer(0).get_by_role("status")).to_have_text("Complete")
    expect(lab.answer(0).locator(".jp-LocalLLM-figures")).to_have_text("142 tokens · 102 tokens/s")
    expect(lab.answer(0)).to_have_count(1)


def folds(*words: str, opened: bool = False) -> str:
    attribute = " open" if opened else ""
    return "".join(
        f'<details class="jp-LocalLLM-reasoning"{attribute}><summary>Reasoning</summary><div>{word}</div></details>'
        for word in words
    )


def test_what_the_reader_unfolded_stays_unfolded(lab: Lab) -> None:
    """The reasoning that a reader opened stays open while text comes in; one that is closed stays closed."""
    lab.open(
        [
            publish(streaming(folds("a", "b"), "x"), {}),
            update(streaming(folds("a and more", "b and more") + "<p>Answer</p>", "x y"), {}),
        ]
    )
    lab.run_cell(0)
    details = lab.answer(0).locator("details")
    details.first.locator("summary").click()
    lab.run_cell(1)
    expect(lab.answer(0)).to_contain_text("Answer")
    expect(details.first).to_have_attribute("open", "")
    expect(details.first).to_contain_text("a and more")
    expect(details.nth(1)).not_to_have_attribute("open", "")


def test_reasoning_folds_when_the_answer_begins(lab: Lab) -> None:
    """Reasoning is open while the model thinks and folds when it writes, unless the reader decided otherwise."""
    thinking, writing = folds("a", "b", opened=True), folds("a", "b") + "<p>Answer</p>"
    lab.open([publish(streaming(thinking, ""), {}), update(streaming(writing, "Answer"), {})])
    lab.run_cell(0)
    details = lab.answer(0).locator("details")
    expect(details.first).to_have_attribute("open", "")
    details.nth(1).locator("summary").click()
    expect(details.nth(1)).not_to_have_attribute("open", "")
    lab.run_cell(1)
    expect(lab.answer(0)).to_contain_text("Answer")
    expect(details.first).not_to_have_attribute("open", "")
    details.nth(1).locator("summary").click()
    lab.execute(update(bundle(writing + "<p>End</p>"), metadata()))
    expect(lab.answer(0)).to_contain_text("End")
    expect(details.nth(1)).to_have_attribute("open", "")


def test_header_says_what_is_going_on(lab: Lab) -> None:
    """The kernel's status line moves into the header, and its line at the end of the answer is not said twice."""

    def line(kind: str, words: str) -> str:
        return f'<div class="jp-LocalLLM-{kind}">smollm2-135m-instruct · {words}</div>'

    lab.open(
        [
            publish(streaming(line("status", "loading 40 %"), ""), {}),
            update(bundle("<p>Paris</p>" + line("footer", "142 tokens")), metadata()),
        ]
    )
    lab.run_cell(0)
    figures = lab.answer(0).locator(".jp-LocalLLM-figures")
    expect(figures).to_have_text("loading 40 %")
    expect(lab.answer(0).locator(".jp-LocalLLM-body")).to_have_text("")
    expect(lab.answer(0).get_by_role("button", name="Copy")).to_be_hidden()
    lab.run_cell(1)
    expect(figures).to_have_text("142 tokens · 102 tokens/s")
    expect(lab.answer(0).locator(".jp-LocalLLM-body")).to_have_text("Paris")


def test_updates_do_not_scroll(lab: Lab) -> None:
    """A reader who looks at something else is left there when an answer grows, and keeps the focus."""
    long = "".join(f"<p>Line {number}</p>" for number in range(60))
    lab.open([publish(streaming(long, "x"), {}), update(streaming(f"{long}<p>End</p>", "x y"), {}), "# end"])
    lab.run_cell(0)
    expect(lab.answer(0)).to_contain_text("Line 59")
    outer = lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
    lab.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code: ''})"
    )
    outer.evaluate("node => { node.scrollTop = 200 }")
    lab.page.wait_for_timeout(300)
    before = outer.evaluate("node => node.scrollTop")
    # Sent past the notebook's own commands, which scroll to the cell they run.
    code = update(streaming(f"{long}<p>End</p>", "x y"), {})
    lab.execute(code)
    expect(lab.answer(0)).to_contain_text("End")
    assert outer.evaluate("node => node.scrollTop") == before


def test_motion_is_reduced_on_request(lab: Lab) -> None:
    """The sign of a running answer does not move for people who asked for less motion."""
    lab.open([publish(streaming("<p>…</p>", "x"), {})])
    lab.run_cell(0)
    name = "node => getComputedStyle(node, '::before').animationName"
    model = lab.answer(0).locator(".jp-LocalLLM-model")
    assert model.evaluate(name) == "jp-LocalLLM-pulse"
    lab.page.emulate_media(reduced_motion="reduce")
    assert model.evaluate(name) == "none"
