"""What can be wrong with a database on a disk, in four kinds that ask for different answers."""

from __future__ import annotations

from jupyter_localllm.errors import CacheError

__all__ = ["Busy", "Damaged", "DamagedRow", "ReadOnly", "Trouble", "Unavailable"]


class Trouble(CacheError):
    """The database cannot do what was asked."""


class Damaged(Trouble):
    """Its content is broken: it must be set aside."""


class DamagedRow(Trouble):
    """One row of it is broken: it must be dropped."""


class Busy(Trouble):
    """Another process holds it: asking again later will do."""


class Unavailable(Trouble):
    """The directory or the disk does not let us: full, read-only, gone."""


class ReadOnly(Unavailable):
    """It can be read, and this would have written."""
