"""Answers from sources in a real JupyterLab: marks, cards, the list, and the way to a variable's cell."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Locator, Page, expect

from jupyter_localllm.show import as_bundle
from jupyter_localllm.types import Answer
from tests.show.hostile import MARKDOWN
from tests.show.samples import ANSWER, BERLIN, NOTES

from .lab import Lab
from .outputs import saved

pytestmark = pytest.mark.browser

FLASHED = re.compile("jp-LocalLLM-flash")
SETUP = "import jupyter_localllm.show\nfrom tests.show.samples import ABSTAINED, ANSWER"
CELLS = [SETUP, "notes = '...'", "# md\nA word.", "cities = 1\nnotes_2 = 2", "cities + 1", "ANSWER"]
LONG = [SETUP, "cities = 1", *(f"number_{n} = {n}\n" * 12 for n in range(12)), "ANSWER"]
TEXT_ONLY = """
from IPython.display import HTML
HTML(jupyter_localllm.show.as_bundle(ANSWER)[0]["text/html"])
"""

# The contrast of an element's text with what stands behind it (WCAG 2.2, 1.4.3).
CONTRAST = """element => {
    const rgb = text => { // "rgb(0, 128, 255)", or "color(srgb 0 0.5 1)" where colours were mixed
        const full = text.startsWith('color') ? 255 : 1;
        const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
        return [r * full, g * full, b * full, a];
    };
    const light = ([r, g, b]) => {
        const part = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    let behind = [255, 255, 255, 1];
    for (let above = element; above; above = above.parentElement) {
        const colour = rgb(getComputedStyle(above).backgroundColor);
        if (colour[3] === 1) { behind = colour; break; }
    }
    const [high, low] = [light(rgb(getComputedStyle(element).color)), light(behind)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
}"""

# Whether all corners of a box are seen: nothing cuts it off or lies over it.
SEEN = """element => {
    const box = element.getBoundingClientRect();
    const inside = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    const corners = [[2, 2], [box.width - 2, 2], [2, box.height - 2], [box.width - 2, box.height - 2]];
    return inside && corners.every(([x, y]) => element.contains(document.elementFromPoint(box.left + x, box.top + y)));
}"""


def show(lab: Lab, cells: list[str]) -> Locator:
    """Run the cells, and find the answer that the last one shows."""
    lab.open(cells, "cited.ipynb")
    lab.run_all()
    last = cells.index("ANSWER")
    lab.scroll_to(last)
    expect(lab.answer(last)).to_have_count(1)
    return lab.answer(last)


def card(lab: Lab) -> Locator:
    return lab.page.locator(".jp-LocalLLM-card")


def mark(answer: Locator, number: int) -> Locator:
    """The mark of that number in the order of the text, from 0."""
    return answer.locator(".jp-LocalLLM-cite").nth(number)


def test_hovering_a_mark_shows_its_card(lab: Lab) -> None:
    """The card says whether the claim is supported, where the source says it, and which cell; nothing cuts it off."""
    answer = show(lab, CELLS)
    assert answer.locator(".jp-LocalLLM-cite").all_inner_texts() == ["[1]", "[2]", "[3]", "[1⟳]", "[?]"]
    mark(answer, 0).hover()
    expect(card(lab)).to_be_visible()
    expect(card(lab)).to_contain_text("✓ supported")
    expect(card(lab)).to_contain_text("cities, row 1 (Berlin), column population")
    expect(card(lab).locator("mark")).to_have_text("3677472")
    expect(card(lab)).to_contain_text("show the cell [3] of cities")
    assert card(lab).evaluate(SEEN)
    card(lab).hover()  # a reader may want to scroll it
    lab.page.wait_for_timeout(400)
    expect(card(lab)).to_be_visible()
    mark(answer, 3).hover()
    expect(card(lab)).to_contain_text("⟳ stale (cities has changed since)")
    mark(answer, 4).hover()
    expect(card(lab)).to_contain_text("? not in the sources (no passage holds Europe)")
    answer.locator(".jp-LocalLLM-header").hover()
    expect(card(lab)).to_have_count(0)
    underlined = answer.locator(".jp-LocalLLM-unsupported")
    expect(underlined).to_have_text("It is the largest city of Europe")
    assert underlined.evaluate("node => getComputedStyle(node).textDecorationStyle") == "dashed"
    assert lab.errors == []


def test_the_keyboard_reaches_everything(lab: Lab) -> None:
    """Tab goes from mark to mark, each shows its card to screen readers too, Escape takes it away, Enter goes on."""
    answer = show(lab, CELLS)
    mark(answer, 0).focus()
    expect(card(lab)).to_contain_text("row 1 (Berlin)")
    expect(mark(answer, 0)).to_have_attribute("aria-describedby", str(card(lab).get_attribute("id")))
    lab.page.keyboard.press("Tab")
    expect(mark(answer, 1)).to_be_focused()
    expect(card(lab)).to_contain_text("1.99 million is 1,987,118, rounded")
    lab.page.keyboard.press("Escape")
    expect(card(lab)).to_have_count(0)
    lab.page.keyboard.press("Enter")
    expect(lab.cell(3)).to_have_class(FLASHED)
    expect(answer).to_have_count(1)


def test_a_click_goes_to_the_cell_of_the_variable(lab: Lab) -> None:
    """However far away it is: the cell that gave the variable its value is scrolled to, and seen."""
    answer = show(lab, LONG)
    expect(lab.cell(1)).not_to_be_in_viewport()
    mark(answer, 0).click()
    expect(lab.cell(1)).to_be_in_viewport()
    expect(lab.cell(1)).to_have_class(FLASHED)
    expect(card(lab)).to_have_count(0)


def test_the_list_holds_it_all(lab: Lab) -> None:
    """The fold below the answer opens by keyboard, and its names lead to cells as well."""
    answer = show(lab, CELLS)
    fold = answer.locator(".jp-LocalLLM-sources")
    expect(fold.locator("summary")).to_have_text("Sources (3) · ✓ 3 supported · ? 1 unsupported · ⟳ 1 stale")
    fold.locator("summary").focus()
    lab.page.keyboard.press("Space")
    expect(fold.locator(".jp-LocalLLM-entry")).to_have_count(4)
    expect(fold).to_contain_text("most of it from abroad.")
    expect(answer).to_contain_text("Read as: mean of population where country is Germany")
    fold.locator(".jp-LocalLLM-name").last.click()
    expect(lab.cell(1)).to_have_class(FLASHED)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_everything_can_be_read(lab: Lab, theme: str) -> None:
    """Marks, verdicts, cards and cited cells have the contrast that small text needs, in both themes."""
    answer = show(lab, CELLS)
    lab.theme(f"JupyterLab {theme}")
    try:
        answer.locator("summary").click()
        mark(answer, 3).hover()
        places = [
            *answer.locator(".jp-LocalLLM-cite, .jp-LocalLLM-sign, .jp-LocalLLM-cited, .jp-LocalLLM-place, q, th").all()
        ]
        places += [*card(lab).locator("*").all(), answer.locator(".jp-LocalLLM-reading"), answer.locator("summary")]
        for place in places:
            assert place.evaluate(CONTRAST) >= 4.5, (theme, place.inner_text(), place.evaluate(CONTRAST))
    finally:
        lab.theme("JupyterLab Light")


def hostile_answer() -> Answer:
    """Everything hostile in every place that a source can fill."""
    text = "\n".join(one for one in MARKDOWN.values() if "\ud800" not in one) + "</style></details></dl>"
    attack = '"><img src=x onerror="window.pwned=1"></style><script>window.pwned=1</script>'
    evil = replace(BERLIN, source=attack, text=attack, value=attack, shown=((attack, text), (attack, text)))
    noted = replace(NOTES, text=text, locator=replace(NOTES.locator, label=attack))
    citations = tuple(
        replace(one, source=attack if one.number else "", reason=attack, locator=replace(one.locator, label=attack))
        for one in ANSWER.citations
    )
    return replace(ANSWER, citations=citations, passages=(evil, evil, noted), reading=attack)


def test_untrusted_notebooks_keep_marks_and_list_and_run_nothing(lab: Lab) -> None:
    """A notebook from somebody else: the same marks, cards and list, and nothing of what the data says happens."""
    for index, answer in enumerate((ANSWER, hostile_answer())):
        lab.open(saved(*as_bundle(answer)), f"foreign-{index}.ipynb")
        shown = lab.answer(0)
        assert (
            lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.trusted") is False
        )
        expect(shown.locator(".jp-LocalLLM-cite")).to_have_count(5)
        expect(shown.locator(".jp-LocalLLM-entry")).to_have_count(4)
        shown.locator("summary").first.click()
        for number in range(5):
            mark(shown, number).hover()
            expect(card(lab)).to_be_visible()
        assert shown.locator("style, img, script").count() == card(lab).locator("style, img, script").count() == 0
    lab.page.wait_for_timeout(500)
    assert lab.page.evaluate("() => window.pwned") is None
    assert lab.foreign_requests() == []


def after(place: Locator) -> dict[str, Any]:
    """What the style sheet writes behind a mark."""
    told: dict[str, Any] = place.evaluate(
        """node => { const { content, display, color, backgroundColor } = getComputedStyle(node, '::after');
            return { content, display, color, backgroundColor }; }"""
    )
    return told


def test_without_the_extension_styles_alone_make_cards(lab: Lab) -> None:
    """Where only HTML is shown, a mark that is hovered or focused has a card; where styles are removed, none."""
    lab.open([SETUP, TEXT_ONLY])
    lab.run_all()
    shown = lab.output(1)
    assert after(mark(shown, 0))["content"] == "none"
    mark(shown, 0).hover()
    assert "▸ population: 3677472" in after(mark(shown, 0))["content"]
    mark(shown, 1).focus()
    assert "1.99 million is 1,987,118, rounded" in after(mark(shown, 1))["content"]
    data, meta = as_bundle(hostile_answer())
    lab.open(saved({"text/html": data["text/html"], "text/plain": data["text/plain"]}, meta), "plain-foreign.ipynb")
    expect(lab.output(0).locator(".jp-LocalLLM-cite")).to_have_count(5)
    expect(lab.output(0).locator(".jp-LocalLLM-entry")).to_have_count(4)
    expect(lab.output(0).locator("style, script, img")).to_have_count(0)
    assert lab.page.evaluate("() => window.pwned") is None


CARD_BELOW = """mark => {
    const style = '<style>.jp-LocalLLM-cite::after{pointer-events:auto!important}</style>';
    document.head.insertAdjacentHTML('beforeend', style);
    const area = mark.closest('.jp-OutputArea-output').getBoundingClientRect();
    const line = mark.getBoundingClientRect();
    const seen = (x, y) => document.elementFromPoint(x, y) === mark;
    const lefts = [line.left + 20, mark.closest('p').getBoundingClientRect().left + 20];
    return { cut: !lefts.some(x => seen(x, area.bottom + 4)), gap: !lefts.some(x => seen(x, line.bottom + 40)) };
}"""


@pytest.mark.parametrize("anchored", [True, False])
def test_no_output_area_cuts_a_card_off(lab: Lab, anchored: bool) -> None:
    """JupyterLab's outputs hide what goes beyond them; the card does, with anchors in the browser or without."""
    without = TEXT_ONLY.replace('["text/html"]', '["text/html"].replace("@supports (position-try", "@supports (none")')
    lab.open([SETUP, TEXT_ONLY if anchored else without])
    lab.run_all()
    first = mark(lab.output(1), 0)
    first.hover()
    told = first.evaluate(CARD_BELOW)
    assert told == {"cut": False, "gap": False}


def converted(answer: Answer, path: Path) -> Path:
    """The page that nbconvert makes of a notebook with the answer."""
    data, meta = as_bundle(answer)
    outputs = [new_output("display_data", data=data, metadata=meta)]
    cells = [new_code_cell("answer", outputs=outputs) for _ in range(2)]
    html, _ = HTMLExporter().from_notebook_node(new_notebook(cells=cells))
    path.write_text(html, encoding="utf-8")
    return path


def test_nbconvert_page(lab: Lab, tmp_path: Path, pictures: Path) -> None:
    """The page of nbconvert has the same marks, cards and list, with no script of ours and none of the data's."""
    page: Page = lab.page.context.new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto(converted(hostile_answer(), tmp_path / "hostile.html").as_uri(), wait_until="domcontentloaded")
    mark(page.locator("body"), 0).hover()
    assert page.evaluate("() => window.pwned") is None
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(converted(ANSWER, tmp_path / "report.html").as_uri(), wait_until="domcontentloaded")
        page.locator("summary").first.click()
        mark(page.locator("body"), 1).hover()
        assert "rounded" in after(mark(page.locator("body"), 1))["content"]
        page.screenshot(path=pictures / f"cited-nbconvert-{scheme}.png")
    page.close()


def test_pictures_of_cited_answers(lab: Lab, pictures: Path) -> None:
    """For people's eyes: the card of a cell, of a computed value and of a text, the list, and an answer withheld."""
    answer = show(lab, [*CELLS, "ABSTAINED", TEXT_ONLY])
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.scroll_to(5)
        mark(answer, 0).hover()
        expect(card(lab)).to_be_visible()
        lab.page.screenshot(path=pictures / f"cited-cell-{theme.lower()}.png")
        mark(answer, 1).hover()
        expect(card(lab)).to_contain_text("rounded")
        lab.page.screenshot(path=pictures / f"cited-computed-{theme.lower()}.png")
        answer.locator("summary").click()
        mark(answer, 4).hover()
        lab.page.screenshot(path=pictures / f"cited-list-{theme.lower()}.png")
        answer.locator("summary").click()
        lab.scroll_to(7)
        mark(lab.output(7), 1).hover()
        lab.page.screenshot(path=pictures / f"cited-plain-html-{theme.lower()}.png")
    lab.theme("JupyterLab Light")
    expect(lab.answer(6)).to_contain_text("Looked at (2)")
