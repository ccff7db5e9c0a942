"""One question for each row: templates over tables, lists and iterators, with progress, in order, resumable.

`jupyter_localllm.batch.run.Runner` is how rows are asked: one after the other, or several at a time.
"""

from __future__ import annotations

from jupyter_localllm.batch import tasks
from jupyter_localllm.batch.data import Data, Row, open_data
from jupyter_localllm.batch.estimate import Estimate, Weight, estimate, refuse_single_use
from jupyter_localllm.batch.mapping import OnError, RowError, map_rows, runner_for
from jupyter_localllm.batch.progress import Progress
from jupyter_localllm.batch.template import RowTemplate, fitted

__all__ = [
    "Data",
    "Estimate",
    "OnError",
    "Progress",
    "Row",
    "RowError",
    "RowTemplate",
    "Weight",
    "estimate",
    "fitted",
    "map_rows",
    "open_data",
    "refuse_single_use",
    "runner_for",
    "tasks",
]
