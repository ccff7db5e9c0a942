"""JSON Schemas: which are held in full, beside llguidance alone; what comes out; what it costs.

``python -m benchmarks.schema --data FOLDER [--only ROW] [--out FILE]`` prints JSON. FOLDER holds files as those of
MaskBench (the part of JSONSchemaBench, arXiv 2501.10868, that pairs schemas with instances): each has ``schema`` and
``tests``, each of them ``valid`` and ``data``.

coverage      schemas whose every valid instance is let through and every invalid one stopped; and llguidance alone
microseconds  for each token of the valid instances: the mask and the step, ours and llguidance alone
outputs       answers of the model under the schemas that are accepted; they must validate with jsonschema
speed         tokens/s under each of seven schemas, and of the free answer to the same question
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ours import Bench, handle
from benchmarks.speed import schemas
from benchmarks.spread import machine, percentile, spread
from jupyter_localllm import LocalLLM
from jupyter_localllm.constrain import JsonSchema
from jupyter_localllm.constrain.guided import _tokenizer
from jupyter_localllm.constrain.typed import typed
from jupyter_localllm.engine.constraint import Vocabulary
from jupyter_localllm.errors import AnswerCut, LocalLLMError, UsageError
from jupyter_localllm.models import find

__all__ = ["Case", "Held", "alone", "cases", "judged", "main", "ours"]

Held = Callable[[list[int]], bool]
"""Whether tokens are let through as a whole answer."""


@dataclass(frozen=True)
class Case:
    """A schema with its instances, as texts."""

    name: str
    schema: Any
    valid: tuple[str, ...]
    invalid: tuple[str, ...]


def cases(folder: Path) -> list[Case]:
    """The files of a folder, by name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        texts = [(json.dumps(test["data"], ensure_ascii=False), test["valid"]) for test in read["tests"]]
        valid, invalid = (tuple(text for text, told in texts if told is wanted) for wanted in (True, False))
        found.append(Case(path.stem, read["schema"], valid, invalid))
    return found


def ours(schema: Any, vocabulary: Vocabulary) -> Held:
    """What we let through; raises for what we refuse."""
    constraint = JsonSchema(schema)
    constraint.start(vocabulary)
    (end, *_) = sorted(vocabulary.ends)

    def held(tokens: list[int]) -> bool:
        matcher = constraint.start(vocabulary)
        for token in tokens:
            if not matcher.allows(token):
                return False
            matcher.advance(token)
        return matcher.allows(end)

    return held


def alone(schema: Any, vocabulary: Vocabulary) -> Held:
    """What llguidance lets through with its defaults; raises for what it refuses."""
    matcher = _alone(schema, vocabulary)

    def held(tokens: list[int]) -> bool:
        copy = matcher.deep_copy()
        return bool(copy.try_consume_tokens(tokens) == len(tokens) and copy.is_accepting())

    return held


def _alone(schema: Any, vocabulary: Vocabulary) -> Any:
    import llguidance

    grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema))
    matcher = llguidance.LLMatcher(_tokenizer(vocabulary), grammar, log_level=0)
    if matcher.is_error():
        raise ValueError(matcher.get_error())
    return matcher


def judged(case: Case, hold: Callable[[Any], Held], tokens: Callable[[str], list[int]]) -> str:
    """``"right"``, ``"refused"``, ``"lets invalid ones through"`` or ``"stops valid ones"``."""
    try:
        held = hold(case.schema)
    except (UsageError, ValueError):
        return "refused"
    if any(held(tokens(text)) for text in case.invalid):
        return "lets invalid ones through"
    return "right" if all(held(tokens(text)) for text in case.valid) else "stops valid ones"


def _coverage(found: list[Case], vocabulary: Vocabulary) -> dict[str, Any]:
    tokenizer = _tokenizer(vocabulary)
    sides = {"ours": lambda schema: ours(schema, vocabulary), "llguidance": lambda schema: alone(schema, vocabulary)}
    told = {name: [judged(case, hold, tokenizer.greedy_tokenize) for case in found] for name, hold in sides.items()}
    counts = {name: dict(Counter(verdicts)) for name, verdicts in told.items()}
    differ = [
        {"schema": case.name, "ours": own, "llguidance": other}
        for case, own, other in zip(found, told["ours"], told["llguidance"], strict=True)
        if own != other
    ]
    return {
        "what": "schemas whose every valid instance is let through and every invalid one stopped",
        "schemas": len(found),
        "ours": counts["ours"],
        "against": "llguidance alone, with its defaults",
        "reference": counts["llguidance"],
        "differences": differ,
        "gate": {"lets_invalid_through": 0, "kept": "lets invalid ones through" not in counts["ours"]},
    }


def _microseconds(found: list[Case], vocabulary: Vocabulary) -> dict[str, Any]:
    """Of schemas that both accept. The mask is made at each token; in answers only where the first choice fails."""
    import numpy as np

    tokenizer = _tokenizer(vocabulary)
    logits = np.zeros(len(vocabulary.tokens), dtype=np.float32)
    times: dict[str, list[float]] = {name: [] for name in ("compile", "step", "mask", "llguidance")}
    mask = bytearray(-(-len(vocabulary.tokens) // 32) * 4)
    for case in found:
        try:
            begun = time.perf_counter()
            constraint = JsonSchema(case.schema)
            constraint.start(vocabulary)
            times["compile"].append((time.perf_counter() - begun) * 1e3)
            reference = _alone(case.schema, vocabulary)
        except (UsageError, ValueError):
            continue
        for text in case.valid:
            tokens = tokenizer.greedy_tokenize(text)
            for name, step in _steps(constraint, reference.deep_copy(), vocabulary, logits, mask):
                for token in tokens:
                    begun = time.perf_counter()
                    step(token)
                    times[name].append((time.perf_counter() - begun) * 1e6)
    return {
        "what": "microseconds for each token of the valid instances",
        "unit": "us",
        "ours_step": _figures(times["step"]),
        "ours_mask_and_step": _figures(times["mask"]),
        "against": "llguidance alone: mask and step",
        "reference": _figures(times["llguidance"]),
        "compile_ms": _figures(times["compile"]),
        "gate": "informational",
    }


def _steps(
    constraint: JsonSchema, reference: Any, vocabulary: Vocabulary, logits: Any, mask: bytearray
) -> Iterator[tuple[str, Callable[[int], None]]]:
    import numpy as np

    plain, masked = constraint.start(vocabulary), constraint.start(vocabulary)
    address = np.frombuffer(mask, dtype=np.uint8).ctypes.data

    def step(token: int) -> None:
        if plain.allows(token):
            plain.advance(token)

    def with_mask(token: int) -> None:
        masked.restrict(logits)
        masked.advance(token)

    def other(token: int) -> None:
        reference.unsafe_compute_mask_ptr(address, len(mask))
        reference.consume_token(token)

    yield "step", step
    yield "mask", with_mask
    yield "llguidance", other


def _figures(values: list[float]) -> dict[str, float]:
    mean = sum(values) / max(len(values), 1)
    return {**spread(values), "mean": round(mean, 3), "p95": round(percentile(values, 0.95), 3)}


def _outputs(found: list[Case], llm: LocalLLM, limit: int, tokens: int) -> dict[str, Any]:
    """Answers under schemas that are accepted, spread evenly over the folder."""
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    accepted = [case for case in found if _accepted(case.schema)]
    chosen = accepted[:: max(1, len(accepted) // limit)][:limit] if limit else accepted
    counts: Counter[str] = Counter()
    failed: list[dict[str, str]] = []
    for case in chosen:
        try:
            result = llm.generate("Write an example.", schema=case.schema, max_tokens=tokens, cache="off")
        except AnswerCut:
            counts["cut, an error"] += 1
            continue
        except LocalLLMError as error:
            counts["failed"] += 1
            failed.append({"schema": case.name, "error": str(error)[:500]})
            continue
        wrong = [
            error.message for error in validator_for(case.schema)(case.schema).iter_errors(json.loads(result.text))
        ]
        counts["invalid" if wrong else "valid"] += 1
        failed += [{"schema": case.name, "error": wrong[0][:500]}] if wrong else []
    whole = counts["valid"] + counts["invalid"] + counts["failed"]
    return {
        "what": "answers under the accepted schemas that validate with jsonschema, of those that came to an end",
        "schemas": len(chosen),
        "of": len(accepted),
        "max_tokens": tokens,
        "counts": dict(counts),
        "share_valid": round(counts["valid"] / whole, 4) if whole else None,
        "failed": failed,
        "gate": {"at_least": 1.0, "kept": whole > 0 and counts["valid"] == whole},
    }


def _accepted(schema: Any) -> bool:
    try:
        typed(schema).check()
    except UsageError:
        return False
    return True


def main(arguments: list[str] | None = None) -> None:
    """Measure what is asked for."""
    options = _parser().parse_args(arguments)
    for name in [n for n in os.environ if n.startswith("JUPYTER_LOCALLLM_")]:
        del os.environ[name]  # whoever runs this measures no settings of their own
    found = cases(options.data)
    if not found:
        sys.exit(f"no JSON files in {options.data}")
    model = find(options.model, memo={})
    report: dict[str, Any] = {
        "benchmark": "schema",
        "machine": machine(),
        "model": {"name": model.name, "sha256": model.sha256, "bytes": model.size_bytes},
        "settings": {"threads": options.threads, "rounds": options.rounds},
        "results": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(model.path), options.threads, options.rounds, Path(folder))
        for name in options.only or ("coverage", "microseconds", "outputs", "speed"):
            lines = schemas(bench) if name == "speed" else [_row(name, found, bench, options)]
            report["results"] += [{"row": name, **line} for line in lines]
            print(f"{name}: done", file=sys.stderr, flush=True)
            if options.out:
                options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def _row(name: str, found: list[Case], bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    with handle(bench) as llm:
        if name == "outputs":
            return _outputs(found, llm, options.limit, options.max_tokens)
        engine: Any = llm.engine
        vocabulary: Vocabulary = engine._call(engine._words)  # the one that constraints get
        return (_coverage if name == "coverage" else _microseconds)(found, vocabulary)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.schema", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="JSON files with schema and tests")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="catalog name or path (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads that decode (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="of each pair of speeds (default: 5)")
    parser.add_argument("--limit", type=int, default=60, help="answers of the row outputs; 0: all (default: 60)")
    parser.add_argument("--max-tokens", type=int, default=400, help="of each of them (default: 400)")
    rows = ("coverage", "microseconds", "outputs", "speed")
    parser.add_argument("--only", action="append", choices=rows, help="this row; may be given several times")
    parser.add_argument("--out", type=Path, help="write the JSON to this file, too")
    return parser


if __name__ == "__main__":
    main()
