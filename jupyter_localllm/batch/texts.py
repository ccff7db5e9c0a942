"""What tasks share: where the texts of data are, how one is asked, and how labels are written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_localllm.batch.cluster import is_collection
from jupyter_localllm.batch.data import ROW, VALUE, Data, open_data
from jupyter_localllm.batch.kind import plain
from jupyter_localllm.batch.mapping import place_of
from jupyter_localllm.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Asks", "asked", "label_value", "texts_of", "written"]


class Asks(Protocol):
    """What a task needs of a handle."""

    def map(self, template: str, data: Any, **options: Any) -> Any:
        """Ask for each row."""
        ...

    def embed(self, texts: str | Iterable[str]) -> NDArray[np.float32]:
        """Vectors of texts."""
        ...


def label_value(given: Any) -> Any:
    """A label as a value of JSON; what JSON has not, as text."""
    value = plain(given)
    value = value.item() if hasattr(value, "item") else value  # numpy's
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def written(given: Any) -> str:
    """A label as the model writes it."""
    label = label_value(given)
    return label if isinstance(label, str) else json.dumps(label)


def asked(llm: Asks, head: str, data: Any, column: str | None, options: dict[str, Any], **own: Any) -> Any:
    """Ask with the text last, behind what is the same for all; texts that are missing are not asked."""
    own["variables"] = {"localllm_task": head}
    if taken := sorted(own.keys() & options.keys()):
        raise UsageError(f"a task makes its own {taken[0]}", f"Leave {taken[0]}= out; llm.map takes it.")
    if not is_collection(data):
        data = valued(data, column)  # opened once: to look at an iterator's first row uses it up
    # A variable, and not a part of the template: what a person writes may have braces. No row has a name like this.
    template = "{{ localllm_task }}\n\nText:\n<<<\n{{ value }}\n>>>"
    return llm.map(template, data, column=column, **{"missing": "skip", **options, **own})


def valued(data: Any, column: str | None) -> Data:
    """The data, if it is clear which of their values are the texts."""
    rows = open_data(data, column)
    if VALUE not in rows.names and rows.first() is not None:
        names = [name for name in rows.names if name != ROW]
        raise UsageError(
            "which column has the texts?", f"Name one: column={names[0]!r}. There are {', '.join(names[:12])}."
        )
    return rows


def texts_of(data: Any, column: str | None) -> tuple[Data, list[str]]:
    """The rows, and their texts."""
    if is_collection(data):
        raise UsageError("vectors are made on this machine", "Compute the column first: .compute().")
    rows = valued(data, column)
    texts: list[str] = []
    for row in rows.rows({VALUE}):
        value = row.values.get(VALUE)
        if not isinstance(value, str):
            where = place_of(row.position, rows.label(row.position))
            raise UsageError(
                f"{where} is {type(value).__name__}, not a text", 'Leave missing values out, or fill them: .fillna("").'
            )
        texts.append(value)
    return rows, texts
