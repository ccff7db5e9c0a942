"""What can go wrong while a file is fetched, as errors that say what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from jupyter_localllm.errors import ModelError, PullError
from jupyter_localllm.models.figures import size_text

__all__ = ["CONNECTION", "TOKEN", "Broken", "not_writable", "of_status", "tries_of", "wrong_content", "wrong_size"]

_AGAIN = "Run the same line again: it goes on where it stopped."
CONNECTION = "Check the connection. Behind a proxy: HTTPS_PROXY; a mirror of the hub: HF_ENDPOINT."
TOKEN = (
    "Accept the model's terms on its page, and give a token that may read it: HF_TOKEN in the environment, or "
    "`hf auth login` once."
)


class Broken(Exception):
    """The way to the server broke, and may be whole again: it is tried anew.

    Parameters
    ----------
    what : str
    wait_s : float, optional
        How long the server wants to be left alone.
    absent : bool
        Whether nobody is there, or no way leads there.
    """

    def __init__(self, what: str, wait_s: float | None = None, *, absent: bool = False) -> None:
        super().__init__(what)
        self.what, self.wait_s, self.absent = what, wait_s, absent


def tries_of(broken: Broken, tries: int, *, met: bool) -> int:
    """How often in a row a way may break: who was not there from the start (not `met`) is tried once more only."""
    return min(tries, 2) if broken.absent and not met else tries


def of_status(url: str, status: int, *, token: bool) -> PullError:
    """Make the error of a server's refusal."""
    if status in (401, 403):
        which = "a token is needed" if not token else "the token may not read it"
        return PullError(f"{url} is not for everybody (HTTP {status}): {which}.", TOKEN, status=status)
    if 300 <= status < 400:
        where = "to an address that is not followed, or in a circle"
        return PullError(
            f"{url} redirects {where} (HTTP {status}).", "Give the address of the file itself.", status=status
        )
    if status in (404, 410):
        hint = "Check the name; a private file needs a token, too."
        return PullError(f"There is no {url} (HTTP {status}).", hint, status=status)
    return PullError(f"{url} cannot be had: the server answers {status}.", _AGAIN, status=status)


def wrong_size(url: str, offered: int, promised: int) -> PullError:
    """Make the error of a file that cannot be the promised one."""
    return PullError(
        f"{url} has {offered:,} bytes, and {promised:,} were promised.",
        "It is another file than the one that was listed, or a page about it. Give the address of the file itself.",
    )


def wrong_content(url: str, found: str, promised: str) -> PullError:
    """Make the error of a file whose hash is another one."""
    return PullError(
        f"{url} was fetched, and is not what was promised: its sha256 is {found}, not {promised}. It was deleted.",
        "The way or the server changed it. Run the same line again; if that does not help, take another source.",
    )


def not_writable(path: Path, error: OSError, *, kept: int = 0) -> ModelError:
    """Make the error of a disk that does not take the file."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        have = f" {size_text(kept)} of it are kept." if kept else ""
        return PullError(
            f"There is no room left for {path}: {reason}.{have}", f"Free some, or use another disk (pull_dir). {_AGAIN}"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PullError(
            f"{path} may not be written: {reason}.",
            "Name a folder of yours: %config LocalLLM.pull_dir = '/path/to/folder'",
        )
    return PullError(f"{path} cannot be written: {reason}.", "Check the folder and its disk.")
