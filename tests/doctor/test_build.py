"""The build of llama.cpp is held against the processor, and what dies of it is told."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from jupyter_localllm import LocalLLM
from jupyter_localllm.doctor import Finding, Subject, build
from jupyter_localllm.doctor.build import check_build, check_one_token, judge
from jupyter_localllm.engine.llama import BuildFlags, build_flags
from jupyter_localllm.engine.processor import FLAGS, processor_features
from jupyter_localllm.errors import EngineError, ModelCheckFailed

PLAIN = frozenset({"SSE3", "SSSE3", "AVX", "AVX2", "F16C", "FMA", "BMI2"})
SERVER = PLAIN | {"AVX512", "AVX512_VNNI", "AMX_INT8"}


def found(features: frozenset[str], offered: frozenset[str] | None, **more: bool) -> list[Finding]:
    flags = BuildFlags("0.3", features, more.pop("offloads", False), ("NVIDIA L4",) if more.pop("seen", False) else ())
    return list(judge(flags, offered, **{"nvidia": False, "rocm": False, **more}))


def told(findings: list[Finding], level: str) -> Finding:
    (one,) = [finding for finding in findings if finding.level == level]
    return one


@pytest.mark.skipif(sys.platform != "linux", reason="the features that Linux tells")
def test_a_build_for_another_processor_is_a_problem() -> None:
    """What the processor lacks is named, and the command builds without it."""
    problem = told(found(SERVER, PLAIN), "problem")
    assert "AMX_INT8, AVX512, AVX512_VNNI" in problem.text
    assert 'CMAKE_ARGS="-DGGML_NATIVE=OFF"' in problem.mend
    old = told(found(PLAIN, frozenset({"SSE3", "SSSE3", "AVX"})), "problem")
    assert "-DGGML_AVX2=OFF -DGGML_FMA=OFF -DGGML_F16C=OFF -DGGML_BMI2=OFF" in old.mend
    assert "-DGGML_AVX=OFF" not in old.mend


def test_a_build_that_leaves_the_processor_alone_is_a_warning() -> None:
    """Without AVX2 everything takes far longer; AVX-512 and AMX are a note."""
    assert "AVX2" in told(found(frozenset({"SSE3"}), PLAIN), "warning").text
    more = found(PLAIN, SERVER)
    assert {finding.level for finding in more} == {"ok", "note"}
    assert "AMX_INT8" in told(more, "note").text
    assert {finding.level for finding in found(PLAIN, PLAIN)} == {"ok"}


def test_a_gpu_that_the_build_cannot_use() -> None:
    """The command compiles for it; a build that can says what it sees."""
    assert "-DGGML_CUDA=ON" in told(found(PLAIN, PLAIN, nvidia=True), "warning").mend
    assert "-DGGML_HIP=ON" in told(found(PLAIN, PLAIN, rocm=True), "warning").mend
    assert "NVIDIA L4" in found(PLAIN, PLAIN, offloads=True, seen=True, nvidia=True)[-1].text
    assert told(found(PLAIN, PLAIN, offloads=True), "note").area == "gpu"


def test_a_system_that_does_not_tell() -> None:
    """Nothing is made up."""
    assert "does not tell" in told(found(PLAIN, None), "note").text


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/cpuinfo")
def test_features_of_proc_cpuinfo(tmp_path: Path) -> None:
    """The words of x86 and of ARM are understood; a file without them tells nothing."""
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu pni ssse3 avx avx2 fma f16c bmi2 amx_tile\nflags : none\n")
    assert processor_features(file) == PLAIN
    file.write_text("Features\t: fp asimd asimddp i8mm\n")
    assert processor_features(file) == {"NEON", "DOTPROD", "MATMUL_INT8"}
    file.write_text("cpu family : 6\n")
    assert processor_features(file) is None
    assert processor_features(tmp_path / "none") is None
    assert len(set(FLAGS.values())) == len(FLAGS)


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
        ("import sys; sys.exit('libgomp.so.1 is missing')", "libgomp.so.1 is missing"),
        ("print('rubbish')", "exit status 0"),
        ("", "exit status 0"),
        ("print('[]')", "cannot be asked"),
    ],
)
def test_a_library_that_cannot_be_asked(code: str, says: str) -> None:
    """However the child ends, an error says how, and what to do."""
    if "SIGILL" in code and sys.platform == "win32":
        pytest.skip("no signals")
    with pytest.raises(EngineError, match=says) as caught:
        build_flags(argv=child(code))
    assert "pip install" in caught.value.hint


def test_a_library_that_hangs() -> None:
    """Its time is bounded."""
    with pytest.raises(EngineError, match="within 0 s"):
        build_flags(argv=child("import time; time.sleep(60)"), timeout_seconds=0.2)


def test_the_installed_build_tells() -> None:
    """The real library says its version and something of the processor's, and is no problem here."""
    flags = build_flags()
    assert flags.version
    assert flags.features
    findings = list(check_build(Subject(None, None, str)))
    assert "problem" not in {finding.level for finding in findings}


def test_a_dead_library_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor goes on."""

    def dies() -> BuildFlags:
        raise EngineError("it died", "Rebuild it.")

    monkeypatch.setattr(build, "build_flags", dies)
    assert list(check_build(Subject(None, None, str))) == [Finding("build", "problem", "it died", "Rebuild it.")]


@pytest.mark.model
def test_one_token_is_decoded() -> None:
    """The model of the settings, in a child; not if it should be quick, and not where there is no file."""
    llm = LocalLLM(n_gpu_layers=0)
    assert [f.level for f in check_one_token(Subject(llm, llm.answers, str))] == ["ok"]
    assert list(check_one_token(Subject(llm, llm.answers, str, quick=True))) == []
    gone = LocalLLM(model="no-such-model")
    assert list(check_one_token(Subject(gone, gone.answers, str))) == []


@pytest.mark.model
def test_one_token_that_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    """How the child died is told, with the command that mends it."""

    def dies(*_args: object, **_more: object) -> Generator[None, None, None]:
        raise ModelCheckFailed("killed by SIGSEGV", "Rebuild it for any CPU: …")
        yield

    monkeypatch.setattr(build, "check_in_child", dies)
    llm = LocalLLM()
    (finding,) = check_one_token(Subject(llm, llm.answers, str))
    assert (finding.level, finding.mend) == ("problem", "Rebuild it for any CPU: …")
    assert "SIGSEGV" in finding.text
