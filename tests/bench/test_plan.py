"""What is to be measured is checked before anything is, and can be written down and read again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jupyter_localllm.bench import Plan, plan_in
from jupyter_localllm.bench.prompts import prompt_number
from jupyter_localllm.errors import LocalLLMError, SettingsError, UsageError

KNOWN = ["model", "n_ctx", "seed", "stop", "temperature"]


def test_lists_make_cases() -> None:
    """Each combination once, in order; lists of settings that are lists vary only as lists of lists."""
    plan = Plan().with_cases(["a", "b"], {"n_ctx": [512, 1024], "seed": 3}, KNOWN)
    assert [(case["model"], case["n_ctx"], case["seed"]) for case in plan.cases] == [
        ("a", 512, 3),
        ("a", 1024, 3),
        ("b", 512, 3),
        ("b", 1024, 3),
    ]
    assert Plan().with_cases([], {"stop": ["x", "y"]}, KNOWN).cases == ({"stop": ["x", "y"]},)
    assert len(Plan().with_cases([], {"stop": [["x"], ["y"]]}, KNOWN).cases) == 2
    assert len(Plan().with_cases(["a", "a"], {}, KNOWN).cases) == 1


def test_a_section_of_a_file() -> None:
    """Cases of their own are combined with what varies."""
    table = {
        "n": 3,
        "quality": True,
        "prompts": ["x"],
        "models": "a",
        "cases": [{"n_ctx": 512}, {"seed": 2}],
        "vary": {"temperature": [0.0, 1.0]},
    }
    plan = plan_in(table, "f", KNOWN)
    assert (plan.n, plan.warmup, plan.quality, plan.prompts) == (3, 2, True, ("x",))
    assert plan.cases == (
        {"n_ctx": 512, "model": "a", "temperature": 0.0},
        {"n_ctx": 512, "model": "a", "temperature": 1.0},
        {"seed": 2, "model": "a", "temperature": 0.0},
        {"seed": 2, "model": "a", "temperature": 1.0},
    )
    assert plan_in(None, "f", KNOWN) == Plan()


def test_written_and_read_again() -> None:
    """What stands in the JSON of a result is the same plan."""
    plan = Plan(n=3, warmup=0, prompts=("x", "y"), quality=True).with_cases(["a"], {"n_ctx": [1, 2]}, KNOWN)
    assert plan_in(plan.to_dict(), "f", KNOWN) == plan


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"nn": 3}, "bench.nn in f is unknown.*Did you mean n"),
        ({"modles": []}, "Did you mean models"),
        ({"n": 0}, "n cannot be 0"),
        ({"n": True}, "n cannot be True"),
        ({"n": "3"}, "n cannot be '3'"),
        ({"warmup": -1}, "warmup cannot be -1"),
        ({"quality": 1}, "quality cannot be 1"),
        ({"prompts": "x"}, "a list of texts"),
        ({"prompts": [""]}, "not empty"),
        ({"prompts": [3]}, "not empty"),
        ({"models": 3}, "a list of names"),
        ({"models": [3]}, "a list of names"),
        ({"cases": 3}, "a list of tables"),
        ({"cases": [3]}, "is int"),
        ({"vary": [3]}, "is list"),
        ({"vary": {"n_ctxx": [3]}}, "no such setting.*Did you mean n_ctx"),
        ({"vary": {"n_ctx": []}}, "0 cases"),
        ({"vary": {"n_ctx": list(range(300))}}, "300 cases"),
        ({"vary": {"n_ctx": [7] * 3000, "seed": [7] * 3000, "temperature": [7] * 3000}}, "27,000,000,000 cases"),
        ([], "is list"),
    ],
)
def test_what_is_wrong_is_told(table: Any, says: str) -> None:
    """Each mistake names the file, and what to do."""
    with pytest.raises((UsageError, SettingsError)) as caught:
        plan_in(table, "f", KNOWN)
    assert re.search(says, str(caught.value).replace("\n", " "))
    assert isinstance(caught.value, LocalLLMError)
    assert " f" in str(caught.value)


def test_no_prompt_begins_as_another() -> None:
    """Nothing of one can be reused for the next; a person's own are asked in turn."""
    ours = [prompt_number(number) for number in range(30)]
    assert len({text[:4] for text in ours}) == 30
    assert len({text.partition(") ")[2] for text in ours}) == 12
    assert max(map(len, ours)) - min(map(len, ours)) <= 1  # of the same length
    assert [prompt_number(number, ["a", "b"]) for number in range(3)] == ["(1) a", "(2) b", "(3) a"]
