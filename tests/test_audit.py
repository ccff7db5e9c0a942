"""`make audit` says what is known, and never that nothing is known where nothing could be looked up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scripts import imported

ROOT = Path(__file__).resolve().parents[1]

SKIPPED = {"name": "x", "skip_reason": "Dependency not found on PyPI and could not be audited: x (1.0)"}
CLEAN = {"name": "y", "version": "2.0", "vulns": []}
BAD = {
    "name": "z",
    "version": "3.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1", "GHSA-1"], "fix_versions": ["3.1"]}],
}
NPM = {
    "vulnerabilities": {
        "a": {"via": ["b"]},
        "b": {"via": [{"source": 7, "url": "https://github.com/advisories/GHSA-2", "range": "<2"}]},
    },
    "metadata": {"dependencies": {"total": 41}},
}


@pytest.fixture
def audit() -> Iterator[Any]:
    with imported("scripts/audit.py") as module:
        yield module


def pip(*packages: dict[str, Any]) -> str:
    return "WARNING: something\n" + json.dumps({"dependencies": packages, "fixes": []})


def test_nothing_looked_up_is_not_clean(audit: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a database pip-audit ends with 0; that is told as what it is, and the status is 2."""
    for outcome in (
        audit.read_pip(pip(SKIPPED, SKIPPED)),
        audit.read_pip("ERROR: no connection"),
        audit.read_pip(""),
        audit.read_npm(json.dumps({"message": "405 Method Not Allowed", "statusCode": 405})),
        audit.read_npm(""),
        audit.read_npm("[1]"),
    ):
        assert outcome.trouble
        assert audit.report([outcome], {}) == 2
    assert "NOT LOOKED UP: 405 Method Not Allowed" in capsys.readouterr().out


def test_what_is_found_is_told(audit: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding makes the status 1, also beside a database that was not reached, until it is explained by any name."""
    found = audit.read_pip(pip(SKIPPED, CLEAN, BAD))
    assert (found.looked_up, found.trouble) == (2, "")
    assert audit.report([found], {}) == 1
    assert audit.report([found, audit.read_npm("")], {}) == 1
    assert audit.report([found], {"CVE-1": "not reached from here"}) == 0
    assert "z 3.0: PYSEC-1, CVE-1, GHSA-1; mended in 3.1\n    explained: not reached" in capsys.readouterr().out


def test_what_npm_finds(audit: Any) -> None:
    """An advisory is one finding, however many packages stand on the one that holds it."""
    outcome = audit.read_npm(f"npm warn x\n{json.dumps(NPM)}")
    assert [str(found) for found in outcome.found] == ["b <2: GHSA-2, 7"]
    assert audit.report([outcome], {}) == 1
    assert audit.report([audit.read_npm(json.dumps({**NPM, "vulnerabilities": {}}))], {}) == 0


def test_explanations_stand_in_the_page(audit: Any) -> None:
    """What is explained to the tool is explained to people, in SECURITY.md."""
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for name in json.loads(audit.EXPLAINED.read_text(encoding="utf-8")):
        assert name in page
