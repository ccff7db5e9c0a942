"""What a server is asked, and what becomes of what it says."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_localllm.constrain import Grammar, Regex
from jupyter_localllm.errors import EngineError
from tests.engine.openai.speaker import DONE, Scripted, delta, event
from tests.engine.served.asking import AGE, Make, asked
from tests.engine.served.server import Asked

CHAT = "/v1/chat/completions"


def test_a_plain_question(scripted: Scripted, handle: Make) -> None:
    """Messages, limit and sampling are those of the question; what only llama.cpp knows is not sent to others."""
    llm = handle(temperature=0.5, seed=7)
    result = llm.generate("hello?", max_tokens=30)
    body = asked(scripted.speaker, CHAT)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (30, 0.5, 7)
    assert body["stream_options"] == {"include_usage": True}
    assert "top_k" not in body
    assert result.notes == ()
    assert (result.usage.completion_tokens, result.model) == (2, "openai:m")
    assert result.provenance.versions["openai"]


@pytest.mark.parametrize(("owner", "sent"), [("", None), ("vllm", ["cat", "dog", "a", "b"])])
def test_stop_strings(scripted: Scripted, handle: Make, owner: str, sent: Any) -> None:
    """Servers that are known to keep to them are told, four at most; they are kept in any case, all of them."""
    scripted.served_by(owner)
    result = handle().generate("Tell me.", stop=["cat", "dog", "a", "b", "he 1th"])
    assert asked(scripted.speaker, CHAT).get("stop") == sent
    assert (result.text, result.finish_reason) == ("Then t", "stop")


def test_greedy_is_not_seeded(scripted: Scripted, handle: Make) -> None:
    """What cannot matter is not sent: some servers refuse it."""
    handle().generate("hello?")
    assert not {"seed", "top_p", "frequency_penalty", "stop", "extra_body", "tools"} & set(
        asked(scripted.speaker, CHAT)
    )


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        ("llamacpp", {"top_k": 9, "min_p": 0.05, "repeat_penalty": 1.2, "typical_p": 1.0, "repeat_last_n": 64}),
        ("vllm", {"top_k": 9, "min_p": 0.05, "repetition_penalty": 1.2}),
        ("me", {"top_k": 9, "min_p": 0.05, "repeat_penalty": 1.2}),
    ],
)
def test_what_a_server_knows_besides(scripted: Scripted, handle: Make, owner: str, names: dict[str, Any]) -> None:
    """Sampling beyond OpenAI's is sent to those that know it, under their names."""
    scripted.served_by(owner)
    result = handle(temperature=0.5, top_k=9, repeat_penalty=1.2).generate("hello?")
    assert {name: asked(scripted.speaker, CHAT)[name] for name in names} == names
    assert result.notes == ()


def test_what_cannot_be_sent_is_said(scripted: Scripted, handle: Make) -> None:
    """A setting that the server cannot be told, and that would matter, is a note on the answer."""
    result = handle(temperature=0.5, top_k=9, repeat_penalty=1.2).generate("hello?")
    assert [note.text for note in result.notes] == ["the server cannot be told top_k, repeat_penalty"]
    assert handle(top_k=9).generate("hello?").notes == ()


def test_schemas(scripted: Scripted, handle: Make) -> None:
    """A schema is sent as OpenAI has it, told in words as well, and the answer is validated."""
    scripted.answers["old"] = '{"age": 30}'
    result = handle().generate("How old is Ann?", schema=AGE)
    assert result.value == {"age": 30}
    body = asked(scripted.speaker, CHAT)
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": AGE}}
    assert "JSON" in body["messages"][0]["content"]


def test_schemas_of_llama_cpp_server(scripted: Scripted, handle: Make) -> None:
    """It has the schema beside ``json_object``."""
    scripted.served_by("me")
    scripted.answers["old"] = '{"age": 30}'
    assert handle().generate("How old is Ann?", schema=AGE).value == {"age": 30}
    assert asked(scripted.speaker, CHAT)["response_format"] == {"type": "json_object", "schema": AGE}


def test_choices_as_a_grammar(scripted: Scripted, handle: Make) -> None:
    """llama.cpp's servers hold an answer to a list of choices."""
    scripted.served_by("llamacpp")
    scripted.answers["japan"] = "yes"
    assert handle().generate("Is Tokyo in Japan?", schema=["yes", 'no "never"']).value == "yes"
    assert asked(scripted.speaker, CHAT)["grammar"] == 'root ::= "no \\"never\\"" | "yes"'


@pytest.mark.parametrize(("owner", "sent"), [("llamacpp", True), ("me", False), ("vllm", False)])
def test_grammars_of_a_person(scripted: Scripted, handle: Make, owner: str, sent: bool) -> None:
    """They go only where a wrong one does no harm; that nothing holds the answer for sure is said."""
    scripted.served_by(owner)
    result = handle().generate("hello?", constraint=Grammar('root ::= "a" | "b"'))
    assert ("grammar" in asked(scripted.speaker, CHAT)) is sent
    assert [note.code for note in result.notes] == ["unheld"]
    assert (
        "grammar" not in asked(scripted.speaker, CHAT)
        or asked(scripted.speaker, CHAT)["grammar"] == 'root ::= "a" | "b"'
    )
    handle().generate("hello?", constraint=Regex("[ab]"))
    assert "grammar" not in asked(scripted.speaker, CHAT)


def test_what_is_refused_is_left_out(scripted: Scripted, handle: Make) -> None:
    """A server without schemas is asked again without, and the answer says so; it is validated all the same."""

    def refuses(request: Asked) -> Any:
        if "response_format" in request.body:
            return 422, {"detail": "Unknown field: response_format"}
        return scripted.chat(request)

    scripted.speaker.routes[CHAT] = refuses
    scripted.answers["old"] = '{"age": 30}'
    result = handle().generate("How old is Ann?", schema=AGE)
    assert result.value == {"age": 30}
    assert [note.text for note in result.notes] == ["the server refuses response_format, so it was asked without"]


def test_a_base_model(scripted: Scripted, handle: Make) -> None:
    """What a server will not chat with, for want of a chat template, continues the text, and says so."""
    words = "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template"
    scripted.speaker.routes[CHAT] = lambda _: (400, {"error": {"message": words}})
    scripted.speaker.routes["/v1/completions"] = lambda _: [
        event({"choices": [{"index": 0, "text": " a time", "finish_reason": None}]}),
        event({"choices": [{"index": 0, "text": ".", "finish_reason": "length"}]}),
        DONE,
    ]
    result = handle().generate("Once upon", max_tokens=2)
    (body,) = scripted.speaker.bodies("/v1/completions")
    assert (body["prompt"], body["max_tokens"], "messages" in body) == ("Once upon", 2, False)
    assert (result.text, result.finish_reason) == ("a time.", "length")
    assert [note.code for note in result.notes] == ["no_template", "length"]


def test_times_of_the_server_are_its_own(scripted: Scripted, handle: Make) -> None:
    """What llama-server measured stands beside what was measured here, in milliseconds, under names of its own."""

    def timed(request: Asked) -> Any:
        yield delta(content="Hi")
        yield delta("stop")
        yield event(
            {
                "choices": [],
                "usage": {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}},
                "timings": {"prompt_ms": 12.5, "predicted_ms": 34.0},
            }
        )
        yield DONE

    scripted.speaker.routes[CHAT] = timed
    result = handle().generate("hello?")
    assert (result.timings.server_prompt_ms, result.timings.server_generation_ms) == (12.5, 34.0)
    assert 0 < result.timings.ttft_ms <= result.timings.latency_ms
    assert (result.usage.prompt_tokens, result.usage.cached_prompt_tokens) == (9, 4)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning(scripted: Scripted, handle: Make, name: str) -> None:
    """Reasoning that the server knows as such, and reasoning in marks, are no part of the answer."""
    scripted.speaker.routes[CHAT] = lambda _: [
        delta(**{name: "\nHmm"}),
        delta(**{name: ", well."}),
        delta(content="Yes."),
        delta("stop"),
        DONE,
    ]
    result = handle().generate("hello?")
    assert (result.reasoning, result.text) == ("Hmm, well.", "Yes.")
    scripted.speaker.routes[CHAT] = lambda _: [delta(content="<think>Hm</think>Yes."), delta("stop"), DONE]
    result = handle().generate("Hello again?")
    assert (result.reasoning, result.text) == ("Hm", "Yes.")


def test_no_reasoning(scripted: Scripted, handle: Make) -> None:
    """A budget of 0 turns it off where the server can be told; elsewhere that is said."""
    scripted.served_by("vllm")
    assert handle().generate("hello?", reasoning_budget=0).notes == ()
    assert asked(scripted.speaker, CHAT)["chat_template_kwargs"] == {"enable_thinking": False}
    assert [note.code for note in handle().generate("hello?", reasoning_budget=9).notes] == ["unsent"]


def test_log_probabilities(scripted: Scripted, handle: Make) -> None:
    """They are taken where the server gives them, and missed aloud where it does not."""
    one = {"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Hi", "logprob": -0.5}]}
    choice = {"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [one]}, "finish_reason": "stop"}
    scripted.speaker.routes[CHAT] = lambda _: [event({"choices": [choice]}), DONE]
    (token,) = handle().generate("hello?", logprobs=1).logprobs
    assert (token.text, token.logprob, token.top) == ("Hi", -0.5, (("Hi", -0.5),))
    assert (asked(scripted.speaker, CHAT)["logprobs"], asked(scripted.speaker, CHAT)["top_logprobs"]) == (True, 1)
    scripted.speaker.routes[CHAT] = scripted.chat
    result = handle().generate("hello?", logprobs=2)
    assert [note.text for note in result.notes] == ["the server gives no log-probabilities"]


COUNTERS = {
    "llamacpp": ("/tokenize", {"tokens": [1, 2, 3]}, 512),
    "me": ("/extras/tokenize/count", {"count": 3}, 8192),
    "vllm": ("/tokenize", {"count": 3, "max_model_len": 2048}, 2048),
}


@pytest.mark.parametrize("owner", COUNTERS)
def test_tokens_are_counted_by_the_server(scripted: Scripted, handle: Make, owner: str) -> None:
    """Where it can, each text once; and the window is the one that it tells, or that was set."""
    path, reply, window = COUNTERS[owner]
    scripted.models = [{"id": "m", "owned_by": owner, **({"max_model_len": 2048} if owner == "vllm" else {})}]
    scripted.speaker.routes["/props"] = lambda _: (200, {"default_generation_settings": {"n_ctx": 512}})
    scripted.speaker.routes[path] = lambda _: (200, reply)
    llm = handle()
    assert [llm.count_tokens("hello you there") for _ in range(3)] == [3, 3, 3]
    assert len(scripted.speaker.bodies(path)) == 1
    assert llm.engine is not None
    assert llm.engine.info().n_ctx == window
    other = handle(n_ctx=300)
    other.load()
    assert other.engine is not None
    assert other.engine.info().n_ctx == 300


def test_a_server_that_does_not_count(scripted: Scripted, handle: Make) -> None:
    """Tokens are estimated then, and it is not asked again and again."""
    scripted.served_by("vllm")
    llm = handle()
    assert [llm.count_tokens("one two three"), llm.count_tokens("four five six")] == [5, 5]
    assert len(scripted.speaker.bodies("/tokenize")) == 1


def test_one_after_the_other(scripted: Scripted, handle: Make) -> None:
    """llama_cpp.server gets one request at a time: a second one would end the first."""
    scripted.served_by("me")
    running: list[int] = []
    most: list[int] = []

    def alone(request: Asked) -> Any:
        running.append(1)
        most.append(len(running))
        yield from scripted.chat(request)
        running.pop()

    scripted.seconds = 0.002
    scripted.speaker.routes[CHAT] = alone
    scripted.speaker.routes["/extras/tokenize/count"] = lambda _: (200, {"count": 3 + len(running) * 1000})
    assert len(handle(n_parallel=8).map("hello {{ value }}", list(range(8)))) == 8
    assert set(most) == {1}


def test_an_answer_that_was_interrupted(scripted: Scripted, handle: Make) -> None:
    """llama_cpp.server ends a stream for another request without a word; that is an error, with the remedy."""
    scripted.served_by("me")
    scripted.speaker.routes[CHAT] = lambda _: [delta(content="One"), DONE]
    with pytest.raises(EngineError) as caught:
        handle().generate("hello?")
    assert "--interrupt_requests false" in caught.value.hint
