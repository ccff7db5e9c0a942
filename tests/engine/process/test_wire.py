"""What the child says is read strictly: right values come through unchanged, everything else is refused."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_localllm import errors
from jupyter_localllm.engine.process.call import Call
from jupyter_localllm.engine.process.frames import BadFrame, Frame, Kind
from jupyter_localllm.engine.process.wire import build, pack, pack_error, pack_event, unpack, unpack_error, unpack_event
from jupyter_localllm.errors import EngineError
from jupyter_localllm.types import (
    Done,
    Event,
    ModelInfo,
    Note,
    Provenance,
    Result,
    Status,
    Timings,
    Token,
    TokenLogprob,
    ToolCall,
    Usage,
)

RESULT = Result(
    "Łódź \U0001f600\u2028",
    "why",
    "length",
    Usage(1, 2, 3),
    Timings(1.0, 2.0, 3.0, 4.0, 5.0),
    "model",
    notes=(Note("loop", "It repeats itself."),),
    logprobs=(TokenLogprob("a", -0.5, (("a", -0.5), ("b", -math.inf))),),
)
INFO = ModelInfo("m", 8, "{{ x }}", False, {"bos_token": "<s>"}, ("<s>",), {"threads": 1, "device": "CPU"})


@pytest.mark.parametrize(
    "event",
    [Status("loading", "so far", 0.5), Status("waiting"), Token("a\\ud83d \U0001f600"), Token("b", "reasoning")],
)
def test_events_come_through(event: Event) -> None:
    """An event is the same on the other side."""
    assert unpack_event(pack_event(event), "model") == event


def test_results_come_through_whole() -> None:
    """Every field of a result is there on the other side, but for those that only the parent knows."""
    assert unpack_event(pack_event(Done(RESULT)), "model") == Done(RESULT)
    default = Result("")
    same = [f.name for f in dataclasses.fields(Result) if getattr(RESULT, f.name) == getattr(default, f.name)]
    assert same == ["cached", "provenance", "calls", "value"]  # a new field must get a value above


def test_the_parent_knows_better() -> None:
    """A child cannot say that an answer is another model's, or from the cache, or where it comes from."""
    lie = dataclasses.replace(RESULT, cached=True, model="other", calls=(ToolCall("f", "{}", "", "done"),), value=3)
    event = json.loads(pack_event(Done(lie)))
    event[1]["result"]["provenance"] = dataclasses.asdict(Provenance(model="other"))
    event[1]["result"]["value"] = "another"
    told = unpack_event(pack(event), "model")
    assert told == Done(RESULT)
    assert isinstance(told, Done)
    assert told.result.value is None


def test_what_is_known_of_a_model_comes_through() -> None:
    """`ModelInfo` is the same on the other side."""
    assert build(ModelInfo, unpack(pack(dataclasses.asdict(INFO)))) == INFO


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name[0].isupper()])
def test_errors_keep_their_class(name: str) -> None:
    """Each error of the tree arrives as itself, with message and hint."""
    error = unpack_error(pack_error(getattr(errors, name)("what is wrong", "what to do")))
    assert (type(error).__name__, error.message, error.hint) == (name, "what is wrong", "what to do")


@pytest.mark.parametrize("name", ["close_match", "SystemExit", "Iterable", "", "__name__"])
def test_other_errors_are_engine_errors(name: str) -> None:
    """No other name of a module can be called by a child, and no message moves the cursor."""
    error = unpack_error(pack([name, "\x1b[2J wrong", ""]))
    assert type(error) is EngineError
    assert error.message == "[2J wrong"
    assert type(unpack_error(pack_error(KeyError("x")))) is EngineError


BAD_EVENTS: list[Any] = [
    None,
    [],
    ["token"],
    ["token", {}],
    ["token", {"text": 1}],
    ["token", {"text": "a", "channel": "other"}],
    ["token", {"text": "a", "more": 1}],
    ["other", {"text": "a"}],
    [["token"], {"text": "a"}],
    ["status", {"stage": "x", "fraction": 2}],
    ["status", {"stage": "x", "fraction": True}],
    ["status", {"stage": "x", "fraction": math.nan}],
    ["done", {"result": {"text": "a", "finish_reason": "bored"}}],
    ["done", {"result": {"text": "a", "usage": {"prompt_tokens": -1}}}],
    ["done", {"result": {"text": "a", "usage": {"prompt_tokens": 1.5}}}],
    ["done", {"result": {"text": "a", "usage": {"prompt_tokens": 10**30}}}],
    ["done", {"result": {"text": "a", "timings": {"ttft_ms": math.inf}}}],
    ["done", {"result": {"text": "a", "timings": {"ttft_ms": 10**400}}}],
    ["done", {"result": {"text": "a", "logprobs": [{"text": "a", "logprob": 0, "top": [["a"]]}]}}],
]


@pytest.mark.parametrize("value", BAD_EVENTS, ids=str)
def test_bad_events_are_refused(value: Any) -> None:
    """Wrong names, types and ranges are `BadFrame`, and nothing else."""
    with pytest.raises(BadFrame):
        unpack_event(json.dumps(value).encode(), "model")


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"[" * 100_000, b'["token", {"text": "\\ud800"}]', b"1" * 5000, b'{"a": 1']
)
def test_bad_json_is_refused(payload: bytes) -> None:
    """Bytes that are no JSON, and half characters, are `BadFrame`."""
    with pytest.raises(BadFrame):
        unpack_event(payload, "model")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_any_json(value: Any) -> None:
    """Whatever the JSON is, a request takes it or refuses it; no other exception."""
    payload = pack(value)
    for method in ("load", "info", "count", "count_prompt", "embed", "generate"):
        for kind in Kind:
            try:
                Call("model", method, 2).take(Frame(kind, 1, payload))
            except BadFrame:
                continue


def test_events_out_of_place_are_refused() -> None:
    """Only a generation gets tokens, nothing comes after `Done`, and a generation ends with one."""
    token, done = (Frame(Kind.EVENT, 1, pack_event(event)) for event in (Token("a"), Done(RESULT)))
    for method in ("load", "count", "embed"):
        with pytest.raises(BadFrame):
            Call("model", method).take(token)
    call = Call("model", "generate")
    with pytest.raises(BadFrame, match="without an end"):
        call.take(Frame(Kind.VALUE, 1, b"null"))
    call.take(done)
    with pytest.raises(BadFrame):
        call.take(token)
    assert call.take(Frame(Kind.VALUE, 1, b"null"))


def test_arrays_have_the_size_they_say() -> None:
    """Rows of an array are those that were asked for, and all their numbers are there."""
    rows = Frame(Kind.ROWS, 1, bytes(24))
    for shape in ([2, 4], [3, 2], [1, 6], [2, 2**40], [2], [2, 3, 1], "no"):
        call = Call("model", "embed", 2)
        call.take(rows)
        with pytest.raises(BadFrame):
            call.take(Frame(Kind.VALUE, 1, pack(shape)))
    call = Call("model", "embed", 2)
    call.take(rows)
    call.take(Frame(Kind.VALUE, 1, pack([2, 3])))
    message = call.poll()
    assert message is not None
    assert message[1].shape == (2, 3)
