"""A request on its way through llama.cpp: it lies in a slot of the KV cache."""

from __future__ import annotations

from jupyter_localllm.engine.llama.slots import Slot
from jupyter_localllm.engine.sequence import Clock, check_fit
from jupyter_localllm.engine.sequence import Sequence as _Sequence

__all__ = ["Clock", "Sequence", "check_fit"]

Sequence = _Sequence[Slot]
