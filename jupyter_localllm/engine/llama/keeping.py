"""States of long prefixes that leave the KV cache: to memory, and to disk for the next time the notebook is opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from jupyter_localllm.engine.llama.memory import ContextMemory
from jupyter_localllm.engine.llama.slot_memory import Kept
from jupyter_localllm.engine.llama.states import Found, StateStore

__all__ = ["StateKeeper"]

_LEAST = 256  # tokens; shorter ones are read again as fast as they are fetched


class StateKeeper:
    """What `jupyter_localllm.engine.llama.slots.Slots` gives away and gets back.

    Parameters
    ----------
    memory : ContextMemory
    store : StateStore
    """

    def __init__(self, memory: ContextMemory, store: StateStore) -> None:
        self._memory, self._store = memory, store
        # A recurrent state belongs to its last token, and of a window's layers the earlier cells are not kept.
        self._exact = memory.whole or memory.window > 0
        self._writing: threading.Thread | None = None

    def put(self, number: int, tokens: Sequence[int], *, keep: bool) -> None:
        """Take the state out of the context at once; the file is written by another thread."""
        if len(tokens) < _LEAST or not self._store.takes(self._memory.size(number), keep=keep):
            return
        try:
            self._put(self._memory.save(number), list(tokens), keep=keep)
        except (MemoryError, RuntimeError):  # no room for a copy, no thread: then it is read again
            return

    def _put(self, data: bytes, mine: list[int], *, keep: bool) -> None:
        if not keep:
            self._store.put(mine, data, keep=False)
            return
        before = self._writing

        def write() -> None:
            if before is not None:
                before.join()
            self._store.put(mine, data, keep=True)

        thread = threading.Thread(target=write, name="jupyter_localllm-states")
        try:
            thread.start()  # no daemon: a file that is begun is finished at exit
        except RuntimeError:  # too many threads, or the interpreter is about to end
            write()
        else:
            self._writing = thread

    def find(self, tokens: Sequence[int], more_than: int) -> Found | None:
        """The state with the longest useful prefix."""
        if len(tokens) - more_than < _LEAST:
            return None
        return self._store.longest(tokens, more_than=more_than + _LEAST, exact_ends=self._exact)

    def load(self, kept: Kept, number: int) -> bool:
        """Put it into the context."""
        assert isinstance(kept, Found)
        try:
            data = kept.load()
        except MemoryError:
            return False
        return data is not None and self._memory.load(number, data)
