"""Servers for the tests of engines that ask one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.served.server import Speaker, speaking


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with speaking() as one:
        yield one
