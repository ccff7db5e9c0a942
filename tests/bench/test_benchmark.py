"""A run of the bench, from its call to its table, plot and files."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import jupyter_localllm as jl
from jupyter_localllm import runtime
from jupyter_localllm.bench import Benchmark, Plan, Row, Sample, measure
from jupyter_localllm.bench.measured import early_and_late
from jupyter_localllm.bench.meters import Energy
from jupyter_localllm.cli import main
from jupyter_localllm.engine.scripted import ScriptedEngine
from jupyter_localllm.errors import SettingsError, UsageError
from jupyter_localllm.runtime import EngineModel


def scripted(script: Any = "one two three four five", **settings: Any) -> jl.LocalLLM:
    return jl.LocalLLM.from_engine(ScriptedEngine(script), **settings)


def sample(speed: float = 50.0, latency: float = 1000.0, **more: Any) -> Sample:
    return Sample(100.0, latency, 250, 10, 64, 300.0, speed, **more)


def test_cases_are_measured_side_by_side() -> None:
    """Each has its figures, under a label that says what differs; the handle and its cache stay as they were."""
    llm = scripted(max_tokens=300)
    seen: list[Benchmark] = []
    result = llm.benchmark(n=6, warmup=1, max_tokens=16, temperature=[0.0, 0.5], each=seen.append)
    assert [len(so_far.rows) for so_far in seen] == [1, 2]
    assert [row.label for row in result.rows] == ["scripted, temperature=0.0", "scripted, temperature=0.5"]
    for row in result.rows:
        assert not row.error
        assert len(row.samples) == 6
        assert row.ttft_ms is not None
        assert row.latency_ms is not None
        assert row.ttft_ms.p50 <= row.latency_ms.p50 <= row.latency_ms.p90 <= row.latency_ms.p99
        assert row.tokens_per_second
        assert row.early_late
        assert row.load_ms is not None
        assert row.samples[0].completion_tokens == 5
        assert "ttft_ms" in row.samples[0].told
    assert llm.answers.stats().entries == 0
    assert (llm.max_tokens, llm.temperature) == (300, 0.0)


def test_no_prompt_comes_twice_and_the_warm_up_does_not_count() -> None:
    """The engine sees n + warm-up different prompts of each case."""
    engine = ScriptedEngine("x y")
    jl.LocalLLM.from_engine(engine).benchmark(n=3, warmup=2, prompts=["a", "b"])
    asked = [job.prompt.messages[-1].content for job in engine.jobs]
    assert asked == ["(4) b", "(5) a", "(1) a", "(2) b", "(3) a"]
    assert {job.max_tokens for job in engine.jobs} == {64}


def test_a_case_that_fails_is_told_and_the_next_follows() -> None:
    """Its error stands in its row, and in the table's remarks."""
    result = scripted().benchmark(["no-such-model", "scripted"], n=1)
    bad, good = result.rows
    assert "no-such-model" in bad.error
    assert bad.samples == ()
    assert not good.error
    assert "no-such-model" in str(result)
    failing = scripted([RuntimeError("it broke")]).benchmark(n=1, warmup=0)
    assert "it broke" in failing.rows[0].error


def test_an_interrupt_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The case in which it comes has its prompts so far, in the file and for the caller; the interrupt goes on."""
    there = sys.modules["jupyter_localllm.bench.measure"]
    ask, count = there._ask, iter(range(100))  # type: ignore[attr-defined]

    def interrupted(*args: Any) -> Any:
        if next(count) == 7:
            raise KeyboardInterrupt
        return ask(*args)

    monkeypatch.setattr(there, "_ask", interrupted)
    seen: list[Benchmark] = []
    with pytest.raises(KeyboardInterrupt):
        scripted().benchmark(n=4, warmup=1, temperature=[0.0, 0.5, 1.0], out=tmp_path / "x.json", each=seen.append)
    first, second = seen[-1].rows
    assert (len(first.samples), first.error) == (4, "")
    assert (len(second.samples), second.error) == (1, "interrupted after 1 of 4 prompts")
    assert len(json.loads((tmp_path / "x.json").read_text())["rows"]) == 2


def test_an_earlier_run_is_measured_again(tmp_path: Path) -> None:
    """The JSON of a result is a file of settings: same cases, same prompts, same settings."""
    path = tmp_path / "run.json"
    first = scripted(top_k=7).benchmark(n=2, warmup=0, prompts=["a"], temperature=[0.0, 0.5], out=path)
    again = scripted().benchmark(file=path)
    assert again.plan == first.plan
    assert again.inference["top_k"] == 7
    assert scripted().benchmark(file=path, n=1).plan.n == 1


def test_a_file_of_settings(tmp_path: Path) -> None:
    """`inference` is what all cases have, `bench` is what to measure; what is wrong there is told before it begins."""
    path = tmp_path / "bench.toml"
    path.write_text(
        "[inference.sampling]\ntop_k = 3\n[bench]\nn = 1\nwarmup = 0\n[[bench.cases]]\ntemperature = 0.5\n"
        "[[bench.cases]]\ntemperature = [0.7, 0.9]\n"
    )
    engine = ScriptedEngine("x y")
    result = jl.LocalLLM.from_engine(engine).benchmark(file=path)
    assert [row.settings["temperature"] for row in result.rows] == [0.5, 0.7, 0.9]
    assert {job.sampling.top_k for job in engine.jobs} == {3}
    (tmp_path / "beside.gguf").touch()
    path.write_text('[bench]\nn = 1\nmodels = ["beside.gguf", "elsewhere.gguf"]\n')
    models = [case["model"] for case in scripted().benchmark(file=path).plan.cases]
    assert models == [str(tmp_path / "beside.gguf"), "elsewhere.gguf"]
    for text, says in (
        ("[bench]\nm = 1", "bench.m"),
        ("[other]\n", "other is unknown"),
        ("[[bench.cases]]\ntemperature = -1", "temperature"),
        ("[[bench.cases]]\ntemprature = 1", "Did you mean temperature"),
        ("[inference.sampling]\nsead = 1", "Did you mean seed"),
    ):
        path.write_text(text)
        with pytest.raises((SettingsError, UsageError)) as caught:
            scripted().benchmark(file=path)
        assert says in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n": 0}, "n cannot be 0"),
        ({"prompts": "a text"}, "prompts is a list"),
        ({"temprature": 1}, "Did you mean temperature"),
        ({"temperature": [0.0, -1.0]}, "temperature cannot be -1.0"),
        ({"out": "x.txt"}, r"ends in \.json"),
        ({"out": "no/such/folder/x.json"}, "is not there"),
        ({"file": "none.yaml"}, "there is no file"),
        ({"models": 5}, "models cannot be 5"),
        ({"models": b"x"}, "models cannot be b'x'"),
        ({"models": ["a", 5]}, "models cannot be"),
        ({"prompts": 5}, "prompts cannot be 5"),
        ({"each": 5}, "each cannot be 5"),
        ({"out": 5}, "out cannot be 5"),
        ({"out": b"x.json"}, r"out cannot be b'x\.json'"),
        ({"file": 5}, "file cannot be 5"),
        ({"out": "a\0b.json"}, "a zero character"),
        ({"file": "a\0b.toml"}, "cannot be read"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], says: str) -> None:
    """They are errors before anything is asked."""
    engine = ScriptedEngine("x")
    with pytest.raises(UsageError) as caught:
        jl.LocalLLM.from_engine(engine).benchmark(**options)
    assert re.search(says, str(caught.value))
    assert caught.value.hint or "file" in options  # what the system says of a file needs none
    assert engine.jobs == []


def test_what_was_loaded_is_put_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another model in memory would cost what is measured."""
    unloaded: list[str] = []

    class Engine(ScriptedEngine):
        def unload(self) -> None:
            unloaded.append(self.name)

    monkeypatch.setattr(runtime.current(), "resident", lambda: [Engine("", name="other")])
    scripted().benchmark("no-such-model", n=1)
    assert unloaded == []
    scripted().benchmark(n=1)
    assert unloaded == ["other"]


# ---------------------------------------------------------------------------------------------------------------------
# Figures


def test_figures_of_a_row() -> None:
    """Medians, ranks, thirds and shares, by hand."""
    row = Row(
        "m",
        samples=tuple(
            sample(speed, latency) for speed, latency in zip((60, 60, 50, 50, 40, 40), range(6), strict=True)
        ),
        energy=Energy(38.4, "x"),
        quality={"cited": (3.0, 4), "instructions": (1.0, 4)},
    )
    assert row.tokens_per_second == 50.0
    assert row.latency_ms is not None
    assert (row.latency_ms.p50, row.latency_ms.p90, row.latency_ms.p99) == (2, 5, 5)
    assert row.early_late == (60.0, 40.0)
    assert row.throttled
    assert row.joules_per_token == pytest.approx(0.1)
    assert row.quality_share == 0.5
    assert row.figures()["quality_cited"] == 0.75
    assert early_and_late([1.0] * 5) is None
    empty = Row("e").figures()
    assert {value for name, value in empty.items() if name not in ("case", "n")} == {None, ""}


def one(**more: Any) -> Benchmark:
    rows = (
        Row("<fast> & small", "m", "llama.cpp", "Q4_1", 2048, samples=(sample(), sample()), resident_bytes=10**9),
        Row("slow", samples=(sample(5.0, 9000.0),), energy=Energy(6.4, "x"), quality={"cited": (1.0, 2)}, error="no"),
        Row("none", error="it is not here"),
    )
    return Benchmark(Plan(), {"seed": 1}, {"processor": "P"}, rows, **more)


def test_the_table() -> None:
    """Figures that nobody has are left out, every case has its column, and HTML is escaped."""
    text = str(one())
    assert text.splitlines()[0].split() == ["<fast>", "&", "small", "slow", "none"]
    assert "video" not in text
    assert "J/token" in text
    assert "100 / 100 / 100" in text
    assert "1.0 GB" in text
    assert re.search(r"^quality +50%$", text, re.MULTILINE)
    assert re.search(r"^- cited +1 of 2$", text, re.MULTILINE)
    assert "extraction" not in text
    assert "none: it is not here" in text
    html = one()._repr_mimebundle_()["text/html"]
    assert "&lt;fast&gt; &amp; small" in html
    assert "<fast>" not in html


def test_what_is_so_in_every_case_is_said_once() -> None:
    """A remark that holds for all has no name before it; the others have that of their case."""
    rows = (Row("a", notes=("no energy", "short")), Row("b", notes=("no energy",), error="it is not here"))
    assert Benchmark(Plan(), rows=rows).remarks() == ["no energy", "a: short", "b: it is not here"]
    assert Benchmark(Plan()).remarks() == []
    assert str(Benchmark(Plan(n=1), rows=rows)).count("no energy") == 1


def test_the_plot() -> None:
    """Well-formed SVG with a bar for each figure that was measured, and none for what was not."""
    svg = one().plot()._repr_svg_()
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "<fast> & small" in texts
    assert "not measured" in texts
    assert any(text and text.startswith("energy") for text in texts)
    assert not any(text and text.startswith("video") for text in texts)
    widths = [float(element.get("width", "0").rstrip("%")) for element in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert all(width >= 0 for width in widths)
    assert Benchmark(Plan(), rows=(Row("a", error="x"),)).plot().svg.startswith("<svg")
    long = tuple(Row(f"a-model-with-a-long-name, n_ctx={n}", samples=(sample(),)) for n in (512, 1024))
    svg = Benchmark(Plan(), rows=long).plot().svg
    assert len(set(re.findall(r">([^<>]*…[^<>]*)<", svg))) == 2


def _contrast(one: str, other: str) -> float:
    """Of two colours as ``#rrggbb``, by the formula of WCAG 2: 1 to 21."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05

    darker, lighter = sorted((light(one), light(other)))
    return lighter / darker


def test_the_plot_reads_in_light_and_dark() -> None:
    """It has no background of its own, and each colour differs enough from JupyterLab's white and its dark grey."""
    svg = Benchmark(Plan(), rows=(Row("a", samples=(sample(), sample(latency=2000.0))), Row("b", error="x"))).plot().svg
    assert 'width="100%"' not in svg
    colours = set(re.findall("#[0-9a-f]{6}", svg))
    assert len(colours) >= 2
    for colour in colours:
        for ground in ("#ffffff", "#111111"):
            assert _contrast(colour, ground) > 4, (colour, ground)


def test_files(tmp_path: Path) -> None:
    """JSON holds each prompt, CSV a line for each case, SVG the picture; a file that is there is replaced whole."""
    result = one()
    target = tmp_path / "r.json"
    target.write_text("old")
    data = json.loads(result.save(target).read_text(encoding="utf-8"))
    assert data["rows"][0]["samples"][0]["latency_ms"] == 1000.0
    assert data["rows"][0]["figures"]["tokens_per_second"] == 50.0
    lines = list(csv.DictReader(io.StringIO(result.save(tmp_path / "r.csv").read_text(encoding="utf-8"))))
    assert [line["case"] for line in lines] == ["<fast> & small", "slow", "none"]
    assert result.save(tmp_path / "r.svg").read_text(encoding="utf-8").startswith("<svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv", "r.json", "r.svg"]
    assert list(result.to_frame()["tokens_per_second"].head(2)) == [50.0, 5.0]
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        result.save(tmp_path / "folder.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.json", "r.csv", "r.json", "r.svg"]


# ---------------------------------------------------------------------------------------------------------------------
# The whole way


def test_at_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A table or JSON on standard output, a file, and 1 where a case failed."""
    engine = ScriptedEngine("one two three")
    monkeypatch.setattr(jl.LocalLLM, "_model", lambda _handle: EngineModel(engine))
    assert main(["bench", "--n", "2", "--out", str(tmp_path / "x.csv")]) == 0
    assert "writing" in capsys.readouterr().out
    assert (tmp_path / "x.csv").exists()
    assert main(["bench", "--n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bench"]["n"] == 1
    monkeypatch.undo()
    assert main(["bench", "no-such-model"]) == 1
    assert main(["bench", "--n", "0"]) == 1


@pytest.mark.model
def test_the_real_model_with_two_windows() -> None:
    """File, window, memory and speeds are those of the model; the engine of each case is put away after it."""
    llm = jl.LocalLLM(n_threads=1, n_gpu_layers=0, isolation="kernel")
    result = llm.benchmark(n=1, warmup=1, max_tokens=6, prompts=["Tell me about Japan."], n_ctx=[256, 512])
    assert [row.error for row in result.rows] == ["", ""]
    assert [row.n_ctx for row in result.rows] == [256, 512]
    first = result.rows[0]
    assert (first.quantization, first.backend) == ("Q4_1", "llama.cpp")
    assert first.resident_bytes is not None
    assert first.resident_bytes > 50e6
    assert first.load_ms
    assert first.prompt_tokens_per_second
    assert first.tokens_per_second
    assert first.samples[0].cached_tokens < first.samples[0].prompt_tokens
    assert runtime.current().resident() == []


def test_measuring_is_lazy() -> None:
    """Rows come as they are measured: whoever stops reading stops the run."""
    made: list[Any] = []

    def make(case: Any) -> Any:
        made.append(case)
        return scripted()

    rows = measure(Plan(n=1, cases=({"seed": 1}, {"seed": 2})), make, lambda _status: None)
    assert next(rows).samples
    rows.close()  # type: ignore[attr-defined]
    assert made == [{"seed": 1}]
