"""Rows on other machines: a Dask cluster answers them, one resident model for each worker.

`worker` is what runs there, `rows` sends the prompts of ordinary data, `partitions` asks where a Dask collection lies.
The only room that imports ``dask`` and ``distributed`` (the extra ``dask``), and not before a client or a collection is
handed over.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from jupyter_localllm.batch.cluster.work import Work
from jupyter_localllm.errors import OfflineError, UsageError

__all__ = ["Work", "client_for", "is_collection", "neighbours"]


def is_collection(data: Any) -> bool:
    """Whether something is a collection of Dask; imports nothing."""
    dask = sys.modules.get("dask.base")  # who holds a collection has imported it
    return dask is not None and not isinstance(data, type) and bool(dask.is_dask_collection(data))


def client_for(client: Any, data: Any, *, offline: bool = False) -> Any:
    """The cluster's client; None if the rows are to be asked here.

    Parameters
    ----------
    client : distributed.Client or None
        What the person gave.
    data : object
        A collection of Dask goes to the cluster that is connected, also where no client was given.
    offline : bool
        Whether only a cluster inside of this process will do.

    Raises
    ------
    UsageError
        It is no client, is asynchronous or closed, or a collection has no cluster.
    OfflineError
        Its rows would go over a connection, and nothing may.
    """
    if client is None and not is_collection(data):
        return None
    distributed = sys.modules.get("distributed")
    if client is None:
        try:
            client = distributed.default_client() if distributed is not None else None
        except ValueError:
            client = None
        if client is None:
            raise UsageError(
                f"a {type(data).__name__} of dask needs a cluster, and there is none",
                "Connect to one first: client = dask.distributed.Client(…); on this machine alone, Client() starts one."
                " Or .compute() the data.",
            )
    if distributed is None or not isinstance(client, distributed.Client):
        raise UsageError(f"client is a dask.distributed.Client, not {type(client).__name__}")
    if client.asynchronous:
        raise UsageError("an asynchronous client cannot be waited for", "Make one without asynchronous=True.")
    if client.status != "running":
        raise UsageError(f"the client of the cluster is {client.status}", "Connect again: client = Client(…).")
    where = str(getattr(client.scheduler, "address", ""))
    if offline and not where.startswith("inproc:"):
        raise OfflineError(
            f"offline is on: rows would go to the cluster at {where or 'another address'}",
            "Leave the client out, or %config LocalLLM.offline = None",
        )
    return client


def neighbours(client: Any) -> dict[str, int]:
    """How many workers of a cluster each machine has."""
    from jupyter_localllm.batch.cluster.worker import host_of

    return dict(Counter(host_of(address) for address in client.nthreads()))
