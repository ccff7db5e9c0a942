"""The index in plain Python."""

from __future__ import annotations

import pytest

from jupyter_localllm.sources.select import PlainIndex
from tests.sources.select.index_contract import IndexContract


class TestPlainIndex(IndexContract):
    """It keeps the contract."""

    @pytest.fixture
    def index(self) -> PlainIndex:
        return PlainIndex()
