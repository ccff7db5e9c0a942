"""What goes wrong and what comes of it: faults, bad inputs, requests that leave, memory, replays.

``python -m benchmarks.reliability [--whole] [--parts NAME…] [--out FILE]`` prints JSON. Faults and bad inputs are those
of the tests, with their seeds; ``--whole`` takes the campaigns of ``make soak``, which last an hour, beside their
samples. The example notebooks run twice, under a hook that notes every address which is not of this machine, the second
time without any network where this machine allows that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.spread import machine

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

FAULTS = (
    "tests/faults",
    "tests/cache/test_campaigns.py",
    "tests/cache/test_damage.py",
    "tests/cache/test_together.py",
    "tests/cache/test_trouble.py",
    "tests/batch/test_resuming.py",
    "tests/engine/llama/test_survival.py",
    "tests/engine/process/test_exit.py",
    "tests/kernel/test_survival.py",
    "tests/models/pull/test_campaign.py",
    "tests/models/pull/test_room.py",
)

# Written into each kernel and each process of the notebooks' runs: whatever Python asks of the network is seen.
HOOK = """
import ipaddress, os, sys
def outside(where):
    if not isinstance(where, tuple):
        return False  # a socket in the file system
    host = str(where[0] or "").split("%")[0]
    try:
        return not (ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified)
    except ValueError:
        return host not in ("", "localhost")
def note(event, given):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        where = given[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        where = (given[0],)
    else:
        return
    if outside(where):
        with open({left!r}, "a") as file:
            file.write(f"{{event}} {{where}}\\n")
sys.addaudithook(note)
with open({watched!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
"""


def main() -> None:
    parts = {"faults": faults, "bad_inputs": bad_inputs, "notebooks": notebooks}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--whole", action="store_true", help="the campaigns of make soak: an hour")
    parser.add_argument("--parts", nargs="*", choices=parts, default=list(parts))
    parser.add_argument("--out", type=Path, help="where to write the JSON, too")
    parser.add_argument("--notebook", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.notebook:
        execute(*given.notebook)
        return
    found: dict[str, Any] = {"machine": machine(), "whole": given.whole}
    for name in given.parts:
        print(f"[reliability] {name}", file=sys.stderr, flush=True)
        found[name] = parts[name](given.whole)
        if given.out:  # after each: a campaign that is stopped has lost nothing
            given.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


# ---------------------------------------------------------------------------------------------------------------------
# Faults


def faults(whole: bool) -> dict[str, Any]:
    """Faults tried, survived, and what was lost that had been said to be kept."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        marks = ("--timeout=0",) if whole else ("-m", "not soak")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *marks, f"--junitxml={report}"]
        subprocess.run([*command, *FAULTS], cwd=ROOT, check=False, stdout=sys.stderr)
        return tally(ET.parse(report).getroot())


def tally(report: ET.Element) -> dict[str, Any]:
    """Add up what the tests have noted; one that notes nothing is one fault, one that fails was not survived."""
    count: Counter[str] = Counter()
    failed, skipped, memory, seeds = [], [], [], set()
    for case in report.iter("testcase"):
        noted = {one.get("name"): one.get("value") or "" for one in case.iter("property")}
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.find("skipped") is not None:
            skipped.append(name)
            continue
        tried = int(noted.get("faults", 1))
        broke = case.find("failure") is not None or case.find("error") is not None
        failed += [name] if broke else []
        count.update(tried=tried, survived=tried - broke)
        count.update(kept=int(noted.get("kept", 0)), lost=int(noted.get("lost", 0)))
        memory += [float(size) for size in noted.get("memory", "").split()]
        seeds |= {int(noted["seed"])} if "seed" in noted else set()
    return {
        **{name: count[name] for name in ("tried", "survived", "kept", "lost")},
        "failed": failed,
        "skipped": skipped,
        "seeds": sorted(seeds),
        "memory_mb": memory,
    }


# ---------------------------------------------------------------------------------------------------------------------
# Bad inputs


def bad_inputs(whole: bool) -> dict[str, Any]:
    """Broken model files and damaged caches: refused clearly, taken and harmless, or the end of this process."""
    import tests.engine.process.test_mutations as in_child
    from jupyter_localllm.models.gguf import read_header
    from tests.cache.test_campaigns import damage_campaign
    from tests.models.test_mutations import campaign
    from tests.tiny_models import write_tiny_llama

    headers, children, caches = (20_000, 2_000, 2_000) if whole else (1_000, 40, 60)
    with tempfile.TemporaryDirectory() as folder:
        small = write_tiny_llama(Path(folder) / "small.gguf", **in_child.SHAPE)
        original, header = small.read_bytes(), read_header(small).data_offset
        by_header = campaign(Path(folder) / "m.gguf", original, header, range(headers))
        by_child = in_child.campaign(Path(folder) / "c.gguf", (original, header), range(children))
        told = damage_campaign(Path(folder) / "cache", range(caches))  # raises where an answer changes
    return {
        "tried": headers + children + caches,
        "refused_clearly": by_header["refused"] + by_child["refused"] + by_child["died"] + told,
        "taken": by_header["accepted"] + by_child["answered"] + caches - told,
        "refused_without_a_word": by_header.get("refused without a word", 0),
        "endless": by_child["endless"],
        "children_ended": by_child["died"],  # each told as an error; the kernel's own process is not touched
        "crashed": 0,  # a crash of this process would have ended it before this line
    }


# ---------------------------------------------------------------------------------------------------------------------
# The example notebooks, twice


def notebooks(_whole: bool) -> dict[str, Any]:
    """Whether a second run gives the same data, and what of it asked for another machine."""
    names = sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hook").mkdir()
        files = {one: str(folder / one) for one in ("left", "watched")}
        (folder / "hook" / "sitecustomize.py").write_text(HOOK.format(**files))
        alone = without_network()
        for round_, prefix in enumerate(((), alone)):
            for notebook in names:
                run_notebook(notebook, folder, round_, prefix)
        different = [notebook for notebook in names if not same(*(folder / f"{notebook}-{i}.ipynb" for i in (0, 1)))]
        left = lines(folder / "left")
        watched = len(lines(folder / "watched"))
    return {
        "notebooks": len(names),
        "replay_identical": not different,
        "different": different,
        "processes_watched": watched,
        "requests_that_left": len(left),
        "where_to": sorted({*left}),
        "second_run_without_network": bool(alone),
    }


def without_network() -> tuple[str, ...]:
    """What to put before a command so that it has no network but its own loopback; nothing where that is forbidden."""
    up = (
        "import fcntl, socket, struct; s = socket.socket(); fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 0x49))"
    )
    prefix = ("unshare", "-rn", "sh", "-c", f'{sys.executable} -c "{up}" && exec "$@"', "sh")
    try:
        return prefix if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0 else ()
    except OSError:
        return ()


def run_notebook(name: str, folder: Path, round_: int, prefix: Sequence[str]) -> None:
    path = os.pathsep.join((str(folder / "hook"), str(ROOT)))
    places = {"JUPYTER_LOCALLLM_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": path}
    out = folder / f"{name}-{round_}.ipynb"
    command = [*prefix, sys.executable, "-m", "benchmarks.reliability", "--notebook", name, str(out)]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, **places}, stdout=subprocess.DEVNULL)


def execute(name: str, out: str) -> None:
    """Run one notebook as papermill's users do."""
    import papermill

    source = str(EXAMPLES / f"{name}.ipynb")
    papermill.execute_notebook(source, out, kernel_name="python3", cwd=str(EXAMPLES), progress_bar=False)


def same(one: Path, other: Path) -> bool:
    """Whether all data of all outputs are the same, and all that was printed."""
    first, second = list(content(one)), list(content(other))
    return bool(first) and first == second


def content(path: Path) -> Iterator[Any]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        outputs = cell.get("outputs", ())
        # Nothing of stderr: matplotlib tells there, once in a machine's life, that it looks for fonts.
        printed = "".join("".join(one["text"]) for one in outputs if one.get("name") == "stdout")
        yield [one["data"] for one in outputs if "data" in one], printed


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
