"""`jupyter_localllm.show.view`."""

from __future__ import annotations

import pytest

from jupyter_localllm.errors import EngineError
from jupyter_localllm.show.view import View, failed, fold, view_of
from jupyter_localllm.types import Cited, Done, Event, Provenance, Result, Revised, Status, Token

from .samples import ANSWER, EVENTS, RESULT, TEXT, WORDS, note, result


def folded(events: tuple[Event, ...], step_ms: float = 10.0) -> View:
    view = View()
    for number, event in enumerate(events):
        view = fold(view, event, number * step_ms)
    return view


def test_text_grows_and_ends_as_the_result() -> None:
    """Pieces are joined; the result has the last word."""
    assert folded(WORDS).text == TEXT
    view = folded(EVENTS)
    assert (view.text, view.tokens, view.result) == (TEXT, 9, RESULT)


def test_reasoning_is_apart() -> None:
    """What the model thinks is never part of its answer."""
    view = folded((Token("let me", "reasoning"), Token(" see", "reasoning"), Token("Paris")))
    assert (view.reasoning, view.text, view.tokens) == ("let me see", "Paris", 3)


def test_speed_is_measured_from_the_first_piece() -> None:
    """Loading and reading the prompt are not the speed of writing."""
    assert folded((Status("loading"), *WORDS)).tokens_per_second == pytest.approx(100.0)
    assert folded((Token("a"),)).tokens_per_second == 0.0


def test_status_goes_when_text_comes() -> None:
    """A status stands until there is something better to see."""
    view = folded(EVENTS[:1])
    assert view.status == Status("loading", "loading", 0.45)
    assert fold(view, Token("a"), 1.0).status is None


def test_fold_is_pure() -> None:
    """The same view and event give the same view, and the old one stays."""
    before = View(text="a")
    assert fold(before, Token("b"), 5.0) == fold(before, Token("b"), 5.0)
    assert before.text == "a"


@pytest.mark.parametrize(
    ("view", "ended", "complete", "reason"),
    [
        (View(), False, False, None),
        (View(result=RESULT), True, True, "stop"),
        (View(result=Result("x", finish_reason="length")), True, True, "length"),
        (View(result=Result("x", finish_reason="interrupted")), True, False, "interrupted"),
        (failed(View(), KeyboardInterrupt()), True, False, "interrupted"),
        (failed(View(), EngineError("x")), True, False, "interrupted"),
    ],
)
def test_how_it_ends(view: View, ended: bool, complete: bool, reason: str | None) -> None:
    """An answer that anything broke off is incomplete."""
    assert (view.ended, view.complete, view.finish_reason) == (ended, complete, reason)


@pytest.mark.parametrize(
    ("view", "texts"),
    [
        (View(text="x", result=RESULT), []),
        (
            View(text="x", result=Result("x", finish_reason="length", provenance=Provenance(max_tokens=1024))),
            ["stopped at max_tokens (1,024): raise it for more"],
        ),
        (View(text="x", result=result(finish_reason="length", notes=(note("length"),))), ["this is length"]),
        (View(text="x", result=result(notes=(note("loop"), note("cache")))), ["this is loop"]),
        (View(text="x", result=result(finish_reason="interrupted")), ["interrupted: incomplete"]),
        (View(text=" ", result=RESULT), ["the answer is empty"]),
        (failed(View(text="x"), KeyboardInterrupt()), ["interrupted: incomplete"]),
        (failed(View(text="x"), EngineError("x")), ["EngineError: incomplete"]),
    ],
)
def test_notes(view: View, texts: list[str]) -> None:
    """The reader is told what is wrong with the answer, once."""
    assert [one.text for one in view.notes] == texts


def test_notes_of_this_run() -> None:
    """What is true of this run only is kept apart: it must not be saved with the answer."""
    view = folded((Done(result(notes=(note("cache"), note("loop")))),))
    assert [one.code for one in view.passing_notes] == ["cache"]
    assert [one.code for one in view.notes] == ["loop"]


def test_a_revision_replaces_the_text() -> None:
    """What was corrected is the text now, and what follows goes on from there."""
    view = fold(fold(View(), Token("It is 3 [2]."), 0.0), Revised("It is 3 [1]."), 1.0)
    assert (view.text, view.ended, view.tokens) == ("It is 3 [1].", False, 1)
    assert fold(view, Token(" So."), 2.0).text == "It is 3 [1]. So."


def test_a_cited_answer_keeps_its_own_text() -> None:
    """The result is the generation's: the text with the checked marks stays."""
    view = fold(View(), Cited(ANSWER), 0.0)
    assert (view.text, view.ended) == (ANSWER.text, False)
    done = fold(view, Done(ANSWER.result), 1.0)
    assert (done.text, done.answer, done.result) == (ANSWER.text, ANSWER, ANSWER.result)
    assert done == view_of(ANSWER)
