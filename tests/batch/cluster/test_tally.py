"""How far partitions are together."""

from __future__ import annotations

from jupyter_localllm.batch.cluster.tally import Tally
from jupyter_localllm.batch.progress import Progress


def test_a_partition_that_runs_again_counts_as_it_ended() -> None:
    """Its worker was lost with the answers, which Dask makes anew: what it says of itself then is not news."""
    tally = Tally(2, "m")
    tally.words.put({"partition": 0, "done": 3, "tokens": 7})
    tally.words.put({"partition": 1, "done": 2, "tokens": 5})
    tally.listen()
    assert (tally.progress().done, tally.progress().tokens) == (5, 12)
    tally.finish(0, Progress(done=10, tokens=30))
    tally.words.put({"partition": 0, "done": 1, "tokens": 1})
    tally.words.put({"partition": 1, "done": 4, "tokens": 9})
    tally.listen()
    assert (tally.progress().done, tally.progress().tokens) == (14, 39)
