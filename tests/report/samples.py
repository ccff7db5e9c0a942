"""Notebooks as they are saved, made without a kernel: outputs as the kernel publishes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyter_localllm.batch.head import Head
from jupyter_localllm.batch.mapping import RowError
from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.batch.surfaces import Headless
from jupyter_localllm.batch.view import Finished
from jupyter_localllm.errors import CacheMiss, SourceError
from jupyter_localllm.show.bundle import bundle
from jupyter_localllm.show.live import show_error
from jupyter_localllm.show.view import View, failed, view_of
from jupyter_localllm.types import Answer, Result, ToolCall
from tests.show.samples import ANSWER as CITED
from tests.show.samples import RESULT

ABSTAINED = Answer("Not in the sources.", result=Result("Not in the sources.", model="m"), abstained=True)
CACHED = replace(RESULT, cached=True)
TYPED = replace(RESULT, text="4", value=4)
WITH_TOOL = Answer(
    "It is 12 [1].",
    (replace(CITED.citations[0], start=0, end=8),),
    CITED.passages,
    replace(RESULT, calls=(ToolCall("price", '{"item": "tea"}', "12", "done"),)),
)
MAP_RAN = Progress(
    done=3, total=3, failed=1, cached=2, elapsed_s=1.5, tokens=7, model="m", provenance=RESULT.provenance, finished=True
)
ROUTED = replace(RESULT.provenance, answered_by="large", answered_sha256="0" * 64, answered_why="small is not there")
MAPPED = Finished(
    MAP_RAN,
    Head((), (), 0),
    "The answers are the column `answer` of `words`.",
    (RowError(1, "b", SourceError("too large")),),
    name="words",
    question="Say {{ city }}",
)


@dataclass
class Published:
    """Stands in the place of a shell, and keeps what is published."""

    outputs: list[Any]

    @property
    def display_pub(self) -> Published:
        return self

    def publish(self, data: dict[str, Any], metadata: dict[str, Any], **how: Any) -> None:
        made = new_output("display_data", data=data, metadata=metadata)
        self.outputs[:] = [made] if how.get("update") else [*self.outputs, made]


def shown(view: View) -> list[Any]:
    """The outputs of a cell whose last view this was."""
    data, metadata = bundle(view)
    return [new_output("display_data", data=data, metadata=metadata)]


def published(tell: Callable[[Published], None]) -> list[Any]:
    """The outputs of a cell that publishes itself."""
    shell = Published([])
    tell(shell)
    return shell.outputs


KINDS: dict[str, tuple[str, list[Any]]] = {
    "plain": (
        "%%llm capital <<\nWhat is the capital of {{ land }}?",
        shown(view_of(RESULT, name="capital", question="What is the capital of France?")),
    ),
    "cached": ("%%llm\nAgain?", shown(view_of(CACHED))),
    "cited": ("%%llm cited << --cite cities\nHow many?", shown(view_of(CITED, name="cited", question="How many?"))),
    "abstained": ("%%llm --cite cities\nWho won?", shown(view_of(ABSTAINED))),
    "typed": ("%%llm legs << --schema int\nHow many legs?", shown(view_of(TYPED, name="legs"))),
    "tool": ("%%llm --tools price\nWhat is it?", shown(view_of(WITH_TOOL))),
    "remote": ("llm.ask(question)", shown(view_of(replace(RESULT, provenance=replace(RESULT.provenance, remote="h"))))),
    "routed": ("%%llm\nWhat?", shown(view_of(replace(RESULT, provenance=ROUTED)))),
    "interrupted": ("%%llm\nTell me.", shown(failed(View(text="It", tokens=1, model="m"), KeyboardInterrupt()))),
    "broken": ("%%llm\nTell me.", shown(failed(View(text="It", model="m", remote="https://h"), ValueError()))),
    "error": (
        "%%llm e << --on-error record\n{{ df }}",
        published(lambda shell: show_error(shell, CacheMiss("no entry", "Run it."), name="e", question="{{ df }}")),
    ),
    "map": ("%%llm words << --over cities\nSay {{ city }}", published(lambda shell: Headless(shell).finish(MAPPED))),
    "routed-map": (
        "%%llm --over cities\nSay {{ city }}",
        published(lambda shell: Headless(shell).finish(replace(MAPPED, progress=replace(MAP_RAN, provenance=ROUTED)))),
    ),
    "stopped map": (
        "%%llm --over cities\nSay {{ city }}",
        published(lambda shell: Headless(shell).stop(replace(MAP_RAN, done=1), "They are kept.")),
    ),
}
"""A cell's source and its outputs, for every kind of answer."""

ANSWERED = tuple(name for name in KINDS if name != "stopped map")


def notebook(*kinds: str) -> Any:
    """A notebook with a cell for each of these, after a cell of text."""
    cells = [new_markdown_cell("# A report", id="head")]
    for name in kinds or tuple(KINDS):
        source, outputs = KINDS[name]
        cells.append(new_code_cell(source, id=name.replace(" ", "-"), outputs=outputs))
    return new_notebook(cells=cells)
