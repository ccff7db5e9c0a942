"""The protocol, by the samples that the TypeScript reads too."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_localllm.chat.from_kernel import FROM_KERNEL, Refused
from jupyter_localllm.chat.from_panel import FROM_PANEL, Ask, Failure
from jupyter_localllm.chat.protocol import LIMIT_BYTES, VERSION, encode, parse, parse_from_kernel
from jupyter_localllm.chat.reading import Refusal
from tests.chat.samples import SAMPLES, about, expand

# What only a session can know: whether a request was made before, and what a setting may be.
_OF_THE_SESSION = {"unknown_request", "used_request", "before_hello", "too_many"}
_OF_THE_SETTINGS = {"an option of a wrong type", "a temperature below 0", "one good value and a bad one"}


def test_the_samples_are_of_this_version() -> None:
    """Both sides say the same version and the same limit."""
    assert (SAMPLES["protocol"], SAMPLES["limit_bytes"]) == (VERSION, LIMIT_BYTES)


def test_every_message_has_a_sample() -> None:
    """No type of message is left out, in either direction."""
    assert {sample["message"]["type"] for sample in SAMPLES["from_panel"]} == set(FROM_PANEL)
    assert {sample["message"]["type"] for sample in SAMPLES["from_kernel"]} == set(FROM_KERNEL)


def test_the_front_end_knows_what_is_no_name() -> None:
    """It leaves Python's keywords out of the names that it sends with an error: the kernel refuses them."""
    text = (Path(__file__).resolve().parents[2] / "labextension" / "src" / "chat" / "code.ts").read_text("utf-8")
    listed = re.search(r"const KEYWORDS = new Set\((.*?)\);", text, re.DOTALL)
    assert listed is not None
    words = " ".join(re.findall(r"'([^']+)'", listed[1]))
    assert set(keyword.kwlist) <= set(words.split())


@pytest.mark.parametrize("sample", about(SAMPLES["from_panel"]))
def test_a_panels_message_is_read(sample: dict[str, Any]) -> None:
    """Each is taken, and says the same when it is written again, without what is not known."""
    made = parse(sample["message"])
    assert not isinstance(made, Refused), made
    again = encode(made)
    known = {name: value for name, value in sample["message"].items() if name in again}
    assert {name: again[name] for name in known} == known
    assert parse(again) == made


@pytest.mark.parametrize("sample", about(SAMPLES["from_kernel"]))
def test_a_kernels_message_is_read(sample: dict[str, Any]) -> None:
    """Each is read, and is the same when it is written again."""
    assert encode(parse_from_kernel(sample["message"])) == sample["message"]


@pytest.mark.parametrize(
    "sample",
    about(
        [
            one
            for one in SAMPLES["refused"]
            if one["code"] not in _OF_THE_SESSION and one["about"] not in _OF_THE_SETTINGS
        ]
    ),
)
def test_a_bad_message_is_refused(sample: dict[str, Any]) -> None:
    """Each gets the code that says why, and the request that it was for, if that can be known."""
    refused = parse(expand(sample["message"]))
    assert isinstance(refused, Refused), refused
    assert (refused.code, refused.request) == (sample["code"], sample["request"])
    assert refused.text
    json.dumps(encode(refused)).encode("ascii")  # can be sent
    assert len(refused.text) < 500


@pytest.mark.parametrize("sample", about(SAMPLES["dropped"]))
def test_a_bad_message_of_the_kernel_is_seen(sample: dict[str, Any]) -> None:
    """What panels drop is no message here either."""
    with pytest.raises(Refusal):
        parse_from_kernel(sample["message"])


def test_the_limit_is_in_bytes() -> None:
    """A message of 1,000,000 bytes is taken, and one of a byte more is not."""
    message = {"type": "complete", "request": "r", "before": "", "after": "", "language": ""}
    rest = LIMIT_BYTES - len(json.dumps(message, separators=(",", ":")))
    assert not isinstance(parse({**message, "before": "é" * (rest // 2) + "e" * (rest % 2)}), Refused)
    refused = parse({**message, "before": "e" * (rest + 1)})
    assert isinstance(refused, Refused)
    assert refused.code == "too_large"


def test_names_of_a_failed_cell_that_are_none_are_left_out() -> None:
    """A panel finds them by their letters: keywords, calls and paths are no reason to refuse the question."""
    names = ["import", "df", "for", "None", "zero()", "a.b", "df", "", "x" * 201, *(f"v{i}" for i in range(200))]
    error = {"kind": "error", "source": "1", "traceback": "E", "variables": names}
    ask = {"type": "ask", "request": "r", "conversation": "c", "text": "", "attachments": [error], "task": "explain"}
    made = parse(ask)
    assert isinstance(made, Ask), made
    (failure,) = made.attachments
    assert isinstance(failure, Failure)
    assert failure.variables == ("df", *(f"v{i}" for i in range(99)))


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        pytest.param(2**1023 - 1, "out_of_range", id="a float holds it"),
        pytest.param(10**400, "malformed", id="large"),
        pytest.param(-(10**400), "malformed", id="small"),
        pytest.param(10**5_000, "malformed", id="long"),
    ],
)
def test_a_number_beyond_all_measure_is_refused(limit: int, code: str) -> None:
    """And not raised, however many digits it has; wherever it stands."""
    for message in (
        {"type": "variables", "request": "r", "prefix": "", "limit": limit},
        {"type": "configure", "request": "r", "values": {"temperature": limit}},
    ):
        made = parse(message)
        if message["type"] == "variables" or code == "malformed":
            assert isinstance(made, Refused)
            assert made.code == code
            assert len(made.text) < 500


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES["from_panel"]), st.data())
def test_whatever_comes_is_taken_or_refused(sample: dict[str, Any], data: st.DataObject) -> None:
    """With any field replaced by anything, there is a message or a refusal with a known code; nothing is raised."""
    message = dict(sample["message"])
    message[data.draw(st.sampled_from(sorted(message)))] = data.draw(_JSON)
    made = parse(message)
    if isinstance(made, Refused):
        assert made.code in SAMPLES["codes"]
        json.dumps(encode(made), ensure_ascii=False).encode()
