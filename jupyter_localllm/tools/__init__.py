"""Python functions that a model may call.

::

    function -> Tool: name, description, JSON schema of the arguments   (tool, signature, docstring)
    Tool     -> what the model reads and writes                         (formats: one file for each way of calling)
    ToolCall -> consent, the function, its outcome as text              (consent, running)

The loop over rounds stands above, in `jupyter_localllm.answering.calling`: it asks the pipeline.
"""

from __future__ import annotations

from jupyter_localllm.tools.mark import tool
from jupyter_localllm.tools.tool import Tool, as_tools

__all__ = ["Tool", "as_tools", "tool"]
