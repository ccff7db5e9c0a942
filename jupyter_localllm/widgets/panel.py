"""`ChatPanel`: the chat in a cell."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from jupyter_localllm.api import get_llm
from jupyter_localllm.api.handle import current_shell
from jupyter_localllm.errors import UsageError
from jupyter_localllm.widgets import kept
from jupyter_localllm.widgets.client import Client, new_name
from jupyter_localllm.widgets.needed import cell_of, ipywidgets, looked_at
from jupyter_localllm.widgets.pump import Pump, without_parent
from jupyter_localllm.widgets.shown import Shown
from jupyter_localllm.widgets.twofold import Twofold, new_mark

__all__ = ["ChatPanel"]

_META = "jupyter_localllm.panels"
_READY_SECONDS = 2.0


class ChatPanel:
    """A chat with this kernel's model, as widgets: the sidebar's twin for front ends that have no sidebar.

    It shares model, settings, queue and conversations with the sidebar and with ``%%llm --chat NAME``. Nothing is made
    before it is shown; what a saved notebook holds is the conversation's text. Where nobody looks on (papermill,
    nbclient), the text is all that is shown.

    Parameters
    ----------
    conversation : str
        The one to show; empty: the latest, or a new one.
    shell : InteractiveShell or None
        The running one if None.

    Examples
    --------
    >>> from jupyter_localllm.widgets import ChatPanel
    >>> ChatPanel("trip")                                                  # doctest: +SKIP
    """

    def __init__(self, conversation: str = "", *, shell: Any = None) -> None:
        self._wanted, self._shell = conversation, shell or current_shell()
        self._mark = new_mark()
        self._pump = Pump(without_parent(self._shell))
        self._client: Client | None = None
        self._places: list[Twofold] = []
        self._closed = False

    @property
    def conversation(self) -> str:
        """The name of the conversation that is shown."""
        return self._client.shown.name if self._client is not None else self._wanted

    @property
    def widget(self) -> Any:
        """The widget (a box), for layouts of your own; made when it is asked for first.

        Raises
        ------
        DependencyMissing
            ipywidgets is not installed.
        """
        return self._made().view.widget

    def ask(self, text: str, *variables: str) -> None:
        """Ask, as the button does.

        Parameters
        ----------
        text : str
        *variables : str
            Names of variables to answer from.
        """
        client = self._made()
        client.ready.wait(_READY_SECONDS)
        self._pump.put(lambda: client.ask(text, list(variables)))

    def close(self) -> None:
        """Take the widgets away; the text stays in the cell, and what was asked is answered."""
        if self._closed:
            return
        self._closed = True
        client = self._client
        if client is not None:
            client.leave()
            if self._shell is not None:
                self._shell.events.unregister("post_run_cell", self._cell_ran)
            self._pump.put(self._end)

    def show(self) -> None:
        """Show it in the cell that runs now, as the cell's value shows too.

        Raises
        ------
        UsageError
            This is a terminal, or the panel was closed.
        DependencyMissing
            ipywidgets is not installed.
        """
        shell = self._shell
        if shell is None or not hasattr(shell, "kernel"):
            raise UsageError(
                "the panel needs a notebook, and this is a terminal", "%%llm --chat NAME goes on with a conversation."
            )
        if not looked_at(shell):
            self._show_text(shell.display_pub.publish)
            return
        client = self._made()
        self._replace(shell)
        client.ready.wait(_READY_SECONDS)  # what is seen first is the conversation
        self._places.append(Twofold(shell.display_pub.publish, client.view.widget, self._mark, *self._text()))
        self._pump.put(self._keep_text)  # what changed meanwhile

    _ipython_display_ = show

    def _show_text(self, publish: Any) -> None:
        """The conversation, and before it a line for the log."""
        shown, place = _as_it_is(self._wanted), {"display_id": uuid.uuid4().hex}
        data, metadata = kept.bundle(shown.name, shown.turns)
        publish({"text/plain": f"llm panel: {data['text/plain'].splitlines()[0]}"}, metadata, transient=place)
        publish(data, metadata, transient=place, update=True)

    def _made(self) -> Client:
        if self._closed:
            raise UsageError("this panel was closed", "Make a new one: ChatPanel().")
        if self._client is None:
            library = ipywidgets()
            from jupyter_localllm.chat.session import session

            self._client = Client(
                session(),
                library=library,
                pump=self._pump,
                mark=self._mark,
                wanted=self._wanted,
                keep=self._keep_text,
                gone=self.close,
            )
            if self._shell is not None:
                self._shell.events.register("post_run_cell", self._cell_ran)
            self._client.join()
        return self._client

    def _replace(self, shell: Any) -> None:
        """A cell that runs again has one panel, the new one."""
        cell, panels = cell_of(shell), shell.meta.setdefault(_META, {})
        older = panels.get(cell)
        if cell and older is not self:
            panels[cell] = self
            if older is not None:
                older.close()

    def _cell_ran(self, _result: Any) -> None:
        if self._client is not None:
            self._client.look()

    def _text(self) -> tuple[dict[str, Any], dict[str, Any]]:
        assert self._client is not None
        return kept.bundle(self._client.shown.name, self._client.shown.turns)

    def _keep_text(self) -> None:
        """What a saved notebook holds is brought up to date; called by the pump."""
        for place in self._places:
            place.update(*self._text())

    def _end(self) -> None:
        self._keep_text()
        for place in self._places:
            place.end()
        if self._client is not None:
            self._client.view.close()


def _as_it_is(wanted: str) -> Shown:
    """A conversation, without a session."""
    from jupyter_localllm.chat.kept import Kept
    from jupyter_localllm.chat.talks import Talks

    handle, shown = get_llm(), Shown()
    talks = Talks(lambda: handle.conversations, Kept(lambda: Path(handle.cache_dir).expanduser()))
    talks.kept.look()
    listed = {one.name: one for one in talks.told()}
    shown.choose(wanted or next((name for name, one in listed.items() if one.latest), "") or new_name([]))
    if shown.name in listed:
        shown.opened(talks.open(shown.name))
    return shown
