"""What the panel costs: the first token's way to the page, frames while a long answer streams, size, start.

``python -m benchmarks.sidebar [--out FILE]`` prints JSON. JupyterLab in Chromium, through Playwright, with a real
kernel and the embedded SmolLM2-135M; kernel and browser are on one machine, so that their clocks can be compared.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from benchmarks.spread import machine, percentile, spread
from tests.browser.chat import Chat, open_chat
from tests.browser.lab import Lab
from tests.browser.launch import launched
from tests.browser.server import LABEXTENSION, Server, running_server

FIRST_TOKEN_MS, FRAME_MS, UPDATES, BUNDLE_BYTES, ACTIVATE_MS = 50, 100, 20, 300_000, 20
LONG = 2_000  # tokens
STORIES = (
    "Tell me a very long story about the sea and all its fish.",
    "Write down the numbers from one to a thousand, each in words.",
    "List everything that a traveller sees on a journey around the world, day by day.",
)

# When the engine's thread has the first words of an answer, and when they were handed to the comm.
HOOKS = """
import json, pathlib, time
from jupyter_localllm.chat.comm import CommClient
from jupyter_localllm.engine.ticket import Ticket
from jupyter_localllm.types import Token

times = {"engine": [], "sent": []}
seen, emit, send = set(), Ticket.emit, CommClient.send

def timed_emit(ticket, event):
    if isinstance(event, Token) and event.text.strip() and ticket not in seen:
        seen.add(ticket)
        times["engine"].append(time.time() * 1000)
    emit(ticket, event)

def timed_send(client, message):
    if message["type"] == "answer" and message["request"] not in seen:
        seen.add(message["request"])
        times["sent"].append(time.time() * 1000)
    send(client, message)

Ticket.emit, CommClient.send = timed_emit, timed_send
"""
WRITE = "pathlib.Path('times.json').write_text(json.dumps(times))"

# When the first words of each answer stand in the document, and when the frame with them is drawn; each change of an
# answer after that; and, from `watch`, the time between frames.
PAGE = """
window.jllm = {shown: [], drawn: [], updates: [], frames: [], watching: false};
const known = new WeakSet();
new MutationObserver(() => {
    const now = Date.now();
    for (const text of document.querySelectorAll('.jp-LocalLLM-turnAnswer .jp-LocalLLM-text')) {
        const turn = text.closest('.jp-LocalLLM-turn');
        if (!known.has(turn) && text.textContent.trim() !== '') {
            known.add(turn);
            jllm.shown.push(now);
            requestAnimationFrame(() => jllm.drawn.push(Date.now()));
            new MutationObserver(() => jllm.updates.push(performance.now())).observe(
                turn.querySelector('.jp-LocalLLM-body'), {childList: true, subtree: true, characterData: true});
        }
    }
}).observe(document, {childList: true, subtree: true, characterData: true});
jllm.watch = () => {
    jllm.frames = []; jllm.updates = []; jllm.watching = true;
    let last = performance.now();
    const frame = now => {
        jllm.frames.push(now - last);
        last = now;
        if (jllm.watching) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
};
"""

# Federated extensions come through this object; ours is given a plugin whose `activate` is timed.
ACTIVATE = """
window.jllmActivate = [];
const timed = container => ({
    init: (...given) => container.init(...given),
    get: async name => {
        const factory = await container.get(name);
        return () => {
            const made = factory();
            for (const plugin of name === './extension' ? made.default : []) {
                const activate = plugin.activate;
                plugin.activate = (...given) => {
                    const begun = performance.now();
                    try { return activate(...given); } finally { jllmActivate.push(performance.now() - begun); }
                };
            }
            return made;
        };
    }
});
window._JUPYTERLAB = new Proxy({}, {
    set: (all, name, container) => {
        all[name] = name === 'jupyter-localllm' ? timed(container) : container;
        return true;
    }
});
"""


def first_tokens(chat: Chat, server: Server, questions: int) -> dict[str, Any]:
    """Milliseconds from the engine's first token to the panel's document, in short questions that nobody asked."""
    lab = chat.lab
    for i in range(questions):
        chat.ask(f"Which animal is number {i}? ({secrets.token_hex(4)})")
        chat.wait_done(i)
    lab.execute(WRITE)
    kernel = json.loads((server.root / "times.json").read_text())
    page = lab.page.evaluate("() => ({shown: jllm.shown, drawn: jllm.drawn})")
    # The first question loads the model and renders the first answer of all; it counts as the others do.
    waits = differences(kernel["engine"], page["shown"])
    return {
        "what": "from the engine's first token to the panel's document, ms",
        "ms": {**spread(waits), "p95": round(percentile(waits, 0.95), 1), "worst": round(max(waits), 1)},
        "parts_ms": {
            "in the kernel, until it is handed to the comm": spread(differences(kernel["engine"], kernel["sent"])),
            "from there to the document": spread(differences(kernel["sent"], page["shown"])),
            "until the frame is drawn, not counted": spread(differences(page["shown"], page["drawn"])),
        },
        "clocks_apart_ms": clocks_apart(lab.page),
        "against": "the bar",
        "ratio": round(percentile(waits, 0.95) / FIRST_TOKEN_MS, 3),
        "gate": {"p95_at_most_ms": FIRST_TOKEN_MS, "kept": percentile(waits, 0.95) <= FIRST_TOKEN_MS},
    }


def long_answer(chat: Chat) -> list[dict[str, Any]]:
    """Frames and updates while about 2,000 tokens are streamed; stories are tried until the model goes on so far."""
    chat.lab.execute(f"get_ipython().run_line_magic('config', 'LocalLLM.max_tokens = {LONG}')")
    tokens, page = 0, {"frames": [0.0], "updates": [0.0]}
    for story in STORIES:
        index = chat.turns.count()
        chat.lab.page.evaluate("() => jllm.watch()")
        chat.ask(f"{story} ({secrets.token_hex(4)})")
        chat.wait_done(index, 300)
        page = chat.lab.page.evaluate("() => { jllm.watching = false; return jllm }")
        figures = chat.answer(index).locator(".jp-LocalLLM-figures").inner_text()
        tokens = int(figures.split(" token")[0].replace(",", ""))
        if tokens >= 0.95 * LONG:
            break
    frames, most = page["frames"][1:], most_in(page["updates"], 1_000)
    return [
        {
            "what": f"time between frames while {tokens:,} tokens are streamed, ms",
            "ms": {**spread(frames), "p95": round(percentile(frames, 0.95), 1), "worst": round(max(frames), 1)},
            "tokens": tokens,
            "against": "the bar",
            "ratio": round(percentile(frames, 0.95) / FRAME_MS, 3),
            "gate": {"p95_at_most_ms": FRAME_MS, "kept": percentile(frames, 0.95) <= FRAME_MS and tokens > 0.9 * LONG},
        },
        {
            "what": "updates of that answer in the busiest second",
            "updates": most,
            "all": len(page["updates"]),
            "against": "the bar",
            "ratio": round(most / UPDATES, 3),
            "gate": {"at_most": UPDATES, "kept": most <= UPDATES},
        },
    ]


def bundle_size(static: Path) -> dict[str, Any]:
    """Bytes of all that the extension may load, uncompressed."""
    size = sum(path.stat().st_size for path in static.iterdir())
    return {
        "what": "the extension's bundle, all files, bytes",
        "bytes": size,
        "against": "the bar",
        "ratio": round(size / BUNDLE_BYTES, 3),
        "gate": {"below_bytes": BUNDLE_BYTES, "kept": size < BUNDLE_BYTES},
    }


def activation(context: BrowserContext, server: Server, rounds: int) -> dict[str, Any]:
    """Milliseconds of the plugin's ``activate()`` while JupyterLab starts."""
    context.add_init_script(ACTIVATE)
    found: list[float] = []
    for _ in range(rounds):
        lab = Lab(context, server)
        lab.start()
        found += lab.page.evaluate("() => jllmActivate")
        lab.page.close()
    if len(found) != rounds:
        raise RuntimeError(f"{len(found)} calls of activate() were seen in {rounds} starts")
    middle = statistics.median(found)
    return {
        "what": "the plugin's activate(), ms",
        "ms": {**spread(found), "worst": round(max(found), 1)},
        "against": "the bar",
        "ratio": round(middle / ACTIVATE_MS, 3),
        "gate": {"below_ms": ACTIVATE_MS, "kept": middle < ACTIVATE_MS},
    }


def differences(begun: Sequence[float], ended: Sequence[float]) -> list[float]:
    """What each took; both have one time for each question, in the order of asking."""
    if len(begun) != len(ended):
        raise RuntimeError(f"{len(begun)} began and {len(ended)} ended")
    return [after - before for before, after in zip(begun, ended, strict=True)]


def most_in(times: Sequence[float], length: float) -> int:
    """The most of these times, in rising order, that lie within one span of this length."""
    most = begin = 0
    for end, time_ in enumerate(times):
        while time_ - times[begin] >= length:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def clocks_apart(page: Page) -> float:
    """How far the page's clock is from ours at the most, from the best of some readings."""
    best = float("inf")
    for _ in range(20):
        before = time.time() * 1000
        there = page.evaluate("() => Date.now()")
        after = time.time() * 1000
        best = min(best, max(abs(there - before), abs(there - after)))
    return round(best, 1)


@contextmanager
def browser_context() -> Iterator[BrowserContext]:
    """Chromium, as the browser tests have it."""
    with launched() as browser:
        yield browser.new_context(viewport={"width": 1200, "height": 900}, service_workers="block")


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=9, help="starts of JupyterLab")
    parser.add_argument("--questions", type=int, default=30)
    arguments = parser.parse_args()
    about = machine()
    results = [bundle_size(LABEXTENSION / "static")]
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder) / "home") as server:
        with browser_context() as context:
            context.add_init_script(PAGE)
            lab = Lab(context, server)
            chat = open_chat(lab, ["%config LocalLLM.max_tokens = 24"])
            lab.run_cell(1)
            lab.execute(HOOKS)
            results.append(first_tokens(chat, server, arguments.questions))
            results += long_answer(chat)
            lab.close()
        with browser_context() as context:
            results.append(activation(context, server, arguments.rounds))
    text = json.dumps({"benchmark": "sidebar", "machine": about, "results": results}, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
