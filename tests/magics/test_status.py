"""What ``%llm status`` says of where prompts go."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jupyter_localllm import LocalLLM
from jupyter_localllm.magics import commands

FAR = "https://far.example/v1"


def status(handle: LocalLLM, monkeypatch: Any) -> str:
    monkeypatch.setattr(commands.foreign, "lost", lambda _shell: "")
    return commands._status(SimpleNamespace(), handle, SimpleNamespace())  # type: ignore[arg-type]


def test_where_prompts_go_before_any_is_sent(tmp_path: Path, monkeypatch: Any) -> None:
    """A model that nobody asked yet, one of a router, and one that embeds: their addresses are told."""
    for settings in (
        {"model": f"openai:m@{FAR}"},
        {"model": f"router:smollm2-135m-instruct|openai:m@{FAR}"},
        {"embedding_model": f"openai:e@{FAR}"},
    ):
        handle = LocalLLM(allow_remote=True, cache_dir=str(tmp_path), **settings)
        assert f"prompts leave this machine, to {FAR}" in status(handle, monkeypatch)
        assert "nothing leaves this machine" in status(LocalLLM(cache_dir=str(tmp_path), **settings), monkeypatch)


def test_a_password_in_a_models_address_is_not_shown(tmp_path: Path, monkeypatch: Any) -> None:
    """It is refused when it is asked, and it is on no screen before."""
    handle = LocalLLM(model="openai:m@http://me:s3cret@far.example/v1", cache_dir=str(tmp_path))
    assert "s3cret" not in status(handle, monkeypatch)
