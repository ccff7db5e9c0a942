"""kill -9 of a kernel at any moment: everything that it had said to be kept can be read, and the next kernel works."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import RowError
from tests.faults.conftest import Campaign
from tests.kernel_client import Kernel
from tests.models.pull.server import serving

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX"),
    pytest.mark.filterwarnings("ignore:.*answers? (is|are) cut off:RuntimeWarning"),  # three tokens are asked for
]

# Each scene goes on until it is killed, and writes a line for each thing that it was told is kept.
BEGIN = """
import os
import jupyter_localllm as jl
from jupyter_localllm.models.pull import pull
llm = jl.get_llm()
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def kept(*words):
    os.write(log, (" ".join(map(str, words)) + "\\n").encode())
def scene(number=0):
    while True:
        yield f"{seed} {{number}}"
        number += 1
"""
TOKENS = {"story": 60, "word": 1, "row": 3}
SCENES = {
    "decode": """
for what in scene():
    for event in llm.stream(f"Tell me about {what}.", max_tokens=60):
        pass
    kept("story", f"Tell me about {what}.")
""",
    "cache": """
for what in scene():
    llm.generate(what, max_tokens=1)
    kept("word", what)
    if what.endswith("7"):
        llm.answers.prune(older_than_days=1)
""",
    "map": """
for what in scene():
    texts = [f"{what} {i}" for i in range(24)]
    llm.map("{{ value }}", texts, max_tokens=3)
    for text in texts:
        kept("row", text)
""",
    "pull": """
for number, what in enumerate(scene()):
    got = pull("{url}/m.gguf", "{pulled}" + f"/{{number % 4}}", llm.answers.memo, force=True, by_huggingface_hub=False)
    kept("file", got.path)
""",
}


def killed(kernel: Kernel, code: str, log: Path, chance: random.Random) -> list[list[str]]:
    """Let a scene run, kill its kernel at some moment, and give the lines that were whole."""
    kernel.start(code)
    deadline = time.monotonic() + 60
    early = chance.random() < 0.15
    while not early and not log.stat().st_size and time.monotonic() < deadline:
        time.sleep(0.01)  # mostly after its first line
    time.sleep(10 ** chance.uniform(-3, 0))
    os.kill(int(kernel.manager.provisioner.process.pid), signal.SIGKILL)
    kernel.close()
    whole, _, _ = (log.read_text() if log.exists() else "").rpartition("\n")
    return [line.split(" ", 1) for line in whole.splitlines()]


def check(lines: list[list[str]], llm: LocalLLM, content: bytes, campaign: Campaign) -> None:
    """Read all that was kept, as another kernel would."""
    by_kind = {kind: [what for found, what in lines if found == kind] for kind in (*TOKENS, "file")}
    for path in by_kind.pop("file"):
        campaign.committed(Path(path).read_bytes() == content)
    for kind, texts in by_kind.items():
        missing: list[RowError] = []
        llm.map("{{ value }}", texts, max_tokens=TOKENS[kind], cache="require", on_error=missing.append)
        campaign.committed(*[False] * len(missing), *[True] * (len(texts) - len(missing)))


@pytest.mark.parametrize(
    "rounds", [4, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(0)])], ids=["sample", "whole"]
)
def test_kills_at_random_moments(  # noqa: PLR0917
    rounds: int, new_kernel: Callable[..., Kernel], home: Path, tiny: Path, tmp_path: Path, campaign: Campaign
) -> None:
    """In decoding, in cache writes, in a map, in a pull."""
    content, names = tiny.read_bytes(), sorted(SCENES)
    notices: list[str] = []
    runtime.current().on_notice = notices.append
    llm = LocalLLM(model=str(tiny), cache_dir=str(home / "cache"))
    with serving() as hub:
        hub.plain["/m.gguf"] = content
        for number, chance in enumerate(campaign(rounds)):
            log = tmp_path / f"log{number}"
            kernel = new_kernel()
            kernel.good(BEGIN.format(log=str(log), seed=f"{campaign.seed}.{number}"))
            code = SCENES[names[number % len(names)]].replace("{url}", hub.url).replace("{pulled}", str(tmp_path / "m"))
            check(killed(kernel, code, log, chance), llm, content, campaign)
            for path in (tmp_path / "m").rglob("*.gguf"):
                assert path.read_bytes() == content  # what has a model's name is whole
        assert campaign.kept > campaign.tried // 2, (
            "the kernels were killed before they could keep anything: this shows nothing"
        )
        assert notices == []
        after = new_kernel()
        assert after.good("%llm Hello", "a").text == after.good("%llm --cache require Hello", "a").text
