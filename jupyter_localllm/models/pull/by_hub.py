"""The way over huggingface_hub, where it is installed: it knows the hub's own faster protocols.

It writes into a hidden folder beside the file's place, and goes on there with what an earlier call left. What comes of
it is checked as everything else before it has its name.
"""

from __future__ import annotations

import inspect
import os
import shutil
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from jupyter_localllm.config.masked import masked
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.pull.fetch import Tell, finish
from jupyter_localllm.models.pull.hub import Hub
from jupyter_localllm.models.pull.partial import Partial
from jupyter_localllm.models.pull.target import Target
from jupyter_localllm.models.pull.trouble import not_writable, of_status
from jupyter_localllm.models.pull.web import shown
from jupyter_localllm.types import Status

__all__ = ["Unable", "fetch"]


class Unable(Exception):
    """It failed for another reason than the file, the server's refusal or the disk."""


def fetch(target: Target, partial: Partial, tell: Tell, memo: MutableMapping[str, str], *, hub: Hub) -> None:
    """Fetch one file of the hub; `partial`, of its path, is taken.

    Raises
    ------
    Unable
        huggingface_hub does not get on with this hub: plain HTTPS may.
    PullError
        It cannot be had, or is not what was promised.
    """
    stage = target.path.with_name(f".{target.path.name}.hub")
    try:
        came = _download(target, stage, tell, hub)
    except Unable:  # what it has begun is of no use to others
        shutil.rmtree(stage, ignore_errors=True)
        raise
    with partial.trouble():
        os.replace(came, partial.part)
    finish(target, partial, tell, memo, size=target.size_bytes, sha256=target.sha256)
    shutil.rmtree(stage, ignore_errors=True)


def _download(target: Target, stage: Path, tell: Tell, hub: Hub) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
    except Exception as error:  # a broken install is no reason to fail
        raise Unable(_said(error)) from None

    told = "tqdm_class" in inspect.signature(hf_hub_download).parameters  # older versions show a bar of their own
    try:
        return Path(
            hf_hub_download(
                target.repository,
                target.file,
                revision=target.revision,
                local_dir=stage,
                endpoint=hub.endpoint,
                token=hub.token or False,
                library_name="jupyter_localllm",
                **({"tqdm_class": _bar(target, tell)} if told else {}),
            )
        )
    except HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", 0)
        if not status:  # no server has answered: older versions say so with an error of this family
            raise Unable(_said(error)) from None
        raise of_status(shown(target.url), status, token=bool(hub.token)) from None
    except OSError as error:
        if error.errno:
            raise not_writable(target.path, error) from None
        raise Unable(_said(error)) from None
    except Exception as error:  # its own errors and those of its clients have no common root
        raise Unable(_said(error)) from None


def _said(error: Exception) -> str:
    return (str(masked(str(error))).strip() or type(error).__name__).splitlines()[0][:300]


def _bar(target: Target, tell: Tell) -> Any:
    """Make what huggingface_hub takes for a bar of tqdm, and hand on what it is told."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            self._told = 0.0
            super().__init__(*args, **{**kwargs, "disable": True})
            self.n = kwargs.get("initial") or 0
            self.total = kwargs.get("total")

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            total = self.total or target.size_bytes
            if time.monotonic() - self._told > 0.1:
                self._told = time.monotonic()
                of = f" of {size_text(int(total))}" if total else ""
                text = f"{target.path.name}: {size_text(int(self.n))}{of}"
                tell(Status("pulling", text, min(self.n / total, 1.0) if total else None))
            return None

    return Bar
