"""The figures of docs/reliability.md are counted rightly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from benchmarks.reliability import HOOK, content, lines, same, tally

REPORT = """
<testsuites><testsuite>
  <testcase classname="a" name="noted"><properties>
    <property name="seed" value="8"/><property name="faults" value="20"/>
    <property name="kept" value="7"/><property name="lost" value="0"/><property name="memory" value="10.5 11"/>
  </properties></testcase>
  <testcase classname="a" name="plain"/>
  <testcase classname="a" name="left_out"><skipped message="no mounts"/></testcase>
  <testcase classname="a" name="broken"><properties>
    <property name="faults" value="4"/><property name="kept" value="2"/><property name="lost" value="1"/>
  </properties><failure message="lost"/></testcase>
</testsuite></testsuites>
"""


def test_faults_are_counted() -> None:
    """A test that notes nothing is one fault, one that fails was not survived, one that was left out is named."""
    assert tally(ET.fromstring(REPORT)) == {
        "tried": 25,
        "survived": 24,
        "kept": 9,
        "lost": 1,
        "failed": ["a.broken"],
        "skipped": ["a.left_out"],
        "seeds": [8],
        "memory_mb": [10.5, 11.0],
    }


def test_what_leaves_the_machine_is_seen(tmp_path: Path) -> None:
    """An address of another machine and a name to look up are noted, in any process; loopback and files are not."""
    program = """
import socket
from contextlib import suppress
for family, where in [
    (socket.AF_INET, ("127.0.0.1", 9)), (socket.AF_INET6, ("::1", 9)), (socket.AF_INET, ("192.0.2.1", 9)),
]:
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
        one.connect(where)
for name in ("localhost", "model.invalid"):
    with suppress(OSError):
        socket.getaddrinfo(name, 80)
"""
    files = {name: str(tmp_path / name) for name in ("left", "watched")}
    (tmp_path / "sitecustomize.py").write_text(HOOK.format(**files))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert len(lines(tmp_path / "watched")) == 1
    left = lines(tmp_path / "left")
    assert [line.split(" ", 1)[0] for line in left] == ["socket.connect", "socket.getaddrinfo"]
    assert "192.0.2.1" in left[0]
    assert "model.invalid" in left[1]


def test_two_runs_are_compared(tmp_path: Path) -> None:
    """By data and by what was printed, however many messages it came in; an empty notebook proves nothing."""

    def notebook(name: str, text: str, *printed: str) -> Path:
        outputs = [{"data": {"text/plain": text}}, *({"name": "stdout", "text": part} for part in printed)]
        path = tmp_path / name
        path.write_text(json.dumps({"cells": [{"outputs": [*outputs, {"name": "stderr", "text": name}]}]}))
        return path

    one = notebook("one", "Paris", "a", "b")
    assert same(one, notebook("two", "Paris", "ab"))
    assert not same(one, notebook("three", "Rome", "ab"))
    assert not same(one, notebook("four", "Paris", "a"))
    empty = tmp_path / "empty"
    empty.write_text('{"cells": []}')
    assert list(content(empty)) == []
    assert not same(empty, empty)
