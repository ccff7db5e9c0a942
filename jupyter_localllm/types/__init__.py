"""Frozen values that travel between the rooms.

This room imports nothing of the package, so every room may import it. Units stand in the names:
``_ms`` is milliseconds, ``_bytes`` bytes, ``_tokens`` tokens.
"""

from jupyter_localllm.types.answered import (
    Done,
    Event,
    FinishReason,
    Note,
    Provenance,
    Result,
    Revised,
    Status,
    Timings,
    Token,
    TokenLogprob,
    Usage,
    of_several,
    united,
)
from jupyter_localllm.types.asked import (
    CacheMode,
    Job,
    Message,
    Part,
    Prompt,
    Role,
    Sampling,
)
from jupyter_localllm.types.called import Called, CallStatus, ToolCall
from jupyter_localllm.types.cited import (
    Answer,
    AskEvent,
    Citation,
    CitationStatus,
    Cited,
    Locator,
    Passage,
)
from jupyter_localllm.types.model import (
    FolderPlan,
    ModelFile,
    ModelFolder,
    ModelInfo,
    Precision,
)

__all__ = [
    "Answer",
    "AskEvent",
    "CacheMode",
    "CallStatus",
    "Called",
    "Citation",
    "CitationStatus",
    "Cited",
    "Done",
    "Event",
    "FinishReason",
    "FolderPlan",
    "Job",
    "Locator",
    "Message",
    "ModelFile",
    "ModelFolder",
    "ModelInfo",
    "Note",
    "Part",
    "Passage",
    "Precision",
    "Prompt",
    "Provenance",
    "Result",
    "Revised",
    "Role",
    "Sampling",
    "Status",
    "Timings",
    "Token",
    "TokenLogprob",
    "ToolCall",
    "Usage",
    "of_several",
    "united",
]
