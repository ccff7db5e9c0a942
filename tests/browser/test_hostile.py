"""The labextension's renderer in a real JupyterLab: what never happens, whoever wrote the notebook."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import expect

from jupyter_localllm.show.html import render
from jupyter_localllm.show.neutral import neutralise
from tests.show.hostile import HOST, MARKDOWN

from .lab import Lab
from .outputs import bundle, metadata, publish, saved

pytestmark = pytest.mark.browser


class Trap:
    """A web server on another port, to which hostile outputs point; it is reachable, so a request would arrive."""

    def __init__(self) -> None:
        paths = self.paths = []  # type: list[str]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                paths.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


def hostile_html(url: str) -> str:
    """Everything of `hostile.MARKDOWN` as raw HTML, and more that only HTML can do."""
    js = "window.pwned=1"
    more = f"""
        <link rel="dns-prefetch" href="{url}/dns"><link rel="preload" as="image" href="{url}/preload">
        <picture><source srcset="{url}/srcset"><img src="{url}/img" srcset="{url}/set 2x" onerror="{js}"></picture>
        <input type="image" src="{url}/input" autofocus onfocus="{js}">
        <table background="{url}/table"><tr><td background="{url}/td" style="background:url({url}/t)">x</table>
        <ul style="list-style-image:url({url}/list)"><li>x</li></ul>
        <p style="text-align:left;background-image:url({url}/p);position:fixed">x</p>
        <svg><style>* {{ background: url({url}/svg) }}</style><image href="{url}/i"/><script>{js}</script></svg>
        <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src={url}/m onerror={js}&gt;">
        <details open ontoggle="{js}"><summary>x</summary></details>
        <div class="jp-Dialog lm-Widget jp-LocalLLM-x" id="main" name="jupyterapp" style="position:fixed">x</div>
        <a href="javascript:{js}" data-commandlinker-command="notebook:run-all-cells">x</a>
        <p class="jp-LocalLLM-math">$\\style{{background:url({url}/tex)}}{{x}}\\href{{javascript:{js}}}{{y}}$</p>
        <template><img src="{url}/template"></template><noscript><img src="{url}/noscript"></noscript>
    """
    return "\n".join(text.replace(f"http://{HOST}", url) for text in MARKDOWN.values() if "\ud800" not in text) + more


TOC = "@jupyterlab/toc-extension:registry"


@pytest.fixture
def without_headings(lab: Lab) -> Iterator[Lab]:
    """JupyterLab's table of contents reads the headings of every HTML output, and loads the images in it while it does
    (4.6; whatever renderer shows the output). That is not ours to test, so it is told not to look at outputs."""
    lab.setting(TOC, {"includeOutput": False})
    yield lab
    lab.close()
    lab.setting(TOC, {})


def test_hostile_notebook_does_nothing(without_headings: Lab, trap: Trap) -> None:
    """Neither the HTML nor the values of a hostile notebook run a script, send a request or dress up as JupyterLab."""
    lab = without_headings
    attack = f'<img src="{trap.url}/json" onerror="window.pwned=1">'
    answer = bundle(hostile_html(trap.url), attack, model=attack, finish_reason=attack, reasoning=attack)
    volatile = {"cached": attack, "timings": {"tokens_per_second": attack}, "usage": [attack]}
    meta = {"jupyter_localllm": {"volatile": volatile, "model": attack}}
    lab.open(saved(answer, meta), "hostile.ipynb")
    expect(lab.answer(0)).to_have_count(1)
    lab.page.wait_for_timeout(1000)
    lab.open([publish(answer, meta)], "hostile-run.ipynb")
    lab.run_cell(0)
    expect(lab.answer(0)).to_have_count(1)
    lab.page.wait_for_timeout(1500)
    assert trap.paths == []
    assert lab.foreign_requests() == []
    assert lab.page.evaluate("() => window.pwned") is None
    inside = lab.answer(0).locator(".jp-LocalLLM-body")
    for selector in ("script", "img", "style", "iframe", "svg", "form", "input", "[id]", ".jp-Dialog", "[onclick]"):
        assert inside.locator(f"{selector}:not(mjx-container *)").count() == 0, selector
    schemes = inside.locator("a[href]").evaluate_all("links => links.map(link => link.protocol)")
    assert set(schemes) <= {"http:", "https:", "mailto:"}
    expect(lab.answer(0).locator(".jp-LocalLLM-model")).to_have_text(attack)


def test_hostile_text_does_nothing(lab: Lab) -> None:
    """What the kernel makes of a hostile model's text does nothing in JupyterLab as it comes, all its parts awake."""
    text = "\n\n".join(text for text in MARKDOWN.values() if "\ud800" not in text)
    lab.open([publish({**bundle(render(text), text), "text/markdown": neutralise(text)}, metadata())])
    lab.run_cell(0)
    expect(lab.answer(0)).to_have_count(1)
    lab.page.wait_for_timeout(1500)
    assert lab.foreign_requests() == []
    assert lab.page.evaluate("() => window.pwned") is None


def test_the_trap_would_notice(lab: Lab, trap: Trap) -> None:
    """The check above can fail: the same attack in plain HTML of a run cell is seen on all three ways."""
    attack = f'<img src="{trap.url}/control"><img src="x:" onerror="window.pwned=1">'
    lab.open([f"from IPython.display import HTML\nHTML({attack!r})"])
    lab.run_cell(0)
    lab.page.wait_for_function("() => window.pwned === 1")
    expect(lab.output(0).locator("img")).to_have_count(2)
    lab.page.wait_for_timeout(300)
    assert set(trap.paths) == {"/control"}
    assert set(lab.foreign_requests()) == {f"{trap.url}/control"}


@pytest.mark.timeout(120)
def test_thousands_of_formulas_leave_the_page_alive(lab: Lab) -> None:
    """MathJax lays the page out for each formula: 12 KB of "$x$" took it minutes. The page goes on, and so do cells."""
    lab.open([publish(bundle(render("$x$ " * 3_000)), metadata()), "print('still here')"])
    lab.run_cell(0)
    expect(lab.answer(0).locator("mjx-container").first).to_be_visible()
    lab.run_cell(1)
    expect(lab.output(1)).to_contain_text("still here")
    assert lab.answer(0).locator(".jp-LocalLLM-math").count() == 3_000
