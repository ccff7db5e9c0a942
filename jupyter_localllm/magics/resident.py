"""What `%llm status` says of an engine: each tells what it knows of itself."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_localllm.engine import Engine

__all__ = ["resident_lines"]


def resident_lines(engine: Engine, size: Callable[[int], str]) -> list[str]:
    """One or two lines.

    Parameters
    ----------
    engine : Engine
        A loaded one.
    size : callable
        Writes bytes for people.
    """
    info = engine.info()
    known = info.details
    first = [size(known["weights_bytes"])] if "weights_bytes" in known else []
    trained = f" of {known['n_ctx_train']:,} trained tokens" if "n_ctx_train" in known else " tokens"
    first += [f"window {info.n_ctx:,}{trained}"]
    first += [f"{known['threads']} threads"] if known.get("threads") else []
    first += [str(known["device"])] if known.get("device") else []
    first += [f"{known['server']} at {known['address']}"] if "server" in known else []
    more = [f"up to {known['n_parallel']} sequences"] if "n_parallel" in known else []
    more += [f"numbers in {known['kind']}"] if known.get("kind") else []
    more += [f"KV cache {known['kv_cache_type']}"] if "kv_cache_type" in known else []
    more += [f"flash attention {known['flash_attn']}"] if "flash_attn" in known else []
    more += [f"of {', '.join(known['routes'])}"] if "routes" in known else []
    more += [f"in process {known['pid']}"] if "pid" in known else []
    lines = [f"resident   {engine.name}: {', '.join(first)}"]
    return [*lines, f"           {', '.join(more)}"] if more else lines
