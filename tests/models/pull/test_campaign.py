"""A server that does anything at any moment: what is called a model is always whole, and one of those it ever had."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from jupyter_localllm.errors import PullError
from jupyter_localllm.models.pull import Hub, Patience, Pulled, pull
from tests.models.pull.server import FakeHub, Fault, serving
from tests.tiny_models import write_tiny_llama

REPOSITORY, FILE = "owner/tiny-GGUF", "tiny-Q4_K_M.gguf"


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Three states of a file: two of the same size, one of another."""
    folder = tmp_path_factory.mktemp("states")
    made = [write_tiny_llama(folder / f"{i}.gguf", seed=i, n_layer=1 + (i == 2)).read_bytes() for i in range(3)]
    assert len(made[0]) == len(made[1]) != len(made[2])
    return made


def fault(luck: random.Random, contents: list[bytes]) -> Fault:
    """One thing that goes wrong, or nothing."""
    size = len(contents[0])
    return luck.choice(
        [
            Fault(after=luck.randrange(size), content=luck.choice(contents)),  # and then it is another file
            Fault(after=luck.randrange(size)),
            Fault(after=luck.randrange(600)),
            Fault(status=luck.choice([500, 503, 404, 403, 429])),
            Fault(lie=luck.choice([-1000, 1000])),
            Fault(chunked=True, after=luck.randrange(1, size)),
            Fault(content=b"<html>" + bytes(luck.randrange(2000))),
            Fault(),
        ]
    )


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens(seed: int, contents: list[bytes], tmp_path: Path) -> None:
    """Faults, changes of the file and later calls in any order; in the end an honest server is enough."""
    luck = random.Random(seed)
    with serving() as hub:
        here, patience = Hub({"HF_ENDPOINT": hub.url}, tmp_path), Patience(tries=3, pause_s=0.0, silence_s=5.0)
        wanted = luck.choice([REPOSITORY, f"{hub.url}/m.gguf"])

        def fetched() -> Pulled:
            return pull(wanted, tmp_path / "m", {}, hub=here, by_huggingface_hub=False, patience=patience, force=True)

        for _ in range(12):
            _change(hub, luck, contents)
            with contextlib.suppress(PullError):
                assert fetched().path.read_bytes() in contents
            for path in (tmp_path / "m").rglob("*.gguf"):
                assert path.read_bytes() in contents
        hub.faults, hub.ranges = [], True
        got = fetched()
        assert got.path.read_bytes() == hub.plain["/m.gguf"]
        assert [path.name for path in got.path.parent.iterdir()] == [got.path.name]


def _change(hub: FakeHub, luck: random.Random, contents: list[bytes]) -> None:
    content = luck.choice(contents) if luck.random() < 0.4 or not hub.plain else hub.plain["/m.gguf"]
    hub.plain["/m.gguf"] = content
    hub.put(REPOSITORY, FILE, content)
    hub.etags, hub.ranges, hub.told_sha256 = (luck.random() < 0.7 for _ in range(3))
    hub.faults = [fault(luck, contents) for _ in range(luck.randrange(5))]
