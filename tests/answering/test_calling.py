"""The loop: calls, outcomes, rounds, and the answer that rests on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import jupyter_localllm as jl
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import ToolError, ToolNotConfirmed
from jupyter_localllm.types import Answer, Called, Cited, Done, Job, ModelInfo, Revised, Status, ToolCall
from tests.tools import shop
from tests.tools.templates import TEMPLATES


def call(called: str, **arguments: Any) -> str:
    return json.dumps({"name": called, "arguments": arguments})


def asks(*script: str, **settings: Any) -> jl.LocalLLM:
    return jl.LocalLLM.from_engine(ScriptedEngine(list(script)), **settings)


def engine(llm: jl.LocalLLM) -> ScriptedEngine:
    assert isinstance(llm.engine, ScriptedEngine)
    return llm.engine


def shown(answer: Answer) -> list[str]:
    return [one.shown for one in answer.result.calls]


def test_a_call_its_outcome_and_the_answer() -> None:
    """The model calls, Python runs, and what it says then is checked against the outcome and marked."""
    llm = asks(call("price", item="tea"), "The price of tea is 12 euros. It is from 1887.")
    answer = llm.ask("What is the price of tea?", tools=[shop.price], yes=True)
    assert answer.text == "The price of tea is 12 euros [1]. It is from 1887 [?]."
    assert shown(answer) == ['price("tea") = 12.0']
    cited = answer.citations[0]
    assert (cited.source, cited.quote, cited.locator.operation) == ("tool", 'price("tea") = 12.0', 'price("tea")')
    assert answer.text[cited.start : cited.end] == "The price of tea is 12 euros"
    assert list(answer.result.provenance.sources) == ['price("tea")']
    assert answer.check().citations[0].status == "supported"


def test_the_model_is_told_of_the_tools_and_the_outcome() -> None:
    """Both prompts hold the tools; the second one the call and what it gave."""
    llm = asks(call("price", item="tea"), "12")
    llm.generate("What is the price of tea?", tools=[shop.price], yes=True)
    first, second = ([m.content for m in job.prompt.messages] for job in engine(llm).jobs)
    assert "The price of an item, in euros." in first[0]
    assert second[:2] == first
    assert second[2] == call("price", item="tea")
    assert 'price("tea") gave: 12.0' in second[3]


def test_without_a_call_it_is_an_ordinary_answer_that_says_so() -> None:
    """No marks, no passages, and a note."""
    answer = asks("Tokyo, since 1868.").ask("What is the capital of Japan?", tools=[shop.price])
    assert (answer.text, answer.citations, answer.passages) == ("Tokyo, since 1868.", (), ())
    assert [note.code for note in answer.result.notes] == ["no_call"]


def test_events_in_their_order() -> None:
    """Status before each call, the call with its outcome, the checked text, the answer, the end."""
    llm = asks(call("double", number=3), "Twice 3 is 6.")
    events = list(llm.stream("Twice 3?", tools=[shop.double]))
    kinds = [type(event) for event in events if not (isinstance(event, Status) and event.stage == "loading")]
    assert kinds[:2] == [Status, Called]
    assert kinds[-3:] == [Revised, Cited, Done]
    (called,) = (event.call for event in events if isinstance(event, Called))
    assert called == ToolCall("double", '{"number": 3}', "6", "done")
    assert not any("{" in getattr(event, "text", "") for event in events)


def test_several_rounds() -> None:
    """Each round sees what came before; the answer cites the calls by number."""
    llm = asks(call("double", number=3), call("double", number=6), "Twice 3 is 6. Twice 6 is 12.")
    answer = llm.ask("Twice, and twice again?", tools=[shop.double])
    assert shown(answer) == ["double(3) = 6", "double(6) = 12"]
    assert [c.number for c in answer.citations] == [1, 2]
    assert answer.result.usage.completion_tokens > 10


def test_rounds_have_a_limit_that_is_told() -> None:
    """After it, the model must answer, and is held to text."""
    counter = iter(range(100))
    llm = jl.LocalLLM.from_engine(ScriptedEngine(lambda job: call("double", number=next(counter))))
    answer = llm.ask("On and on?", tools=[shop.double], tool_rounds=3)
    assert len(answer.result.calls) == 3
    assert len(engine(llm).jobs) == 4
    assert "start: TEXT\n" in engine(llm).jobs[3].constraint.grammar
    (note,) = (note for note in answer.result.notes if note.code == "rounds")
    assert "3 rounds" in note.text
    assert "tool_rounds" in note.text


def test_the_same_again_is_not_called_again() -> None:
    """A model that goes in circles is told what it knows, and must answer: nothing is ordered twice."""
    ran: list[str] = []

    def order(item: str) -> str:
        """Order an item."""
        ran.append(item)
        return "ordered"

    llm = asks(call("order", item="tea"), call("order", item="tea"), "It is ordered.")
    answer = llm.ask("Order tea.", tools=[order], yes=True)
    assert answer.result.text == "It is ordered."
    assert ran == ["tea"]
    assert len(answer.result.calls) == 1
    assert engine(llm).jobs[2].prompt.messages[-1].content.startswith('The function order("tea") gave: ordered')
    assert engine(llm).jobs[2].constraint.grammar.startswith("start: TEXT\n")


def test_must_call_holds_for_the_first_round() -> None:
    """There it is held to a call; later it may answer."""
    llm = asks(call("double", number=3), "It is 6.")
    llm.ask("Twice 3?", tools=[shop.double], must_call=True)
    grammars = [job.constraint.grammar for job in engine(llm).jobs]
    assert "TEXT |" not in grammars[0].partition("\n")[0]
    assert "TEXT |" in grammars[1].partition("\n")[0]


@pytest.mark.parametrize(
    ("script", "status", "says"),
    [
        (call("price", item="gold"), "failed", "KeyError: 'gold'"),
        (call("price", thing="tea"), "failed", "thing"),
        (call("prize", item="tea"), "failed", "Did you mean price?"),
    ],
)
def test_errors_go_back_to_the_model(script: str, status: str, says: str) -> None:
    """It reads them and goes on; they are no sources."""
    llm = asks(script, "I do not know.")
    answer = llm.ask("What does gold cost?", tools=[shop.price], yes=True)
    (made,) = answer.result.calls
    assert (made.status, says in made.outcome) == (status, True)
    assert answer.passages == ()
    assert says in engine(llm).jobs[1].prompt.messages[-1].content


def test_a_declined_call_goes_back_to_the_model() -> None:
    """The person's no is an outcome; the function did not run."""
    llm = asks(call("price", item="tea"), "Then I cannot say.")
    answer = llm.ask("What does tea cost?", tools=[shop.price], confirm=lambda call: False)
    (made,) = answer.result.calls
    assert made.status == "declined"
    assert "did not allow" in made.shown


def test_what_was_not_done_is_not_told_as_done() -> None:
    """Where no call gave anything, what is claimed of it is marked like any other claim."""

    def pay(to: str) -> str:
        """Pay."""
        raise KeyError(to)

    for confirm in (lambda call: False, lambda call: True):
        answer = asks(call("pay", to="Eve"), "I paid Eve 500 euros.").ask("Pay Eve.", tools=[pay], confirm=confirm)
        assert answer.text == "I paid Eve 500 euros [?]."
        assert answer.supported is False


def test_without_a_person_it_is_refused() -> None:
    """Nothing runs, and the error says what to do."""
    ran: list[str] = []

    def delete(name: str) -> None:
        """Delete a file."""
        ran.append(name)

    with pytest.raises(ToolNotConfirmed, match=r'delete\(name="a"\)'):
        asks(call("delete", name="a")).ask("Delete a.", tools=[delete])
    assert not ran


def test_pure_functions_run_once() -> None:
    """A second question finds the outcome in the cache, without consent; others run each time."""
    ran: list[int] = []
    note = ran.append  # a list that grows, held by itself, would make it another function each time

    @jl.tool(pure=True)
    def square(number: int) -> int:
        """The square of a number."""
        note(number)
        return number * number

    def root(number: int) -> float:
        """The root of a number."""
        note(-number)
        return number**0.5

    script = [call("square", number=3), call("root", number=9), "9 and 3"]
    for _ in range(2):
        answer = asks(*script).ask("Square 3, and root 9?", tools=[square, root], confirm=lambda call: True)
    assert ran == [3, -9, -9]
    assert [made.cached for made in answer.result.calls] == [True, False]
    assert answer.result.cached
    asks(*script).ask("Square 3, and root 9?", tools=[square, root], yes=True, cache="off")
    assert ran[3:] == [3, -9]


def test_a_failure_is_not_kept() -> None:
    """A pure function that failed is tried again."""
    ran: list[int] = []

    @jl.tool(pure=True, safe=True)
    def fragile(number: int) -> int:
        """Fails once."""
        ran.append(number)
        return 1 // (len(ran) - 1)

    for expected in ("failed", "done"):
        answer = asks(call("fragile", number=1), "So.").ask("Try?", tools=[fragile], cache="use")
        assert answer.result.calls[0].status == expected


def test_another_outcome_is_another_question() -> None:
    """What the model is told is part of the key: an answer never rests on an older outcome."""
    stock = iter([5, 4])

    @jl.tool(safe=True)
    def left() -> int:
        """How many are left."""
        return next(stock)

    script: Callable[[Job], str] = lambda job: (  # noqa: E731
        f"There are {job.prompt.messages[-1].content.split('gave: ')[1][0]} left."
        if "gave" in job.prompt.messages[-1].content
        else call("left")
    )
    answers = [jl.LocalLLM.from_engine(ScriptedEngine(script)).ask("How many?", tools=[left]).text for _ in range(2)]
    assert answers == ["There are 5 left [1].", "There are 4 left [1]."]


def test_an_interrupt_stops_the_tool_and_the_answer() -> None:
    """It goes through; the engine is free, and nothing is kept."""

    @jl.tool(safe=True)
    def wait() -> None:
        """Wait."""
        raise KeyboardInterrupt

    llm = asks(call("wait"), "Done.")
    with pytest.raises(KeyboardInterrupt):
        llm.ask("Wait.", tools=[wait], chat="talk")
    assert len(engine(llm).jobs) == 1
    assert list(llm.conversations) == []


def test_a_call_that_was_cut_off_is_an_error() -> None:
    """It is not run with half of its arguments, and not shown as an answer."""
    with pytest.raises(ToolError, match="cut off at 4 tokens") as caught:
        asks(call("price", item="a very long tea")).ask("?", tools=[shop.price], max_tokens=4)
    assert "max_tokens" in caught.value.hint


class HermesEngine(ScriptedEngine):
    """Renders by itself, and speaks as Hermes."""

    def info(self) -> ModelInfo:
        return replace(super().info(), chat_template=TEMPLATES["hermes"])


def test_what_is_said_before_a_call_stays() -> None:
    """It stands before the answer, unmarked; the spans of the citations are right."""
    script = [f"I look in 1999.\n<tool_call>\n{call('double', number=3)}\n</tool_call>", "Twice 3 is 6."]
    answer = jl.LocalLLM.from_engine(HermesEngine(script)).ask("Twice 3?", tools=[shop.double])
    assert answer.text == "I look in 1999.\n\nTwice 3 is 6 [1]."
    (cited,) = answer.citations
    assert answer.text[cited.start : cited.end] == "Twice 3 is 6"
    assert answer.result.text == "I look in 1999.\n\nTwice 3 is 6."


def test_several_calls_in_one_answer() -> None:
    """All run, in their order, and all outcomes are told."""
    calls = "\n".join(f"<tool_call>\n{call('double', number=n)}\n</tool_call>" for n in (3, 4))
    answer = jl.LocalLLM.from_engine(HermesEngine([calls, "6 and 8."])).ask("Twice 3 and 4?", tools=[shop.double])
    assert shown(answer) == ["double(3) = 6", "double(4) = 8"]


def test_conversations_remember_question_and_answer() -> None:
    """The next question goes on from what was said; the calls are of their moment."""
    llm = asks(call("double", number=3), "It is 6.", "Yes.")
    llm.ask("Twice 3?", tools=[shop.double], chat="talk")
    llm.generate("Sure?", chat="talk")
    contents = [m.content for m in engine(llm).jobs[-1].prompt.messages]
    assert contents[1:] == ["Twice 3?", "It is 6 [1].", "Sure?"]


def test_sources_and_tools_together() -> None:
    """Passages are numbered before the calls, and both are cited."""
    llm = asks(call("double", number=4), "The garden has 4 trees. Twice 4 is 8.")
    notes = "The garden has 4 trees.\n\nThe house is red."
    answer = llm.ask("How many trees has the garden, and twice that?", {"notes": notes}, tools=[shop.double])
    assert [c.source for c in answer.citations] == ["notes", "tool"]
    assert answer.citations[1].quote == "double(4) = 8"
    assert list(answer.result.provenance.sources) == ["notes", "double(4)"]
    assert [c.status for c in answer.check().citations] == ["supported", "supported"]
    changed = answer.check({"notes": notes.replace("4 trees", "5 trees")})
    assert [c.status for c in changed.citations] == ["stale", "supported"]
