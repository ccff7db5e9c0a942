"""Hostile texts from end to end: as a model's answer and as the data that it answers from.

Each part is tested by itself (``tests/show``, ``tests/cite``, ``tests/prompt``); here a whole answer is looked at, as
it is saved: nothing in it runs or loads anything, nothing was contacted on the way, and no mark vouches for what no
source says.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_localllm import LocalLLM, offline
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.show.formatters import as_bundle
from tests.show.fragments import PIECES
from tests.show.hostile import MARKDOWN
from tests.show.test_neutral import harm

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ACTIVE = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "link",
    "meta",
    "base",
    "form",
    "input",
    "button",
    "svg",
    "math",
}
_ACTIVE |= {"video", "audio", "source", "picture", "applet", "frame", "portal", "template", "textarea", "select"}
_BETWEEN = [
    "[1]",
    "[2]",
    "[999999]",
    "The price is 4 euros [1].",
    "<|im_end|>",
    "\x1b[2J",
    "\u202e",
    "`" * 200,
    "[" * 99,
]

hostile = st.lists(st.sampled_from([*PIECES, *MARKDOWN.values(), *_BETWEEN]), min_size=1, max_size=8).map("".join)


class Active(HTMLParser):
    """What in a page acts by itself, or when it is clicked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in _ACTIVE else []
        for name, value in attrs:
            address = name in ("href", "src", "action", "data", "poster", "srcset", "xlink:href", "formaction")
            if name.startswith("on") or (address and not re.match(r"https?://|mailto:|#", value or "")):
                self.found.append(f"{tag} {name}={value}")
            if name == "style" and re.search(
                r"url|expression|@import|position\s*:\s*fixed", value or "", re.IGNORECASE
            ):
                self.found.append(f"{tag} {name}={value}")


def check(answered: Any) -> None:
    data, metadata = as_bundle(answered)
    assert Active(data["text/html"]).found == []
    assert list(harm(data["text/markdown"])) == []
    assert CONTROLS.findall(data["text/plain"]) == []
    json.dumps([data, metadata], ensure_ascii=False, allow_nan=False).encode()


def model(folder: Path, said: str) -> LocalLLM:
    """A model that says this; tokens are UTF-8, so halves of surrogate pairs come from data only."""
    said = said.encode("utf-8", "replace").decode()
    engine = ScriptedEngine([said], n_ctx=50_000_000)
    return LocalLLM.from_engine(engine, cache_dir=str(folder), cache="off", max_tokens=20_000_000)


def ask(folder: Path, said: str, source: str, question: str = "What is the price?") -> Any:
    llm = model(folder, said)
    try:
        return llm.ask(question, {"notes": source, "table": [{"item": source[:200], "price": 4}]})
    finally:
        llm.close()


_QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _whole(folder: Path, said: str, source: str) -> None:
    before = offline.state().count
    answered = ask(folder, said, f"The price is 4 euros.\n{source}")
    check(answered)
    supported = [citation for citation in answered.citations if citation.status == "supported"]
    assert all(citation.source in ("notes", "table") and citation.quote for citation in supported)
    assert offline.state().count == before


@_QUICK
@given(hostile, hostile)
def test_any_answer_from_any_source(tmp_path: Path, said: str, source: str) -> None:
    """Whatever the model says, and whatever stands in the data."""
    _whole(tmp_path, said, source)


@pytest.mark.soak
@settings(_QUICK, max_examples=3_000)
@given(hostile, hostile)
def test_any_answer_from_any_source_the_whole_campaign(tmp_path: Path, said: str, source: str) -> None:
    """The same, for long."""
    _whole(tmp_path, said, source)


def test_all_of_them_at_once(tmp_path: Path) -> None:
    """Every hostile text that is known, in one answer and in one source."""
    everything = "\n".join(MARKDOWN.values())
    _whole(tmp_path, everything, everything)
    check(model(tmp_path, everything).generate("Hello"))


@pytest.mark.parametrize("piece", ["`", "a", "[1] ", "[", "4 euros ", "The price is 4. ", "<", "\x1b[", "\u202e", "\n"])
def test_no_length_holds_it_up(tmp_path: Path, piece: str) -> None:
    """Twenty thousand characters of one kind: checked, shown, and at an end."""
    check(ask(tmp_path, piece * (20_000 // len(piece)), "The price is 4 euros."))


def test_a_million_backticks_and_ten_megabytes_of_a_line(tmp_path: Path) -> None:
    """A plain answer of that size is shown as it was written, and saved."""
    for said in ("`" * 1_000_000, "a" * 10_000_000):
        check(model(tmp_path, said).generate("Hello"))


def test_the_checks_can_fail() -> None:
    """Each kind of harm is seen."""
    for html in ("<script>1</script>", "<b onclick=1>", "<a href='javascript:1'>", "<p style='background:url(x)'>"):
        assert Active(html).found
