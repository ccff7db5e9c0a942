"""Real kernels to talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel_client import Kernel, kernels, private_environment


def environment_in(home: Path, seen_model: Callable[[Path], None]) -> dict[str, str]:
    """What a kernel of these tests sees: the real model was used before, and its speed is not measured.

    One decoding thread: two of them and anything else that runs do not share two cores (they fall from 120 to a few
    tokens a second), one does.
    """
    env = private_environment(home)
    seen_model(Path(env["JUPYTER_LOCALLLM_CACHE_DIR"]))
    return {**env, "JUPYTER_LOCALLLM_N_THREADS": "1", "JUPYTER_LOCALLLM_CALIBRATE": "false"}


@pytest.fixture
def kernel_env(tmp_path: Path, seen_model: Callable[[Path], None]) -> dict[str, str]:
    """What the kernels of one test see."""
    return environment_in(tmp_path / "home", seen_model)


@pytest.fixture
def first_use(tmp_path: Path) -> dict[str, str]:
    """What is otherwise where no model was ever used."""
    return {"JUPYTER_LOCALLLM_CACHE_DIR": str(tmp_path / "first"), "JUPYTER_LOCALLLM_CALIBRATE": "true"}


@pytest.fixture
def new_kernel(kernel_env: dict[str, str]) -> Iterator[Callable[..., Kernel]]:
    """Makes kernels; the extension is loaded in them unless told otherwise."""
    with kernels(kernel_env) as make:
        yield make


@pytest.fixture
def kernel(new_kernel: Callable[..., Kernel]) -> Kernel:
    """One kernel with the extension loaded."""
    return new_kernel()
