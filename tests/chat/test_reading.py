"""Names that cells give to conversations, and panels cannot say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jupyter_localllm import runtime
from jupyter_localllm.chat.queue import Entry, Queue
from jupyter_localllm.chat.reading import is_title
from jupyter_localllm.chat.session import Session
from jupyter_localllm.conversation import Conversation
from tests.chat.panel import Panel

BAD = ["n" * 301, "a\nb", " "]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_panels_cannot_say_is_not_listed(make: Callable[..., Session], name: str) -> None:
    """The messages stay those of the protocol (the panel here reads each), and the others are listed."""
    session = make()
    for one in (name, "good"):
        talk = runtime.current().own.conversations.get(one)
        talk.record("q", "a")
        runtime.current().own.conversations.put(talk)
    assert not is_title(name)
    assert [listed.name for listed in Panel(session).welcome.conversations] == ["good"]


@pytest.mark.parametrize("name", BAD)
def test_its_questions_stand_in_the_queue_without_it(name: str) -> None:
    """They are there, of no conversation that panels know."""
    queue = Queue(lambda: None)
    queue.add(Entry("cell-1", "cell", Conversation(name)))
    queue.add(Entry("cell-2", "cell", Conversation("good")))
    assert [told.conversation for told in queue.told()] == [None, "good"]
