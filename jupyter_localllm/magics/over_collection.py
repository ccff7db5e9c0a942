"""``--over`` a collection of Dask: the answers stay where the rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_localllm.api import LocalLLM
from jupyter_localllm.batch import open_data
from jupyter_localllm.batch.cluster import client_for
from jupyter_localllm.batch.head import HEAD_ROWS, Head, Witness
from jupyter_localllm.errors import UsageError
from jupyter_localllm.magics.over import Over
from jupyter_localllm.magics.run import Asked

__all__ = ["OverCollection"]


@dataclass
class OverCollection(Over):
    """A map over a collection, by the workers of the cluster that is connected."""

    collection: Any = None
    client: Any = None
    made: tuple[str, ...] = ()

    @classmethod
    def of(cls, collection: Any, handle: LocalLLM, asked: Asked) -> OverCollection:
        """A map that is to begin.

        Raises
        ------
        UsageError
            No cluster is connected.
        """
        client = client_for(None, collection, offline=bool(handle.offline))
        empty = getattr(collection, "_meta", [])
        return cls(handle, asked, Witness(open_data(empty)), collection=collection, client=client)

    @property
    def rows(self) -> dict[str, Any]:
        """The collection itself."""
        return {"data": self.collection, "column": self.asked.arguments.column, "client": self.client}

    def beside(self, answers: Any) -> tuple[Any, tuple[str, ...]]:
        """The collection with the answers as its last columns; of a bag the answers."""
        from jupyter_localllm.batch.cluster.partitions import beside

        self.made = tuple(getattr(answers, "columns", ())) if getattr(answers, "ndim", 1) > 1 else ("answer",)
        self.collection, columns = beside(self.collection, answers)
        return self.collection, columns

    def head(self, answers: Any, columns: tuple[str, ...]) -> Head:
        """The first rows of the first partition."""
        from jupyter_localllm.batch.cluster.partitions import first_rows

        rows = first_rows(self.client, self.collection.to_delayed(), HEAD_ROWS)
        seen = Witness(open_data(rows if len(rows) else []))
        list(seen.rows())
        return Head.of(seen, range(self.progress.done))

    @property
    def kind(self) -> str:
        """What answers without columns are."""
        return "the bag"

    @property
    def wanted(self) -> tuple[str, ...]:
        """The answers' own names."""
        return self.made

    def dry_run(self) -> str:
        """Refuse: the rows are not counted."""
        raise UsageError(
            "the rows of a Dask collection are not counted before they are computed",
            f'Judge by some of them: --over "{self.name}.head(100)" --dry-run',
        )
