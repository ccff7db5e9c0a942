"""Values that come out otherwise than they should be: found by an attack."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from typing import Any

import pytest

import jupyter_localllm as jl
from jupyter_localllm.batch import fitted, open_data
from jupyter_localllm.cache import Grouped
from jupyter_localllm.cache.store import Store
from jupyter_localllm.cache.trouble import Busy
from jupyter_localllm.constrain.typed import typed
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import AnswerCut, SchemaMismatch, UsageError
from jupyter_localllm.types import Part

pd = pytest.importorskip("pandas")


def says(text: str | list[Any]) -> jl.LocalLLM:
    return jl.LocalLLM.from_engine(ScriptedEngine(text))


@pytest.mark.parametrize(
    "choices", [["good", "bad", "good"], pd.Series(["good", "bad", "good"])], ids=["list", "series"]
)
def test_choices_that_come_twice(choices: Any) -> None:
    """A column as it is has its values many times; they are one category each."""
    answers = says("good").map("{{ value }}", pd.Series(["a", "b"]), schema=choices, progress=False)
    assert list(answers) == ["good", "good"]
    assert list(answers.dtype.categories) == ["good", "bad"]


def test_a_row_that_a_type_refuses_is_recorded() -> None:
    """Whatever its own code raises: the other rows go on."""

    @dataclasses.dataclass
    class Picky:
        number: int

        def __post_init__(self) -> None:
            if self.number == 1:
                raise KeyError(self.number)

    failed: list[Any] = []
    llm = jl.LocalLLM.from_engine(ScriptedEngine({"one": '{"number": 1}', "two": '{"number": 2}'}))
    llm.map("{{ value }}", ["one", "two"], schema=Picky, on_error=failed.append, progress=False)
    assert [row.position for row in failed] == [0]


def test_steps_are_decimal_numbers() -> None:
    """19.99 is a multiple of 0.01, though not in binary ones."""
    form = typed({"type": "number", "multipleOf": 0.01})
    assert [form.value(text) for text in ("19.99", "0.29", "3")] == [19.99, 0.29, 3]
    with pytest.raises(SchemaMismatch):
        form.value("19.999")


def test_nesting_without_end_is_a_mismatch() -> None:
    """And no error of Python's."""

    with pytest.raises(SchemaMismatch):
        typed({"type": "array", "items": {}}).value("[" * 100_000)


def test_a_cut_answer_is_no_value_on_a_cluster_either() -> None:
    """What the cache has of it is an error there as here; a map with a client asks the cache by the same road."""
    llm = says("12 34 56 78")
    options = {"schema": typed(re.compile("[0-9 ]+")), "max_tokens": 1}
    with pytest.raises(AnswerCut):
        llm.map("x {{ value }}", ["a"], progress=False, **options)
    with Grouped(llm.answers) as cache:
        data = open_data(["a"])
        template, row = fitted("x {{ value }}", data, {}), data.first()
        assert template is not None
        with pytest.raises(AnswerCut):
            llm._files(options, cache).recall(template.render(row))


def test_a_corrected_answer_of_a_worker_is_not_kept_as_the_first_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the key of a question stands what the model answered to it; and a row is looked up once."""
    options: dict[str, Any] = {"schema": typed(int), "cache": "use"}
    there, llm = says(["many", "7"]), says(["some", "8"])
    parts = (Part("text", "How many?"),)
    with Grouped(llm.answers) as cache:
        files = llm._files(options, cache)
        result = there.generate(parts, **{**options, "cache": "off"})
        assert [note.code for note in result.notes] == ["retried"]
        assert files.keep(parts, result).value == 7
        assert files.recall(parts) is None
        assert llm.generate(parts, **options).value == 8
        looked: list[str] = []
        get = Grouped.get
        monkeypatch.setattr(Grouped, "get", lambda self, key: looked.append(key.digest) or get(self, key))
        found = files.recall(parts)
        assert found is not None
        assert (found.value, found.cached) == (8, True)
        assert len(looked) == len(set(looked)) == 2


def test_stop_does_not_go_with_a_schema() -> None:
    """It would cut a number in two, and what is left would count as whole."""
    with pytest.raises(UsageError, match="stop"):
        says("123456").extract(int, "How many?", stop=["4"])


def test_required_of_an_old_draft_is_refused() -> None:
    """It would be passed over in silence."""
    with pytest.raises(UsageError, match="required"):
        typed({"type": "object", "properties": {"a": {"type": "integer", "required": True}}})


def test_a_set_has_one_order(tmp_path: Any) -> None:
    """In each process: the answers of an interrupted map are found again."""
    code = "from jupyter_localllm.constrain.typed import typed; print(typed({'a', 'b', 1, 2.5}).constraint.key)"

    def key(seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout

    assert len({key(seed) for seed in ("1", "2", "3")}) == 1


def test_a_group_that_could_not_be_written_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the cache for a while: nothing that is finished is lost for that."""
    llm = says("yes")
    busy = [True]
    whole = Store.write_all

    def write_all(self: Store, rows: Any) -> None:
        if busy[0]:
            raise Busy("Another process writes to the cache.")
        whole(self, rows)

    monkeypatch.setattr(Store, "write_all", write_all)
    monkeypatch.setattr("jupyter_localllm.cache.grouped._SECONDS", 0.0)

    def rows() -> Any:
        yield from ("a", "b", "c")
        busy[0] = False

    llm.map("{{ value }}", rows(), progress=False)
    assert [llm.generate(text).cached for text in ("a", "b", "c")] == [True, True, True]
