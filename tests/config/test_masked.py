"""Addresses as people may see them."""

from __future__ import annotations

import pytest

from jupyter_localllm.config.masked import masked


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org:8000/v1/m.gguf", "https://example.org:8000/v1/m.gguf"),
        ("https://user:s3cret@example.org/v1", "https://…@example.org/v1"),
        ("https://user:s3@cret@example.org/v1", "https://…@example.org/v1"),
        ("https://user:s3/cret@example.org/v1", "https://…@example.org/v1"),
        ("https://user:s3?cr#et@example.org/v1", "https://…@example.org/v1"),
        ("https://s3cret@example.org", "https://…@example.org"),
        ("https://user:s3cret@[::1]:80/v1", "https://…@[::1]:80/v1"),
        ("http://[::1]:80/v1/@scope/m", "http://[::1]:80/v1/@scope/m"),
        ("https://example.org/v1?api_key=s3cret", "https://example.org/v1?…"),
        ("https://example.org/v1#s3cret", "https://example.org/v1#…"),
        ("openai:qwen3@http://user:s3cret@example.org/v1", "openai:qwen3@http://…@example.org/v1"),
        (
            "403 for url: https://cdn.example.org/x?Signature=s3cret&a=1 (ID: 7)",
            "403 for url: https://cdn.example.org/x?… (ID: 7)",
        ),
        ("Max retries exceeded with url: /x?Signature=s3cret", "Max retries exceeded with url: /x?…"),
        ("router:a|b", "router:a|b"),
        ("really? yes", "really? yes"),
    ],
)
def test_what_is_shown(address: str, shown: str) -> None:
    """No name, no password, no query: whatever else it holds."""
    assert masked(address) == shown
    assert "s3" not in masked(address)


def test_values_of_settings() -> None:
    """In lists and mappings too; what is no text stays as it is."""
    secret = "http://u:p@h/"
    assert masked([secret, 3]) == ["http://…@h/", 3]
    assert masked({"a": (secret,)}) == {"a": ("http://…@h/",)}
    assert masked(None) is None
