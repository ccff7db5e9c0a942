"""What moved between two runs is told, with the reason where it was recorded."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from jupyter_localllm.report.moved import Moved, compare, plain, text
from jupyter_localllm.show.view import view_of
from jupyter_localllm.types import Provenance, Result
from tests.report.samples import CITED, KINDS, RESULT, notebook, shown

OTHER = "ff" * 32


def of(result: Result, **values: Any) -> Any:
    """A notebook with one answer."""
    outputs = shown(view_of(result, name="total", **values))
    return new_notebook(cells=[new_code_cell("%%llm total <<\nHow much?", id="ask", outputs=outputs)])


def answered(words: str, **provenance: Any) -> Result:
    return replace(RESULT, text=words, provenance=replace(RESULT.provenance, **provenance))


def only(old: Any, new: Any) -> Moved:
    (moved,) = compare(old, new)
    return moved


def printed(*outputs: Any, source: str = "x", cell_id: str = "x") -> Any:
    return new_notebook(cells=[new_code_cell(source, id=cell_id, outputs=list(outputs))])


def test_the_same() -> None:
    """A notebook is as it is; times and the cache are no difference."""
    assert compare(notebook(), notebook()) == ()
    replayed = replace(RESULT, cached=True, timings=replace(RESULT.timings, latency_ms=1.0))
    assert compare(of(RESULT), of(replayed)) == ()
    assert text(()) == "Nothing moved."


def test_an_answer_and_its_numbers() -> None:
    """The old and the new answer are told, and which numbers are others now; marks are no numbers."""
    moved = only(of(answered("It is 7 of 12 [1].")), of(answered("It is 9 of 12 [2].", sources={"df": OTHER})))
    assert (moved.cell, moved.cell_id, moved.what, moved.name) == (0, "ask", "answer", "total")
    assert (moved.before, moved.after) == ("It is 7 of 12 [1].", "It is 9 of 12 [2].")
    assert moved.numbers == (("7", "9"),)
    assert moved.reasons == ("df changed: sha256 efefefef → ffffffff",)


REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "a variable": ({"sources": {"df": OTHER}}, "df changed: sha256 efefefef → ffffffff"),
    "a new variable": ({"sources": {**RESULT.provenance.sources, "x": OTHER}}, "x is new"),
    "no variable": ({"sources": {}}, "df is no longer used"),
    "the model": ({"model": "big", "model_sha256": OTHER}, "model smollm2-135m-instruct → big"),
    "the weights": (
        {"model_sha256": OTHER},
        "the weights of smollm2-135m-instruct changed: sha256 abababab → ffffffff",
    ),
    "the sampling": ({"sampling": {"temperature": 0.7, "seed": 1}}, "temperature 0.0 → 0.7"),
    "the seed": ({"sampling": {"temperature": 0.0, "seed": 2}}, "seed 1 → 2"),
    "the limit": ({"max_tokens": 16}, "max_tokens 1024 → 16"),
    "the prompt": (
        {"prompt_sha256": OTHER},
        "prompt changed: its words, the system message, an earlier turn, or the sources chosen for it",
    ),
    "a version": (
        {"versions": {"jupyter_localllm": "0.2"}},
        "the same question to the same model was answered otherwise: jupyter_localllm 0.1 → 0.2",
    ),
}


@pytest.mark.parametrize("case", REASONS)
def test_the_reason(case: str) -> None:
    """What was recorded of both runs tells why."""
    change, why = REASONS[case]
    assert only(of(RESULT), of(answered("Otherwise.", **change))).reasons == (why,)


def test_another_question() -> None:
    """A prompt that changed is told in its words."""
    moved = only(of(RESULT, question="How much?"), of(answered("9", prompt_sha256=OTHER), question="How many?"))
    assert moved.reasons == ('prompt "How much?" → "How many?"',)


def test_made_otherwise() -> None:
    """An answer that happens to be the same is told if a variable, a prompt or a model behind it changed."""
    changed = replace(RESULT, provenance=replace(RESULT.provenance, sources={"df": OTHER}))
    moved = only(of(RESULT), of(changed))
    assert (moved.what, moved.numbers) == ("provenance", ())
    assert moved.reasons == ("df changed: sha256 efefefef → ffffffff",)
    upgraded = replace(RESULT, provenance=replace(RESULT.provenance, versions={"jupyter_localllm": "0.2"}))
    assert compare(of(RESULT), of(upgraded)) == ()


def test_the_same_words_on_another_ground() -> None:
    """An answer whose citations are judged otherwise is told, though its text is the same."""
    first, *rest = CITED.citations
    weaker = replace(CITED, citations=(replace(first, status="unsupported"), *rest))
    old, new = (
        new_notebook(cells=[new_code_cell("x", id="x", outputs=shown(view_of(one)))]) for one in (CITED, weaker)
    )
    moved = only(old, new)
    assert moved.what == "citations"
    assert moved.before != moved.after
    assert "unsupported" in moved.after


@pytest.mark.parametrize(("kind", "part"), [("map", "text/plain"), ("error", "error"), ("typed", "answer")])
def test_other_kinds(kind: str, part: str) -> None:
    """Maps, recorded errors and typed answers are compared, too."""
    old = notebook(kind)
    new = copy.deepcopy(old)
    output = new.cells[1].outputs[0]
    if part == "text/plain":
        output.data[part] = output.data[part].replace("2 of 3", "3 of 3")
    elif part == "error":
        output.metadata.jupyter_localllm.error.message = "something else"
    else:
        output.data["application/vnd.jupyter-localllm.answer+json"].text = "5"
    assert only(old, new).what == "answer"


TABLE = {"text/plain": "   n\n0  7", "text/html": "<style>#T_1 {}</style><table id='T_1'><tr><td>7</td></tr></table>"}
OUTPUTS: dict[str, tuple[Any, Any, tuple[tuple[str, str], ...]]] = {
    "printed": (
        new_output("stream", name="stdout", text="sum: 1,234.5"),
        new_output("stream", name="stdout", text="sum: 1,299.0"),
        (("1,234.5", "1,299.0"),),
    ),
    "a table": (
        new_output("display_data", data=TABLE),
        new_output(
            "display_data", data={"text/plain": "   n\n0  8", "text/html": "<table><tr><td>8</td></tr></table>"}
        ),
        (("7", "8"),),
    ),
    "an error": (
        new_output("error", ename="KeyError", evalue="a", traceback=[]),
        new_output("error", ename="KeyError", evalue="b", traceback=[]),
        (),
    ),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_other_outputs(kind: str) -> None:
    """Numbers that pandas prints or shows count as well."""
    before, after, numbers = OUTPUTS[kind]
    moved = only(printed(before), printed(after))
    assert (moved.what, moved.numbers) == ("output", numbers)
    assert moved.reasons == ()
    assert only(printed(before), printed(after, source="y")).reasons == ("the cell's code changed",)


def test_a_picture() -> None:
    """A picture is compared by its bytes, not by how they are broken into lines."""
    one, same, other = (
        new_output("display_data", data={"image/png": content, "text/plain": "<Figure>"})
        for content in ("iVBO\nRw==", "iVBORw==", "iVBORx==")
    )
    assert compare(printed(one), printed(same)) == ()
    assert only(printed(one), printed(other)).what == "output"


def test_what_is_no_result() -> None:
    """Warnings, where an object lies in memory, the names that a styled table made up, and code are no results."""
    quiet = new_output("stream", name="stderr", text="warning 1")
    loud = new_output("stream", name="stderr", text="warning 2")
    assert compare(printed(quiet), printed(loud)) == ()
    here, there = (new_output("display_data", data={"text/plain": f"<x at 0x7f{n}00000>"}) for n in (1, 2))
    assert compare(printed(here), printed(there)) == ()
    styled = json.loads(json.dumps(TABLE).replace("T_1", "T_2"))
    assert (
        compare(printed(new_output("display_data", data=TABLE)), printed(new_output("display_data", data=styled))) == ()
    )
    assert compare(printed(source="x"), printed(source="y")) == ()
    split = [new_output("stream", name="stdout", text=part) for part in ("a ", "b")]
    assert compare(printed(*split), printed(new_output("stream", name="stdout", text="a b"))) == ()


def test_new_and_gone() -> None:
    """A cell that came or went is told by what it shows."""
    both, one = notebook("plain", "cited"), notebook("plain")
    assert [(moved.what, moved.cell_id) for moved in compare(one, both)] == [("added", "cited")]
    assert [(moved.what, moved.cell_id) for moved in compare(both, one)] == [("removed", "cited")]


def _anew(made: Any) -> Any:
    for number, cell in enumerate(made.cells):
        cell.id = f"other-{number}"
    return made


def _moved_down(made: Any) -> Any:
    made.cells.insert(1, new_code_cell("1", id="new"))
    return made


def _without_ids(made: Any) -> Any:
    for cell in made.cells:
        del cell["id"]
    return made


@pytest.mark.parametrize("change", [_anew, _moved_down, _without_ids])
def test_cells_are_matched(change: Callable[[Any], Any]) -> None:
    """By id, wherever they stand; by their source where ids are others."""
    made = notebook("plain", "cited", "map", "typed")
    assert compare(made, change(copy.deepcopy(made))) == ()


def test_injected_parameters() -> None:
    """Papermill's own cell has another id in each run, and is the same cell."""
    old, new = (
        new_notebook(
            cells=[new_code_cell(f"n = {n}\nn", id=f"p{n}", metadata={"tags": ["injected-parameters"]},
                                 outputs=[new_output("execute_result", data={"text/plain": str(n)})])]
        )
        for n in (1, 2)
    )  # fmt: skip
    moved = only(old, new)
    assert (moved.what, moved.reasons) == ("output", ("the cell's code changed",))


def test_in_words_and_as_json() -> None:
    """A person reads cell, name, both answers, numbers and reason; a program gets the same as plain values."""
    found = compare(of(answered("It is 7.")), of(answered("It is 9.", sources={"df": OTHER})))
    assert text(found).splitlines() == [
        "cell 1 (total): the answer moved",
        "  - It is 7.",
        "  + It is 9.",
        "  7 → 9",
        "  because df changed: sha256 efefefef → ffffffff",
        "",
        "1 answer moved.",
    ]
    assert json.loads(json.dumps(plain(found)))[0]["numbers"] == [["7", "9"]]
    many = compare(new_notebook(), notebook())
    assert text(many).splitlines()[-1].endswith("results are new.")


def test_terminal_escapes() -> None:
    """What stands in a file of somebody else does nothing to a terminal."""
    evil = of(
        Result("\x1b[2J\x1b]0;owned\x07gone", provenance=Provenance(model="\x1b[31m", sources={"\x1b[1m": OTHER}))
    )
    told = text(compare(of(RESULT), evil))
    assert "\x1b" not in told
    assert "\x07" not in told


_TWINS = ("cached",)  # the answer of "plain", in another run


def test_every_kind_against_every_other() -> None:
    """Whatever stands where something else stood, it is told and nothing breaks."""
    cells = {
        name: new_notebook(cells=[new_code_cell("x", id="x", outputs=KINDS[name][1])])
        for name in KINDS
        if name not in _TWINS
    }
    for one, old in cells.items():
        for other, new in cells.items():
            assert (compare(old, new) == ()) == (one == other), (one, other)
