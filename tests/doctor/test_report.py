"""All checks together, and how they are shown."""

from __future__ import annotations

import json
import socket
from typing import Any, NoReturn

import pytest

from jupyter_localllm import LocalLLM, doctor
from jupyter_localllm.cli import main
from jupyter_localllm.doctor import CHECKS, Finding, Report

SAMPLE = Report(
    (
        Finding("versions", "ok", "all of them"),
        Finding("build", "warning", "slow <b>build</b>", 'CMAKE_ARGS="-D" python -m pip install ' + "x" * 140),
    )
)


def test_text_and_html() -> None:
    """Text is wrapped, commands are in one piece, and HTML is escaped."""
    text = str(SAMPLE)
    assert "x" * 140 in text
    assert "2 things were looked at: 1 warning." in text
    html = SAMPLE._repr_mimebundle_()["text/html"]
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert Report(()).worst == "ok"
    assert SAMPLE.worst == "warning"
    assert json.loads(json.dumps(SAMPLE.to_dict()))["findings"][1]["level"] == "warning"


def test_everything_is_looked_at_and_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check says something, changes no setting, and opens no connection."""

    def refuse(*_args: Any) -> NoReturn:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    llm = LocalLLM()
    before = {name: getattr(llm, name) for name in llm.setting_names()}
    report = llm.doctor(quick=True)
    areas = {finding.area for finding in report.findings}
    assert areas >= {"versions", "packages", "build", "threads", "memory", "subshells", "cache", "settings", "network"}
    assert {"jupyter", "gpu"} <= areas
    assert not [finding for finding in report.findings if "check of" in finding.text]
    assert {name: getattr(llm, name) for name in llm.setting_names()} == before


def test_a_finding_that_is_no_good_news_has_something_to_do() -> None:
    """Warnings and problems say what mends them."""
    findings = LocalLLM(model="no-such-model", n_threads=500).doctor(quick=True).findings
    grave = [finding for finding in findings if finding.level in ("warning", "problem")]
    assert {finding.area for finding in grave} >= {"model", "threads"}
    assert all(finding.mend for finding in grave)


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are told all the same."""

    def breaks(_subject: object) -> NoReturn:
        raise RuntimeError("no such sensor")

    monkeypatch.setitem(CHECKS, "threads", breaks)
    report = LocalLLM().doctor(quick=True)
    (finding,) = report.of("threads")
    assert "RuntimeError: no such sensor" in finding.text
    assert report.of("network")


def test_at_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The findings stand on standard output, for people or programs; a problem is the exit status."""
    assert main(["doctor", "--quick", "--json"]) in (0, 1)
    said = json.loads(capsys.readouterr().out)
    assert {"area", "level", "text", "mend"} == set(said["findings"][0])


def test_broken_settings_do_not_stop_the_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with them comes first, and what can be looked at without them follows."""
    monkeypatch.setenv("JUPYTER_LOCALLLM_TEMPRATURE", "1")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "temprature" in said
    assert "Did you mean temperature?" in said
    assert "versions" in said
    assert main(["doctor", "--file", "no-such-file.yaml"]) == 1
    assert doctor.examine_without_settings  # what both go through
