"""The benchmarks' own parts: nothing is timed here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from benchmarks.engine import ROWS, measured
from benchmarks.many import same_work, tail_tokens
from benchmarks.ours import Bench, Missing, handle, timed
from benchmarks.peers import Clock, chunks_of
from benchmarks.random_model import SHAPES, write_random_model
from benchmarks.reference import Batched, Reference, linked, parse_batched, parse_bench, reference
from benchmarks.schema import alone, cases, judged
from benchmarks.schema import ours as schema_ours
from benchmarks.sidebar import differences, most_in
from benchmarks.speed import copied
from benchmarks.spread import alternate, percentile, row, spread
from benchmarks.texts import SCHEMAS, SUBJECTS, sources
from benchmarks.waiting import _ahead
from jupyter_localllm.constrain.guided import _tokenizer
from jupyter_localllm.constrain.validate import BYTES
from jupyter_localllm.models import find
from jupyter_localllm.types import Done, Event, Result, Status, Timings, Token, Usage

ROOT = Path(__file__).parents[1]

BENCH = {"n_prompt": 0, "n_gen": 128, "n_depth": 34, "flash_attn": 1, "samples_ts": [204.9, 206.8]}
BATCHED = {"pp": 200, "tg": 16, "pl": 8, "flash_attn": 1, "is_pp_shared": 1, "speed_pp": 500.0, "speed_tg": 325.5}


def words(text: str) -> int:
    """A tokenizer for these tests."""
    return len(text.split())


@pytest.mark.parametrize("module", ["basics", "engine", "random_model", "schema", "sidebar"])
def test_each_script_says_how_it_is_called(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout


def test_spread_of_few_and_of_many() -> None:
    """One value is its own spread; of more, the median stands between the quarter points."""
    assert spread([3.0]) == {"median": 3.0, "p25": 3.0, "p75": 3.0, "n": 1}
    assert spread([float(i) for i in range(1, 8)]) == {"median": 4.0, "p25": 2.0, "p75": 6.0, "n": 7}


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [float(i) for i in range(1, 25)]
    assert percentile(values, 0.95) == 23.0
    assert percentile([5.0], 0.95) == 5.0


def test_the_busiest_second_is_found() -> None:
    """Wherever it begins; its end belongs to the next one."""
    assert most_in([], 1_000) == 0
    assert most_in([0, 500, 900, 1_100, 1_400, 5_000], 1_000) == 4
    assert most_in([0, 1_000, 2_000], 1_000) == 1


def test_each_question_has_one_time_on_both_sides() -> None:
    assert differences([1.0, 5.0], [2.5, 9.0]) == [1.5, 4.0]
    with pytest.raises(RuntimeError, match="2 began and 1 ended"):
        differences([1.0, 5.0], [2.5])


def test_alternate_changes_who_is_first() -> None:
    """Pairs keep their order, whoever was measured first."""
    said: list[str] = []

    def saying(name: str, value: float) -> Callable[[], float]:
        def say() -> float:
            said.append(name)
            return value

        return say

    assert alternate(3, saying("a", 1.0), saying("b", 2.0)) == [(1.0, 2.0)] * 3
    assert said == ["a", "b", "b", "a", "a", "b"]


def test_row_keeps_gates_by_the_median_of_the_ratios() -> None:
    """Ours through reference; without a bar a row is informational."""
    pairs = [(97.0, 100.0), (90.0, 100.0), (99.0, 100.0)]
    assert row("w", "r", pairs, unit="t/s", at_least=0.97)["gate"] == {"at_least": 0.97, "kept": True}
    assert row("w", "r", pairs, unit="t/s", at_least=0.98)["gate"] == {"at_least": 0.98, "kept": False}
    assert row("w", "r", pairs, unit="ms", at_most=0.1)["gate"] == {"at_most": 0.1, "kept": False}
    assert row("w", "r", pairs, unit="ms", tokens=3) | {"gate": "informational", "tokens": 3} == row(
        "w", "r", pairs, unit="ms", tokens=3
    )


def test_equal_is_where_the_middle_half_of_the_ratios_holds_one() -> None:
    behind = [(90.0, 100.0)] * 3
    around = [(99.0, 100.0), (98.0, 100.0), (102.0, 100.0)]
    assert not _ahead(behind, larger=True)["gate"]["kept"]
    assert _ahead(behind, larger=False)["gate"]["kept"]
    assert _ahead(around, larger=True)["gate"]["kept"]


def test_llama_bench_is_read() -> None:
    """The repeats of the test that was asked for; anything else is an error, never a figure."""
    other = {**BENCH, "n_depth": 0}
    assert parse_bench(json.dumps([other, BENCH]), tokens=128, depth=34) == [204.9, 206.8]
    for wrong in (other, {**BENCH, "flash_attn": 0}, {**BENCH, "n_gen": 64}, {**BENCH, "n_prompt": 512}):
        with pytest.raises(ValueError, match="128 tokens at depth 34"):
            parse_bench(json.dumps([wrong]), tokens=128, depth=34)


def test_llama_batched_bench_is_read() -> None:
    """The one JSON line among the others."""
    read = parse_batched(f"\nnoise\n{json.dumps(BATCHED)}\n")
    assert (read.prompt_per_second, read.generated_per_second, read.shape["pl"]) == (500.0, 325.5, 8)
    with pytest.raises(ValueError, match="0 shapes"):
        parse_batched("noise\n")  # a window too small for the shape prints none


def test_what_llama_cpp_would_take_for_the_same_work() -> None:
    assert same_work(Batched(500.0, 100.0), 1000, 400) == pytest.approx(6.0)


def test_tokens_of_a_prompts_end() -> None:
    """A control token is one, whatever it looks like to the tokenizer; text between them is counted."""
    assert tail_tokens("brave fox<|end|>\n<|start|>assistant", ("<|start|>", "<|end|>"), words) == 2 + 2 + 1
    assert tail_tokens("brave fox", ("",), words) == 2


def test_linked_libraries_are_read() -> None:
    text = "\tlinux-vdso.so.1 (0x00)\n\tlibllama.so.0 => /a/b/libllama.so.0 (0x00)\n\tlibx.so => not found\n"
    assert linked(text) == {"libllama.so.0": Path("/a/b/libllama.so.0")}


def test_a_folder_without_the_tools_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--build-reference"):
        reference(tmp_path)


def test_the_tools_own_library_is_left_to_them_where_asked(tmp_path: Path) -> None:
    """Where the installed library cannot be loaded by the tools, they keep their own."""
    for name in ("llama-bench", "llama-batched-bench", "llama-server"):
        (tmp_path / Path(Reference(tmp_path).command(name)).name).write_bytes(b"")
    assert reference(tmp_path).library is None
    assert reference(tmp_path, own_library=True) == Reference(tmp_path.resolve())


def test_a_row_without_the_tools_is_missing_not_wrong(tmp_path: Path) -> None:
    (line,) = measured("llama-bench", Bench(tmp_path / "no.gguf", 1, 1, tmp_path))
    assert "--build-reference" in line["missing"]
    assert line["gate"] == "informational"


def test_a_row_that_fails_keeps_no_gate(tmp_path: Path) -> None:
    (line,) = measured("second-question", Bench(tmp_path / "no.gguf", 1, 1, tmp_path))
    assert "no.gguf" in line["failed"]
    assert line["gate"] == {"kept": False}


def test_a_setting_that_a_row_needs_and_nobody_knows(tmp_path: Path) -> None:
    with (
        pytest.raises(Missing, match="the settings turbo"),
        handle(Bench(tmp_path / "no.gguf", 1, 1, tmp_path), needs=["turbo"]),
    ):
        pass


def test_the_slower_of_two_speeds_counts() -> None:
    """What the consumer saw, or what the engine says."""

    def events(said: float) -> Iterator[Event]:
        yield Status("loading")
        yield Token("a ")
        yield Token("b")
        yield Done(Result("a b", usage=Usage(5, 0, 3), timings=Timings(tokens_per_second=said)))

    assert timed(events(0.5)).tokens_per_second == 0.5
    assert timed(events(1e12)).tokens_per_second < 1e12
    assert (timed(events(0.0)).tokens, timed(events(0.0)).prompt_tokens) == (3, 5)
    with pytest.raises(RuntimeError, match="empty"):
        timed([Done(Result(""))])
    with pytest.raises(RuntimeError, match="without a result"):
        timed([Token("a")])


def test_the_longest_piece_that_was_copied() -> None:
    assert copied("one two three four five", "Here: two three four! five", words) == 3
    assert copied("abc", "xyz", words) == 0


def test_server_sent_events_are_read_to_their_end() -> None:
    lines = [b'data: {"a": 1}\n', b"\n", b": comment\n", b"data: [DONE]\n", b'data: {"a": 2}\n']
    assert list(chunks_of(lines)) == [{"a": 1}]


def test_chunks_of_a_peer_are_counted() -> None:
    """A cut answer has as many tokens as it might; of others each piece of text is one."""

    def clock(finish: str) -> Clock:
        made = Clock()
        for delta in ({"role": "assistant", "content": None}, {"content": "Hel"}, {"content": "lo"}):
            made.chunk({"choices": [{"delta": delta, "finish_reason": None}]})
        made.chunk({"choices": [{"delta": {}, "finish_reason": finish}]})
        made.chunk({"choices": [], "usage": {}})
        return made

    stopped, cut = clock("stop").answer(8), clock("length").answer(8)
    assert (stopped["tokens"], stopped["text"], cut["tokens"], cut["finish"]) == (2, "Hello", 8, "length")
    with pytest.raises(RuntimeError, match="empty"):
        Clock().answer(8)


def test_sources_differ_from_the_first_word_on_and_have_their_size() -> None:
    """Otherwise a kept prefix would answer the question of how long reading takes."""
    one, other = sources(1, 500, words), sources(2, 500, words)
    assert one == sources(1, 500, words)
    assert one.split()[:2] != other.split()[:2]
    assert abs(words(one) - 500) < 25


def test_the_schemas_are_schemas() -> None:
    """Seven of them, and 64 rows."""
    for _, schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert (len(SCHEMAS), len(set(SUBJECTS))) == (7, 64)


@pytest.mark.parametrize("kind", ["Q4_0", "F16"])
def test_a_random_model_is_one(tmp_path: Path, kind: str) -> None:
    """The same call writes the same bytes, and what reads GGUF files finds its shape."""
    path = write_random_model(tmp_path / "a.gguf", SHAPES["tiny"], kind)
    model = find(str(path), memo={})
    assert (model.architecture, model.n_layer, model.n_vocab) == ("llama", 2, 1024)
    written = path.read_bytes()
    assert write_random_model(path, SHAPES["tiny"], kind).read_bytes() == written


def test_a_random_model_has_one_of_two_kinds(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Q4_0 or F16"):
        write_random_model(tmp_path / "a.gguf", SHAPES["tiny"], "Q8_0")


def test_every_row_has_a_name_that_can_be_asked_for() -> None:
    assert len(ROWS) == 9


def test_schemas_are_judged_by_their_instances(tmp_path: Path) -> None:
    """Right is what lets every valid instance through and stops every invalid one; ours and llguidance's alike."""
    (tmp_path / "one.json").write_text(
        json.dumps({
            "schema": {"type": "integer", "maximum": 3},
            "tests": [{"valid": True, "data": 3}, {"valid": False, "data": 4}],
        })
    )  # fmt: skip
    (case,) = cases(tmp_path)
    assert (case.name, case.valid, case.invalid) == ("one", ("3",), ("4",))
    tokens = _tokenizer(BYTES).greedy_tokenize
    for side in (schema_ours, alone):
        for schema, verdict in (
            (case.schema, "right"),
            ({"type": "integer"}, "lets invalid ones through"),
            ({"type": "integer", "maximum": 2}, "stops valid ones"),
            ({"not": {}}, "refused"),
        ):
            assert judged(replace(case, schema=schema), lambda s, side=side: side(s, BYTES), tokens) == verdict
