"""Broken files: whatever is in them, the answer is `ModelFileError` or a header, and little memory."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.checks import check_file
from jupyter_localllm.models.gguf import read_header
from jupyter_localllm.models.shape import read_shape
from tests.tiny_models import write_tiny_llama

SAMPLE, WHOLE = 400, 20_000
NUMBERS = (0, 1, 2, 9, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


@pytest.fixture(scope="module", params=[262, 1200], ids=["kept", "counted"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int]:
    """A model of 20 or 80 kB, its vocabulary kept or counted, and the length of its header: that is what changes."""
    path = tmp_path_factory.mktemp("small") / "small.gguf"
    write_tiny_llama(path, n_vocab=request.param, n_embd=8, n_layer=1, n_head=2, n_head_kv=1, n_ff=8)
    return path.read_bytes(), read_header(path).data_offset


def flip(rng: random.Random, content: bytearray, header: int) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        content[rng.randrange(header)] ^= 1 << rng.randrange(8)


def overwrite(rng: random.Random, content: bytearray, header: int) -> None:
    at = rng.randrange(header - 8)
    content[at : at + 8] = struct.pack("<Q", rng.choice(NUMBERS))


def overwrite_short(rng: random.Random, content: bytearray, header: int) -> None:
    at = rng.randrange(header - 4)
    content[at : at + 4] = struct.pack("<I", rng.choice(NUMBERS) & 0xFFFFFFFF)


def counts(rng: random.Random, content: bytearray, _header: int) -> None:
    at = rng.choice((4, 8, 16))
    content[at : at + 8] = struct.pack("<Q", rng.choice((*NUMBERS, rng.randrange(1000))))


def cut(rng: random.Random, content: bytearray, header: int) -> None:
    del content[rng.randrange(header + 200) :]


def remove(rng: random.Random, content: bytearray, header: int) -> None:
    at = rng.randrange(header)
    del content[at : at + rng.randrange(1, 64)]


def insert(rng: random.Random, content: bytearray, header: int) -> None:
    at = rng.randrange(header)
    content[at:at] = rng.randbytes(rng.randrange(1, 64))


def noise(rng: random.Random, content: bytearray, header: int) -> None:
    at = rng.randrange(8, header)
    content[at:] = rng.randbytes(rng.randrange(4096))


def zeros(rng: random.Random, content: bytearray, header: int) -> None:
    at = rng.randrange(header)
    content[at : at + 512] = bytes(len(content[at : at + 512]))


MUTATIONS: tuple[Callable[[random.Random, bytearray, int], None], ...] = (
    flip,
    overwrite,
    overwrite_short,
    counts,
    cut,
    remove,
    insert,
    noise,
    zeros,
)


def judge(path: Path) -> str:
    """Read a file in every way the package does."""
    try:
        header = check_file(path, known_architecture=lambda _: True)
        read_shape(path, header)
    except ModelFileError as error:
        return "refused" if error.message and error.hint else "refused without a word"
    return "accepted"


def campaign(path: Path, original: bytes, header: int, seeds: range) -> dict[str, int]:
    outcomes = {"refused": 0, "accepted": 0}
    tracemalloc.start()
    try:
        for seed in seeds:
            rng, content = random.Random(seed), bytearray(original)
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                if len(content) > 2000:
                    rng.choice(MUTATIONS)(rng, content, min(header, len(content)))
            path.write_bytes(content)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            outcomes[judge(path)] += 1
            taken = tracemalloc.get_traced_memory()[1] - before
            assert taken < 2 << 20, f"seed {seed} took {taken:,} bytes"
    finally:
        tracemalloc.stop()
    return outcomes


def test_random_changes_are_refused_or_harmless(small: tuple[bytes, int], tmp_path: Path) -> None:
    """400 seeded mutations raise nothing but ModelFileError and take less than 2 MiB each."""
    outcomes = campaign(tmp_path / "m.gguf", *small, range(SAMPLE))
    assert outcomes["refused"] > SAMPLE // 2  # the changes do hit something
    assert outcomes["accepted"] > 0


@pytest.mark.soak
def test_random_changes_the_whole_campaign(small: tuple[bytes, int], tmp_path: Path) -> None:
    """20,000 seeded mutations raise nothing but ModelFileError and take less than 2 MiB each."""
    campaign(tmp_path / "m.gguf", *small, range(SAMPLE, SAMPLE + WHOLE))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), magic=st.booleans())
def test_any_bytes(tmp_path: Path, content: bytes, magic: bool) -> None:
    """No content at all raises anything but ModelFileError."""
    path = tmp_path / "m.gguf"
    path.write_bytes((b"GGUF\x03\0\0\0" if magic else b"") + content)
    judge(path)
