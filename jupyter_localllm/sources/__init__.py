"""Reading the notebook's variables: one file per kind, one line of registration here.

A kind renders its values whole for a prompt (``render``), and cuts them into passages with anchors that can be cited
(``snapshot``). Packages bring more kinds by entry points of the group ``jupyter_localllm.sources``.
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
