"""What keeps a cache's directory in order: its two databases, what is told of them, and what may leave.

The databases ``answers`` and ``memo`` are two so that one that is damaged or cleared leaves the other alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_localllm.cache.memo import Memo
from jupyter_localllm.cache.shelf import Shelf, Voice
from jupyter_localllm.cache.trouble import Busy, DamagedRow, ReadOnly, Trouble
from jupyter_localllm.errors import CacheError

if TYPE_CHECKING:
    from jupyter_localllm.cache.store import Store

__all__ = ["CacheStats", "Housekeeping"]

T = TypeVar("T")

_MODEL = "model:"  # prefix in the memo


@dataclass(frozen=True)
class CacheStats:
    """What the cache holds.

    Parameters
    ----------
    entries : int
        Answers.
    size_bytes : int
        Of all its files on disk.
    hits, misses : int
        Of all kernels since the cache was made.
    directory : Path
    read_only : bool
        Whether it can be read only, now: new answers are not kept.
    """

    entries: int
    size_bytes: int
    hits: int
    misses: int
    directory: Path
    read_only: bool = False


class Housekeeping:
    """A cache without its answers: see `jupyter_localllm.cache.AnswerCache`, which has the parameters.

    Parameters
    ----------
    directory : Path
    size_limit_bytes : int
    on_notice : callable, optional
    """

    def __init__(
        self,
        directory: Path,
        size_limit_bytes: int = 1 << 30,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        self._directory = Path(directory).expanduser()
        with suppress(OSError):  # the folder that it is relative to is gone: it cannot be used, which is told then
            self._directory = self._directory.absolute()
        self._size_limit_bytes = size_limit_bytes
        self._voice = Voice()
        self._voice.callback = on_notice
        self._shelf = Shelf(self._directory, "answers", self._voice)
        self._memo_shelf = Shelf(self._directory, "memo", self._voice)
        self._memo = Memo(self._memo_shelf, self._voice)

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self._directory

    @property
    def on_notice(self) -> Callable[[str], None] | None:
        """Who is told when the cache could not do its work; may be set."""
        return self._voice.callback

    @on_notice.setter
    def on_notice(self, callback: Callable[[str], None] | None) -> None:
        self._voice.callback = callback

    @property
    def usable(self) -> bool:
        """Whether the cache can be opened now; if not, every `get` is a miss for a reason other than the key."""
        try:
            return self._try(lambda store: True, False)
        except CacheError:  # somebody else's
            return False

    def stats(self) -> CacheStats:
        """Count what there is; zeros where the cache cannot be used."""
        counts, read_only = self._try(lambda store: (store.counts(), store.read_only), ((0, 0, 0), False))
        entries, hits, misses = counts
        try:
            size = self._shelf.size_bytes() + self._memo_shelf.size_bytes()
        except OSError:
            size = 0
        return CacheStats(entries, size, hits, misses, self._directory, read_only)

    def clear(self) -> int:
        """Delete all answers, and databases that were set aside; how many answers. The memo stays.

        Raises
        ------
        CacheError
            The cache cannot be used.
        """
        count = self._delete("1")
        try:
            self._shelf.delete_set_aside()
            self._memo_shelf.delete_set_aside()
        except OSError as error:
            raise CacheError(f"A database that was set aside could not be deleted: {error}.") from None
        return count

    def prune(self, *, older_than_days: float | None = None, to_bytes: int | None = None) -> int:
        """Delete answers that were not used for some days, or as many as it takes to get down to a size.

        Returns
        -------
        int
            How many were deleted.

        Raises
        ------
        CacheError
            The cache cannot be used.
        """
        count = 0
        if older_than_days is not None:
            count += self._delete("access_time < ?", time.time() - older_than_days * 86_400)
        if to_bytes is not None:
            count += self._shelf.run(lambda store: store.trim(to_bytes))
            self._shelf.run(lambda store: store.shrink())
        return count

    def tell(self, text: str) -> None:
        """Tell whoever listens (`on_notice`) a sentence about the cache."""
        self._voice.say(text)
        self._voice.speak()

    def close(self) -> None:
        """Close the databases; the next use opens them again."""
        self._shelf.close()
        self._memo_shelf.close()

    # -- memory beside the answers -------------------------------------------------------------------------------------

    @property
    def memo(self) -> MutableMapping[str, str]:
        """Small texts that other rooms want remembered; `clear` leaves them."""
        return self._memo

    def model_sha256(self, name: str) -> str | None:
        """Look up the sha256 of a model that this cache has answers of, so that they can be found without its file."""
        return self.memo.get(_MODEL + name)

    def remember_model(self, name: str, sha256: str) -> None:
        """Remember the sha256 of a model by its name."""
        if self.model_sha256(name) != sha256:
            self.memo[_MODEL + name] = sha256

    def models(self) -> dict[str, str]:
        """All models that are remembered: sha256 by name."""
        return {key[len(_MODEL) :]: self.memo[key] for key in self.memo if key.startswith(_MODEL)}

    # -- inside --------------------------------------------------------------------------------------------------------

    def _delete(self, condition: str, *parameters: float) -> int:
        count = self._shelf.run(lambda store: store.delete_where(condition, *parameters))
        self._shelf.run(lambda store: store.shrink())
        return count

    def _try(self, action: Callable[[Store], T], otherwise: T, *, raise_busy: bool = False) -> T:
        try:
            return self._shelf.run(action)
        except DamagedRow:
            raise
        except Busy as trouble:
            self._voice.say_once(f"{trouble.message} Answers are not kept until it is free.", "busy")
            if raise_busy:
                self._voice.speak()
                raise
        except ReadOnly as trouble:
            text = f"{trouble.message} What it holds is used, and new answers are not kept."
            self._voice.say_once(text, "read-only")
        except Trouble as trouble:
            self._voice.say_once(f"{trouble.message} Answers are not kept.", trouble.message)
        self._voice.speak()
        return otherwise
