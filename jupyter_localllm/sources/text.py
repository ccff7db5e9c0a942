"""Strings, paths and bytes.

A string is put into the prompt as it is, byte for byte. A path is a name there, and not the file behind it: reading a
file is said in code, by the person (``{{ path.read_text() }}``). As a source of citations a path means its file, for a
name alone holds nothing to cite. Bytes are refused, because how to decode them is not ours to guess.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from jupyter_localllm.errors import SourceError
from jupyter_localllm.sources.base import UNNAMED, Rendered

if TYPE_CHECKING:
    from jupyter_localllm.sources.snapshot import Snapshot

__all__ = ["TextKind"]

_LONG = 1_000  # characters above which the size is worth a word


class TextKind:
    """``str``, ``pathlib`` paths, and ``bytes`` with a word why not."""

    name = "text"

    def matches(self, value: Any) -> bool:
        """Whether the value is text, or looks like it."""
        return isinstance(value, (str, PurePath, bytes, bytearray, memoryview))

    def render(self, value: Any, name: str) -> Rendered:
        """Give the text as it is."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            it = name or UNNAMED
            raise SourceError(
                f"{name or 'The value'} is {type(value).__name__} ({len(value):,} bytes), not text.",
                "Decode it: {{ " + it + '.decode("utf-8") }}.',
            )
        # A subclass may say something else by its own __str__; the characters it holds are the value.
        text = str.__str__(value) if isinstance(value, str) else str(value)
        return Rendered(text, f"{len(text):,} characters" if len(text) > _LONG else "")

    def snapshot(self, value: Any, name: str) -> Snapshot:
        """Hold a text, or read the file behind a path once."""
        from jupyter_localllm.sources.document import hold_file
        from jupyter_localllm.sources.passages_text import hold_text

        if isinstance(value, (bytes, bytearray, memoryview)):
            raise SourceError(
                f"{name} is {type(value).__name__} ({len(value):,} bytes), not text.",
                f'Decode it in a cell: {name} = {name}.decode("utf-8").',
            )
        return hold_file(Path(value), name) if isinstance(value, PurePath) else hold_text(str.__str__(value), name)
