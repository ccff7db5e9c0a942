"""Answers from the notebook's variables: evidence first, then the model's words, then the check.

::

    variables -> snapshots -> reading (a computation) and passages -> evidence
              -> prompt -> the pipeline's road (cache, engine) -> marks checked and corrected -> Answer
"""

from __future__ import annotations

from jupyter_localllm.answering.answer import Asking, answer, request_of
from jupyter_localllm.answering.evidence import Evidence, Limits
from jupyter_localllm.answering.gathering import gather
from jupyter_localllm.answering.prompt import estimated_tokens, room_for_sources

__all__ = ["Asking", "Evidence", "Limits", "answer", "estimated_tokens", "gather", "request_of", "room_for_sources"]
