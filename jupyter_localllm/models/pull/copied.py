"""A file on this machine, taken into our folder with the same care as one that is fetched."""

from __future__ import annotations

import time
from collections.abc import MutableMapping

from jupyter_localllm.errors import PullError
from jupyter_localllm.models.checks import check_alone
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.mistaken import stat_file, unusable
from jupyter_localllm.models.pull.address import fingerprint
from jupyter_localllm.models.pull.fetch import Tell, finish
from jupyter_localllm.models.pull.partial import Origin, Partial
from jupyter_localllm.models.pull.target import Target
from jupyter_localllm.types import Status

__all__ = ["fetch"]

_CHUNK = 4 << 20


def fetch(target: Target, partial: Partial, tell: Tell, memo: MutableMapping[str, str]) -> None:
    """Copy a file; `partial`, of its new path, is taken.

    Raises
    ------
    ModelFileError
        It is no whole GGUF.
    PullError
        It finds no room.
    """
    source = target.source
    assert source is not None
    check_alone(source)
    total, have, told = stat_file(source).st_size, 0, 0.0
    partial.begin(Origin(fingerprint(target.url), size_bytes=total), keep=False)
    try:
        with open(source, "rb", buffering=0) as file:
            while data := file.read(_CHUNK):
                partial.write(data)
                have += len(data)
                if time.monotonic() - told > 0.1:
                    told = time.monotonic()
                    text = f"{target.path.name}: {size_text(have)} of {size_text(total)}"
                    tell(Status("pulling", text, have / total))
    except PullError:
        partial.discard()
        raise
    except OSError as error:
        partial.discard()
        raise unusable(source, f"cannot be read: {error.strerror or error}", "Check the file.") from None
    finish(target, partial, tell, memo, size=total)
