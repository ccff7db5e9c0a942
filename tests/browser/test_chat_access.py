"""The chat for everybody: keyboard only, screen readers, themes, narrow panels, right to left, and Notebook 7."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .chat import ID, SCRIPTED, SETUP, Chat, open_chat, unasked
from .lab import Lab
from .server import CHECKOUT

pytestmark = [pytest.mark.browser, pytest.mark.model]

AXE = CHECKOUT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
    const found = await axe.run('.jp-LocalLLM-sidebar', {resultTypes: ['violations']});
    return found.violations
        .filter(({impact}) => impact === 'serious' || impact === 'critical')
        .map(({id, nodes}) => `${id}: ${nodes.map(node => node.html.slice(0, 200)).join(' | ')}`);
}"""
ANSWER = """## Rows

| name | population |
| --- | --- |
| Berlin | 3,677,472 |
| Hamburg | 1,906,411 |

It is **large**, and `df.shape` says so. So:

```python
cities[cities.population > 1_000_000].sort_values("population", ascending=False).head(10).reset_index(drop=True)
```

1. first
2. second
"""
FAILING = "1 / 0"


def serious(page: Page) -> list[str]:
    """What axe-core finds in the panel, of its two upper levels."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN_AXE)
    return found


def conversation(lab: Lab) -> Chat:
    """A panel with all kinds of things in it."""
    chat = open_chat(lab, [SCRIPTED.format(text=ANSWER), "x = 1", FAILING])
    for index in range(1, 4):
        lab.run_cell(index)
    chat.ask("Which cities are the largest, and how many people live there?")
    chat.wait_done(0)
    return chat


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious(lab: Lab, pictures: Path, theme: str) -> None:
    """In both themes, with each section open, while `@` is typed, and in the states without a kernel's answer."""
    lab.open(["1"])
    lab.theme(theme)
    chat = Chat(lab).show()
    expect(chat.button("Load the extension")).to_be_visible()
    assert serious(lab.page) == []
    chat = conversation(lab)
    word = theme.removeprefix("JupyterLab ").lower()
    chat.button("Attach cell").click()
    chat.picture(pictures, f"chat-{word}")
    assert serious(lab.page) == []
    for name in ["Conversation: chat", "Model: smollm2-135m-instruct", "Sampling settings"]:
        chat.button(name).click()
        lab.page.wait_for_timeout(500)
        chat.picture(pictures, f"chat-{word}-{name.split(':')[0].split()[0].lower()}")
        assert serious(lab.page) == []
        chat.button(name).click()
    chat.input.press_sequentially("@")
    expect(chat.node.get_by_role("option").first).to_be_visible()
    chat.picture(pictures, f"chat-{word}-at")
    assert serious(lab.page) == []
    lab.theme("JupyterLab Light")


def test_the_keyboard_is_enough(lab: Lab) -> None:
    """A shortcut opens the panel; ask, attach, stop, reach an answer's code and the model list without a pointer."""
    lab.open([SETUP, "x = 12345", SCRIPTED.format(text=ANSWER)])
    for index in range(3):
        lab.run_cell(index)
    keys = lab.page.keyboard
    keys.press("Control+Alt+l")
    chat = Chat(lab).ready()
    expect(chat.input).to_be_focused()
    keys.type("What is @x")
    expect(chat.node.get_by_role("option").first).to_be_visible()
    assert chat.input.get_attribute("aria-activedescendant") is not None
    keys.press("Escape")
    expect(chat.node.get_by_role("option")).to_have_count(0)
    keys.press("Backspace")
    keys.type("x")
    expect(chat.node.get_by_role("option").first).to_be_visible()
    keys.press("Tab")
    expect(chat.node.get_by_role("list", name="Attached")).to_contain_text("x")
    keys.press("Shift+Enter")
    keys.type("And why?")
    expect(chat.input).to_have_value("What is x \nAnd why?")
    keys.press("Control+a")
    keys.press("Delete")
    keys.press("Shift+Tab")  # the chip
    keys.press("Enter")
    expect(chat.node.get_by_role("list", name="Attached")).to_have_count(0)
    chat.input.focus()
    keys.type(unasked("Go"))
    keys.press("Enter")
    chat.wait_done(0)
    seen: list[str] = []
    for _ in range(20):
        keys.press("Shift+Tab")
        seen.append(lab.page.evaluate("() => document.activeElement.getAttribute('aria-label') ?? ''"))
        if seen[-1] == "Conversation: chat":
            break
    assert {"Copy the code", "Insert below the current cell", "Messages", "Sampling settings"} <= set(seen)
    keys.press("Tab")
    keys.press("Enter")
    expect(chat.node.get_by_role("region", name="Models")).to_contain_text("smollm2-135m-instruct")


def test_tab_takes_what_was_typed_however_fast(lab: Lab) -> None:
    """The list never stands for what was typed a letter ago, and a Tab before the kernel answered is not lost."""
    lab.open([SETUP, "aa = 1\nx = 2\nxylophone = 3"])
    lab.run_cell(0)
    lab.run_cell(1)
    chat = Chat(lab).show().ready()
    attached, keys = chat.node.get_by_role("list", name="Attached"), lab.page.keyboard
    chat.input.focus()
    for typed, name in {"@x": "x", "@aa": "aa", "@xy": "xylophone"}.items():
        keys.type(typed)
        keys.press("Tab")
        expect(chat.input).to_have_value(f"{name} ")
        expect(chat.input).to_be_focused()
        chat.input.fill("")
        keys.type("@")
        expect(chat.node.get_by_role("option").first).to_contain_text("aa")
        keys.type(typed[1:])
        keys.press("Tab")
        expect(chat.input).to_have_value(f"{name} ")
        chat.input.fill("")
    assert [chip.split()[0] for chip in attached.get_by_role("listitem").all_inner_texts()] == ["x", "aa", "xylophone"]


def test_a_narrow_panel_shows_everything(lab: Lab, pictures: Path) -> None:
    """At the smallest width nothing is cut off or lies over something else, and no line scrolls the panel sideways."""
    chat = conversation(lab)
    chat.width(210)
    lab.page.wait_for_timeout(500)
    chat.picture(pictures, "chat-narrow")
    assert chat.node.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert chat.log.evaluate("node => node.scrollWidth <= node.clientWidth")
    for name in ["New conversation", "Sampling settings", "Send", "Attach cell"]:
        box, panel = chat.button(name).bounding_box(), chat.node.bounding_box()
        assert box is not None
        assert panel is not None
        assert panel["x"] <= box["x"]
        assert box["x"] + box["width"] <= panel["x"] + panel["width"] + 1


def test_right_to_left(lab: Lab, pictures: Path) -> None:
    """In a page that is read from the right the panel is mirrored; code stays as it is."""
    chat = conversation(lab)
    lab.page.evaluate("() => document.querySelector('.jp-LocalLLM-sidebar').setAttribute('dir', 'rtl')")
    chat.picture(pictures, "chat-rtl")
    send, attach = chat.button("Send").bounding_box(), chat.button("Attach cell").bounding_box()
    assert send is not None
    assert attach is not None
    assert send["x"] < attach["x"]
    assert chat.log.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_nothing_moves_for_those_who_asked(lab: Lab) -> None:
    """With `prefers-reduced-motion` the sign of waiting stands still."""
    lab.page.emulate_media(reduced_motion="reduce")
    chat = open_chat(lab, [])
    chat.ask("Hello")
    dots = chat.node.locator(".jp-LocalLLM-dots")
    expect(dots).to_be_visible()
    assert dots.evaluate("node => getComputedStyle(node).animationName") == "none"
    chat.wait_done(0)


def test_notebook_7(lab: Lab, pictures: Path) -> None:
    """The same panel stands in Notebook 7, and answers."""
    lab.open([SETUP], "seven.ipynb")
    lab.close()
    lab.page.goto(f"{lab.server.url}notebooks/seven.ipynb?token={lab.server.token}")
    lab.page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
    lab.page.evaluate("async () => { await window.jupyterapp.restored }")
    lab.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=60_000,
    )
    chat = Chat(lab).show()
    chat.button("Load the extension").click()
    chat.ready()
    chat.ask("What is the capital of Japan?")
    chat.wait_done(0)
    expect(chat.answer(0)).to_contain_text("Japan")
    chat.picture(pictures, "notebook-7")


def test_it_starts_fast_and_is_small(lab: Lab) -> None:
    """All of the bundle is below 300 KB, and the panel's own code is not loaded before it is seen."""
    static = CHECKOUT / "jupyter_localllm" / "labextension" / "static"
    assert sum(path.stat().st_size for path in static.iterdir()) < 300_000
    lab.start()
    loaded = len([url for url in lab.requests if "jupyter-localllm/static" in url])
    lab.open([SETUP])
    Chat(lab).show()
    assert len([url for url in lab.requests if "jupyter-localllm/static" in url]) > loaded
    assert lab.page.evaluate(f"() => [...window.jupyterapp.shell.widgets('right')].some(({{id}}) => id === '{ID}')")
