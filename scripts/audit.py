"""Look up known vulnerabilities of what this project stands on: ``make audit``.

`pip-audit` looks at what is installed in ``.venv``, `npm audit` at what the labextension is built with. Both ask a
database in the network; what they say is only worth something if it answered, and neither says so by its exit status
alone: pip-audit ends with 0 where it could look up nothing. So their JSON is read here.

Findings that do not concern this project are listed in ``scripts/audit_explained.json`` with the reason, which
SECURITY.md repeats. Exit status: 0 nothing, or all explained; 1 something to mend; 2 a database was not reached.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
AUDITED = ROOT / ".venv"
OWN = ROOT / ".venv-audit"
EXPLAINED = ROOT / "scripts" / "audit_explained.json"
LABEXTENSION = ROOT / "labextension"
TIMEOUT_S = 600


@dataclass(frozen=True)
class Found:
    """One vulnerability of one package, under all of its names."""

    package: str
    names: tuple[str, ...]
    mended_in: str = ""

    def explained(self, reasons: Mapping[str, str]) -> str:
        """Why it is none here; empty if nobody has said so."""
        return next((reasons[name] for name in self.names if name in reasons), "")

    def __str__(self) -> str:
        return f"{self.package}: {', '.join(self.names)}" + (f"; mended in {self.mended_in}" if self.mended_in else "")


@dataclass(frozen=True)
class Outcome:
    """What one tool says.

    Parameters
    ----------
    tool : str
    looked_up : int
        Packages of which the database knew something to say, if only that nothing is known against them.
    found : tuple of Found
    trouble : str
        Why it says nothing; empty if it does.
    """

    tool: str
    looked_up: int = 0
    found: tuple[Found, ...] = field(default_factory=tuple)
    trouble: str = ""


def read_pip(text: str) -> Outcome:
    """Read what ``pip-audit -f json`` writes."""
    said = _json(text)
    packages = said.get("dependencies", [])
    known = [package for package in packages if "skip_reason" not in package]
    if not known:
        reasons = [str(package.get("skip_reason", "")) for package in packages]
        return Outcome("pip-audit", trouble=_first(reasons) or _first(text.splitlines()[-1:]) or "it says nothing")
    found = [
        Found(
            f"{package['name']} {package.get('version', '')}".strip(),
            tuple(dict.fromkeys([one["id"], *one.get("aliases", [])])),
            ", ".join(one.get("fix_versions", [])),
        )
        for package in known
        for one in package.get("vulns", [])
    ]
    return Outcome("pip-audit", len(known), tuple(found))


def read_npm(text: str) -> Outcome:
    """Read what ``npm audit --json`` writes."""
    said = _json(text)
    if "vulnerabilities" not in said:
        return Outcome("npm audit", trouble=_first([str(said.get("message", ""))]) or "it says nothing")
    found = []
    for name, one in said["vulnerabilities"].items():
        advisories = [via for via in one.get("via", []) if isinstance(via, dict)]  # others are packages that hold one
        for via in advisories:
            names = (str(via.get("url", "")).rpartition("/")[2], str(via.get("source", "")))
            found.append(Found(f"{name} {via.get('range', '')}".strip(), tuple(filter(None, names))))
    total = said.get("metadata", {}).get("dependencies", {}).get("total", 0)
    return Outcome("npm audit", int(total), tuple(found))


def _json(text: str) -> dict[str, Any]:
    start = text.find("{")  # both print warnings before it
    try:
        said = json.JSONDecoder().raw_decode(text[start:])[0] if start >= 0 else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _first(texts: list[str]) -> str:
    return next((text.strip()[:200] for text in texts if text.strip()), "")


def run_pip() -> Outcome:
    """Ask pip-audit, from an environment of its own: it shall not change what it looks at."""
    if not AUDITED.is_dir():
        return Outcome("pip-audit", trouble=f"there is no {AUDITED.name}: run `make lint` once")
    python = OWN / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(OWN, with_pip=True)
    install = _run([str(python), "-m", "pip", "install", "--quiet", "pip-audit"])
    if install.returncode:
        return Outcome("pip-audit", trouble=f"it cannot be installed: {_first(install.stderr.splitlines()[-1:])}")
    installed = next(AUDITED.glob("[Ll]ib/**/site-packages"))
    done = _run([str(python), "-m", "pip_audit", "--path", str(installed), "--progress-spinner", "off", "-f", "json"])
    return read_pip(done.stdout or done.stderr)


def run_npm() -> Outcome:
    """Ask npm, by the lock file alone."""
    npm = shutil.which("npm")
    if npm is None:
        return Outcome("npm audit", trouble="npm is not installed")
    return read_npm(_run([npm, "audit", "--json", "--package-lock-only"], LABEXTENSION).stdout)


def _run(command: list[str], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)


def report(outcomes: list[Outcome], reasons: Mapping[str, str]) -> int:
    """Print what came of it, and give the exit status."""
    status = 0
    for outcome in outcomes:
        if outcome.trouble:
            print(f"{outcome.tool}: NOT LOOKED UP: {outcome.trouble}")
            status = max(status, 2)
            continue
        print(f"{outcome.tool}: {outcome.looked_up:,} packages looked up, {len(outcome.found):,} findings")
        for found in outcome.found:
            why = found.explained(reasons)
            print(f"  {found}" + (f"\n    explained: {why}" if why else ""))
    if any(not found.explained(reasons) for outcome in outcomes for found in outcome.found):
        status = 1
    return status


def main() -> int:
    return report([run_pip(), run_npm()], json.loads(EXPLAINED.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
