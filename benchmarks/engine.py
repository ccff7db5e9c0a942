"""The engine's speed beside llama.cpp's own tools and other ways to them.

``python -m benchmarks.engine --reference DIR [--out FILE]`` measures everything in one run, ours and the reference in
turn in every round, and prints JSON: medians with their spread, ratios, and of each whether it is a gate or
informational. ``--build-reference DIR`` makes the reference tools first. Run it on a machine that does nothing else.

``--gpu`` puts all layers on the GPU on every side (llama-cpp-python and the tools must be built for it), best with a
larger model: ``--model FILE``; ``python -m benchmarks.random_model`` writes one with random weights.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import many, speed, waiting
from benchmarks.ours import Bench, Missing
from benchmarks.reference import Reference, build, reference
from benchmarks.spread import machine
from jupyter_localllm.config import DEFAULT_MODEL
from jupyter_localllm.errors import LocalLLMError
from jupyter_localllm.models import find

__all__ = ["ROWS", "main"]

ROWS: dict[str, Callable[[Bench], list[dict[str, Any]]]] = {
    "llama-bench": speed.against_llama_bench,
    "high-level": speed.against_high_level,
    "schemas": speed.schemas,
    "second-question": waiting.second_question,
    "map": many.mapping,
    "busy": speed.beside_python,
    "speculation": speed.speculating,
    "cancellation": waiting.cancelling,
    "peers": waiting.against_peers,
}


def main(arguments: list[str] | None = None) -> None:
    """Measure what is asked for."""
    options = _parser().parse_args(arguments)
    for name in [n for n in os.environ if n.startswith("JUPYTER_LOCALLLM_")]:
        del os.environ[name]  # whoever runs this measures no settings of their own
    about = machine()
    tools = _tools(options)
    with tempfile.TemporaryDirectory() as folder:
        model = find(options.model, memo={})
        bench = Bench(Path(model.path), options.threads, options.rounds, Path(folder), tools, -1 if options.gpu else 0)
        report: dict[str, Any] = {
            "benchmark": "engine",
            "machine": about,
            "model": {"name": model.name, "sha256": model.sha256, "bytes": model.size_bytes},
            "settings": {"threads": bench.threads, "rounds": bench.rounds, "gpu_layers": bench.gpu_layers},
            "builds": _builds(bench),
            "results": [],
        }
        for name in options.only or ROWS:
            begun = time.perf_counter()
            lines = measured(name, bench)
            for line in lines:
                print(f"{name}: {_short(line)}", file=sys.stderr, flush=True)
            report["results"] += [{"row": name, **line} for line in lines]
            report["settings"][f"seconds_{name}"] = round(time.perf_counter() - begun, 1)
            if options.out:  # after each row: a long run that ends early is not lost
                options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def measured(name: str, bench: Bench) -> list[dict[str, Any]]:
    """The lines of one row, or one that says why there are none."""
    try:
        return ROWS[name](bench)
    except Missing as missing:
        return [{"what": name, "missing": str(missing), "gate": "informational"}]
    except (LocalLLMError, RuntimeError, ValueError) as error:
        return [{"what": name, "failed": f"{type(error).__name__}: {error}", "gate": {"kept": False}}]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, help="catalog name or path of a GGUF (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads that decode, on all sides (default: 2)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each pair is measured (default: 7)")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="this row; may be given several times")
    parser.add_argument("--out", type=Path, help="write the JSON to this file, too")
    parser.add_argument("--gpu", action="store_true", help="all layers on the GPU, on all sides")
    parser.add_argument("--reference", type=Path, metavar="DIR", help="folder with llama.cpp's tools")
    parser.add_argument("--build-reference", type=Path, metavar="DIR", help="build them there first, takes minutes")
    parser.add_argument(
        "--own-library", action="store_true", help="let the tools run their own library instead of llama_cpp's"
    )
    return parser


def _tools(options: argparse.Namespace) -> Reference | None:
    folder = options.reference
    if options.build_reference is not None:
        folder = build(options.build_reference, gpu=options.gpu).folder
    return reference(folder, own_library=options.own_library) if folder is not None else None


def _builds(bench: Bench) -> dict[str, Any]:
    """What runs: the library's version and features, and that of the tools."""
    import llama_cpp

    return {
        "llama-cpp-python": importlib.metadata.version("llama-cpp-python"),
        "features": llama_cpp.llama_print_system_info().decode(errors="replace").strip(),
        "tools": bench.tools.described() if bench.tools is not None else "none: --build-reference DIR makes them",
    }


def _short(line: dict[str, Any]) -> str:
    """A line of the report in a sentence."""
    if "missing" in line or "failed" in line:
        return f"{line['what']}: " + (f"missing: {line['missing']}" if "missing" in line else line["failed"])
    ratio = line["ratio"]["median"] if isinstance(line["ratio"], dict) else line["ratio"]
    gate = line["gate"]
    kept = gate if isinstance(gate, str) else ("kept" if gate["kept"] else "NOT kept")
    return f"{line['what']} / {line['against']}: {ratio} ({kept})"


if __name__ == "__main__":
    main()
