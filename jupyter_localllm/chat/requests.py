"""What is done for each request that ends in a reply, and in which lane."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_localllm import runtime
from jupyter_localllm.api.handle import current_shell
from jupyter_localllm.chat import from_panel as panel
from jupyter_localllm.chat.completing import complete
from jupyter_localllm.chat.from_kernel import QueuedKind
from jupyter_localllm.chat.models import ModelWatch, model_list
from jupyter_localllm.chat.queue import Entry, Queue
from jupyter_localllm.chat.talks import Talks
from jupyter_localllm.chat.using import use
from jupyter_localllm.chat.variables import listed
from jupyter_localllm.conversation import Conversation

if TYPE_CHECKING:
    from jupyter_localllm.api import LocalLLM

__all__ = ["Requests", "Work", "lane_of"]


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Parameters
    ----------
    lane : Hashable
        What is in one lane is done in turn.
    do : callable
        Gets the request's entry, gives the value of the reply.
    kind : str or None
        As the queue shows it; None: too short to be shown.
    """

    lane: Hashable
    do: Callable[[Entry], Any]
    kind: QueuedKind | None = None


@dataclass(frozen=True)
class Requests:
    """The work for each message, on what a session has."""

    handle: Callable[[], LocalLLM]
    variables: Callable[[], Mapping[str, Any]]
    talks: Talks
    queue: Queue
    watch: ModelWatch
    changed: Callable[[], None]

    def work(self, said: Any, owner: object) -> Work:
        """The work for what `owner` said."""
        made: Work = _MAKERS[type(said)](self, said, owner)
        return made

    def _complete(self, said: panel.Complete, owner: object) -> Work:
        for older in self.queue.of(kind="complete", owner=owner):
            older.stop.set()
        return Work(("complete", id(owner)), lambda entry: complete(said, entry, self.handle(), self.queue), "complete")

    def _use(self, said: panel.Use, _owner: object) -> Work:
        return Work("model", lambda entry: use(said.model, entry, self.handle(), self.watch, self.changed), "use")

    def _unload(self, _said: panel.Unload, _owner: object) -> Work:
        def unload(_entry: Entry) -> None:
            own = self.handle().engine
            for engine in {id(one): one for one in (*runtime.current().resident(), own) if one is not None}.values():
                engine.unload()

        return Work("model", unload)

    def _variables(self, said: panel.Variables, _owner: object) -> Work:
        shell = current_shell()
        hidden = frozenset(shell.user_ns_hidden) if shell is not None else frozenset()

        def variables(_entry: Entry) -> list[dict[str, Any]]:
            budget = self.handle().source_tokens
            return listed(self.variables(), said.prefix, said.limit, hidden=hidden, budget=budget)

        return Work("variables", variables)

    def _models(self, _said: panel.Models, _owner: object) -> Work:
        return Work("models", lambda _entry: model_list(self.handle()))

    def _open(self, said: panel.Open, _owner: object) -> Work:
        return Work("talks", lambda _entry: self.talks.open(said.conversation))

    def _export(self, said: panel.Export, _owner: object) -> Work:
        return Work("talks", lambda _entry: self.talks.export(said.conversation, said.format))

    def _restore(self, said: panel.Restore, _owner: object) -> Work:
        return Work("talks", lambda _entry: self.talks.open(self.talks.restore(said.document)))

    def _change(self, said: panel.Rename | panel.Clear | panel.Delete | panel.Keep, _owner: object) -> Work:
        """What changes a conversation waits for its answers; what forgets them stops them first."""
        talk = self.talks.get(said.conversation)

        def change(_entry: Entry) -> None:
            self.talks.existing(talk.name)
            if isinstance(said, panel.Rename):
                self.talks.rename(talk, said.to)
            elif isinstance(said, panel.Keep):
                self.talks.keep(talk, said.kept)
            elif isinstance(said, panel.Clear):
                self.talks.clear(talk)
            else:
                self.talks.delete(talk)

        if isinstance(said, (panel.Clear, panel.Delete)):
            for entry in self.queue.of(talk=talk, kind="ask"):
                entry.stop.set()
        return Work(lane_of(talk), change)


_MAKERS: Mapping[type[Any], Callable[[Any, Any, object], Work]] = {
    panel.Complete: Requests._complete, panel.Use: Requests._use, panel.Unload: Requests._unload,
    panel.Variables: Requests._variables, panel.Models: Requests._models,
    panel.Open: Requests._open, panel.Export: Requests._export, panel.Restore: Requests._restore,
    panel.Rename: Requests._change, panel.Clear: Requests._change,
    panel.Delete: Requests._change, panel.Keep: Requests._change,
}  # fmt: skip


def lane_of(talk: Conversation) -> tuple[str, int]:
    """What changes one conversation is done in turn."""
    return "talk", id(talk)
