from __future__ import annotations

import pytest

from jupyter_localllm.models.figures import size_text


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (98_362_432, "98 MB"),
        (4_661_211_808, "4.7 GB"),
        (2**63, "9.2 EB"),
        (10**24, "1000000 EB"),
    ],
)
def test_sizes_read_as_on_a_download_page(n_bytes: int, text: str) -> None:
    """Two figures at least, decimal units, and no '1000 kB'."""
    assert size_text(n_bytes) == text
