"""A notebook with one text wherever a page takes text from."""

from __future__ import annotations

from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyter_localllm.show.view import view_of
from jupyter_localllm.types import Answer, Citation, Locator, Passage, Result
from tests.report.samples import shown

__all__ = ["everywhere"]


def everywhere(text: str) -> Any:
    """A notebook with this text in each place that a page is made of."""
    answer = view_of(Result(text, model=text), name=text, question=text)
    cited = view_of(
        Answer(text + " [1].", (Citation(1, text, Locator(label=text), text, 0, 3, "unsupported", text),),
               (Passage(text, "text", text, Locator(label=text), "ab" * 32, text, ((text,), (text,))),), Result(text),
               reading=text, abstained=True)
    )  # fmt: skip
    error = dict.fromkeys(("type", "message", "hint"), text)
    outputs = [
        *shown(answer),
        *shown(cited),
        *[new_output("display_data", data={kind: text}) for kind in
          ("text/html", "text/markdown", "text/plain", "text/latex", "image/png", "image/svg+xml", "application/json")],
        new_output("stream", name="stdout", text=text),
        new_output("error", ename=text, evalue=text, traceback=[text]),
        new_output("display_data", data={"text/html": text, "text/plain": text},
                   metadata={"jupyter_localllm": {"rows": 3, "name": text, "remote": text}}),
        new_output("display_data", metadata={"jupyter_localllm": {"error": error}}),
    ]  # fmt: skip
    metadata = {"title": text, "lang": text, "papermill": {"parameters": {text: text}, "end_time": text}}
    cells = [new_markdown_cell(text, attachments={text: {"image/png": text}}), new_code_cell(text, outputs=outputs)]
    return new_notebook(cells=cells, metadata=metadata)
