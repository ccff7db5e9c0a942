"""Files as sources: what a path stands for when it is cited."""

from jupyter_localllm.sources.document.files import MAX_FILE_BYTES, hold_file

__all__ = ["MAX_FILE_BYTES", "hold_file"]
