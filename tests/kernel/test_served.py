"""Models of servers in a real kernel: named, asked, shown, interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engine.openai.speaker import Scripted, delta
from tests.engine.served.server import Asked, Speaker, speaking
from tests.kernel_client import Kernel


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with speaking() as one:
        yield one


def test_a_server_in_a_notebook(speaker: Speaker, kernel: Kernel) -> None:
    """`%llm use`, a cell, the status, an interrupt that the server hears of, and the next cell."""
    server = Scripted(speaker)
    assert f"m at {speaker.url}/v1 answers" in kernel.good(f"%llm use openai:m@{speaker.url}/v1").stdout
    assert kernel.good("%%llm\nSay hello.", "a").text == "Hello you!"
    status = kernel.good("%llm status").stdout
    assert f"resident   openai:m: window 2,048 tokens, OpenAI's protocol at {speaker.url}/v1" in status
    assert "network    none" in status

    def stalls(asked: Asked) -> Iterator[bytes]:
        yield delta(content="Once upon")
        while not asked.left.is_set() and not speaker.stop.wait(0.01):
            yield b": nothing yet\n\n"

    speaker.routes["/v1/chat/completions"] = stalls
    request = kernel.start("%%llm\nTell me a story.", "b")
    cell = kernel.finish(request, until=lambda cell: "Once upon" in str(cell.displays))
    kernel.manager.interrupt_kernel()
    assert kernel.finish(request, cell).error is not None
    speaker.until_left(speaker.last("/v1/chat/completions"))
    speaker.routes["/v1/chat/completions"] = server.chat
    assert kernel.good("%%llm\nWhat is the capital?", "c").text.startswith("The capital of Japan")
    assert "unloaded openai:m" in kernel.good("%llm unload").stdout


def test_a_server_elsewhere(new_kernel: Callable[..., Kernel]) -> None:
    """It is refused by name already, with the setting that would allow it."""
    kernel = new_kernel(OLLAMA_HOST="http://10.255.255.1:11434")
    cell = kernel.run("%llm use ollama:llama3.2:3b")
    assert cell.error is not None
    assert "is not on this machine" in str(cell.error)
    assert "allow_remote" in str(cell.error)
