"""Reading the notebook's variables: one file per kind, one line of registration here.

Only rendering for a prompt so far. Passages with anchors, and the choice among them, will be further methods of a
`Kind`, so that what is registered here can be cited as well.
"""

from __future__ import annotations

from jupyter_localllm.sources.ai_repr import AiReprKind
from jupyter_localllm.sources.base import (
    KINDS,
    MAX_BYTES,
    MAX_CELLS,
    Kind,
    Registry,
    Rendered,
    register,
    render_for_prompt,
)
from jupyter_localllm.sources.frame import FrameKind
from jupyter_localllm.sources.objects import ObjectKind
from jupyter_localllm.sources.scalar import ScalarKind
from jupyter_localllm.sources.structure import StructureKind
from jupyter_localllm.sources.text import TextKind

__all__ = ["KINDS", "MAX_BYTES", "MAX_CELLS", "Kind", "Registry", "Rendered", "register", "render_for_prompt"]

# The last one registered is asked first.
register(ObjectKind())
register(StructureKind())
register(FrameKind())
register(ScalarKind())
register(TextKind())
register(AiReprKind())
