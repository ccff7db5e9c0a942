"""One question for each row: templates over tables, lists and iterators, with progress, in order, resumable.

`jupyter_localllm.batch.run.Runner` is how rows are asked: one after the other, or several at a time.
"""

from __future__ import annotations

from jupyter_localllm.batch.data import Data, Row, open_data
from jupyter_localllm.batch.mapping import OnError, RowError, map_rows
from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.batch.template import RowTemplate, fitted

__all__ = ["Data", "OnError", "Progress", "Row", "RowError", "RowTemplate", "fitted", "map_rows", "open_data"]
