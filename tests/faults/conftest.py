"""Campaigns with a seed, kernels in places where things go wrong, programs that are watched from outside."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.machine import ROOT
from tests.kernel_client import Kernel, kernels, private_environment
from tests.tiny_models import write_tiny_llama

SEED, ROUNDS = "FAULTS_SEED", "FAULTS_ROUNDS"
"""Names of the environment: the seed of all campaigns, which tries the same things again; and how many rounds of each.

Without them a sample has 8 as its seed, a whole campaign a fresh one, and each as many rounds as its test says.
"""


class Campaign:
    """Rounds of one fault, each with its own chance, and what came of them.

    Attributes
    ----------
    seed : int
        Printed at the end, and given by ``FAULTS_SEED``.
    tried, kept, lost : int
        Faults; things that were said to be committed; those of them that could not be read afterwards.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tried = self.kept = self.lost = 0

    def __call__(self, rounds: int) -> Iterator[random.Random]:
        """A chance for each round: round 7 of a seed is the same whatever was done in the six before."""
        for number in range(int(os.environ.get(ROUNDS, rounds))):
            self.tried += 1
            yield random.Random(f"{self.seed} {number}")

    def committed(self, *found: bool) -> None:
        """Note of things that were committed whether they can be read."""
        self.kept += len(found)
        self.lost += found.count(False)


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    """A campaign: of a fixed seed where it is a sample, of a fresh one where it is whole."""
    whole = request.node.get_closest_marker("soak") is not None
    one = Campaign(int(os.environ.get(SEED, secrets.randbelow(1_000_000) if whole else 8)))
    print(f"{SEED}={one.seed}")
    yield one
    # benchmarks/reliability.py reads these
    request.node.user_properties += [("seed", one.seed), ("faults", one.tried), ("kept", one.kept), ("lost", one.lost)]
    assert one.lost == 0, f"{one.lost} of {one.kept} things that were committed are gone ({SEED}={one.seed})"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of half a megabyte, which every kernel of these tests may use."""
    return write_tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of the kernels of one test."""
    return tmp_path / "home"


@pytest.fixture
def environment(home: Path, tiny: Path) -> dict[str, str]:
    """What kernels see: nothing of the person who runs this, and the tiny model as their own."""
    return {
        **private_environment(home),
        "JUPYTER_LOCALLLM_N_THREADS": "1",
        "JUPYTER_LOCALLLM_CALIBRATE": "false",
        "JUPYTER_LOCALLLM_MODEL": str(tiny),
        "JUPYTER_LOCALLLM_MODEL_PLACES": "",
        "JUPYTER_LOCALLLM_MAX_TOKENS": "24",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def new_kernel(environment: dict[str, str]) -> Iterator[Callable[..., Kernel]]:
    """Makes kernels with the extension; `prefix` stands before their command, as ``unshare`` does."""
    with kernels(environment) as make:
        yield make
