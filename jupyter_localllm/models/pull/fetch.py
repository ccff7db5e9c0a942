"""One file, from its address to its place: gone on with where it stopped, and checked before it has its name."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_localllm.errors import ModelFileError, PullError
from jupyter_localllm.models.checks import check_alone
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.identity import file_sha256, hash_file, remember
from jupyter_localllm.models.mistaken import not_a_gguf
from jupyter_localllm.models.pull.address import fingerprint
from jupyter_localllm.models.pull.partial import Origin, Partial
from jupyter_localllm.models.pull.room import check_room
from jupyter_localllm.models.pull.target import Target
from jupyter_localllm.models.pull.trouble import CONNECTION, Broken, tries_of, wrong_content, wrong_size
from jupyter_localllm.models.pull.web import Response, get, shown
from jupyter_localllm.types import Status

__all__ = ["Patience", "Tell", "check_offer", "fetch", "finish", "is_there"]

Tell = Callable[[Status], object]

_CHUNK = 1 << 18
_HEAD = 512  # bytes that tell a GGUF from a page
_AGAIN = "Run the same line again: it goes on where it stopped."


@dataclass(frozen=True)
class Patience:
    """How long a broken way is tried again.

    Parameters
    ----------
    tries : int
        Failures in a row, without a byte between them, after which it is given up.
    pause_s : float
        Seconds before the second try; doubled each time.
    silence_s : float
        Seconds without a byte after which the way counts as broken.
    """

    tries: int = 5
    pause_s: float = 1.0
    silence_s: float = 30.0


def is_there(target: Target, memo: MutableMapping[str, str]) -> bool:
    """Whether the file is in its place already.

    Raises
    ------
    PullError
        Another file has its name.
    """
    try:
        size = target.path.stat().st_size
    except OSError:
        return False
    same = size == target.size_bytes if target.size_bytes else True
    promised = target.sha256
    if same and target.source is not None:
        promised = file_sha256(target.source, memo)
    if same and promised:
        same = file_sha256(target.path, memo) == promised
    if not same:
        raise PullError(
            f"{target.path} is there, and is another file than {shown(target.url)}.",
            "Remove it, or fetch the new one in its place: --force",
        )
    return True


def fetch(
    target: Target,
    partial: Partial,
    tell: Tell,
    memo: MutableMapping[str, str],
    *,
    token: str = "",
    patience: Patience | None = None,
) -> None:
    """Fetch one file over HTTP or HTTPS.

    Parameters
    ----------
    target : Target
    partial : Partial
        Of its path, taken.
    tell : callable
        Is called with a `Status` now and then.
    memo : MutableMapping
        Where its hash is remembered.
    token : str
        For the host of its address.
    patience : Patience, optional

    Raises
    ------
    PullError
        It cannot be had, is not what was promised, or finds no room. What has come is kept, unless it is wrong.
    """
    patience = patience or Patience()
    failures, before, met = 0, -1, False
    while True:
        try:
            total, sha256 = _attempt(target, partial, tell, token, patience)
            break
        except Broken as broken:
            failures = 1 if partial.size > before else failures + 1
            before, met = partial.size, met or not broken.absent
            if failures >= tries_of(broken, patience.tries, met=met):
                have = f" {size_text(before)} have come, and are kept." if before else ""
                hint = _AGAIN if met or before else CONNECTION
                raise PullError(f"{shown(target.url)} cannot be fetched: {broken.what}.{have}", hint) from None
            tell(Status("pulling", f"{target.path.name}: {broken.what}; trying again"))
            time.sleep(min(broken.wait_s or patience.pause_s * 2 ** (failures - 1), 60.0))
    finish(target, partial, tell, memo, size=total, sha256=sha256)


def check_offer(target: Target, token: str, patience: Patience) -> None:
    """Refuse a file that is no longer the one that was noted, before it is fetched; nothing of it is read.

    Raises
    ------
    PullError
        It is another file now.
    Broken
        The server cannot be asked.
    """
    with get(target.url, token=token, silence_s=patience.silence_s) as answer:
        _check_promises(target, _total(answer), _promised(target, answer))


def _promised(target: Target, answer: Response) -> str:
    linked = answer.told("X-Linked-Etag").strip('"')
    return linked if re.fullmatch(r"[0-9a-f]{64}", linked) else target.sha256


def _attempt(target: Target, partial: Partial, tell: Tell, token: str, patience: Patience) -> tuple[int, str]:
    """Read as much as comes; give size and hash as far as they were promised."""
    earlier = partial.origin
    have = partial.size if earlier is not None and _may_continue(target, earlier) else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and earlier is not None and not (target.sha256 or earlier.sha256):
        headers["If-Range"] = earlier.etag
    with get(target.url, headers, token=token, silence_s=patience.silence_s) as answer:
        total = _total(answer)
        sha256 = _promised(target, answer)
        _check_promises(target, total, sha256)
        origin = Origin(fingerprint(target.url), sha256, _strong(answer.text("ETag")), total)
        if answer.status == 416 or (
            answer.status == 206 and not (origin.continues(earlier) and _starts_at(answer, have))
        ):
            if answer.status == 416 and have and have == total:
                return total, sha256
            partial.discard()
            raise Broken("what has come is of another file", wait_s=0.0)
        keep = answer.status == 206
        have = have if keep else 0
        check_room(target, total - have)
        partial.begin(origin, keep=keep)
        _read(target, answer, partial, tell, total)
    if total and partial.size < total:
        raise Broken(f"the connection ended after {partial.size:,} of {total:,} bytes")
    return total, sha256


def _read(target: Target, answer: Response, partial: Partial, tell: Tell, total: int) -> None:
    begun, before, told = time.monotonic(), partial.size, 0.0
    have, head = before, b""
    while data := answer.read(_CHUNK):
        if have < _HEAD and before == 0:
            head = (head + data)[:_HEAD]
            if not head.startswith(b"GGUF"[: len(head)]):
                partial.discard()
                raise _no_model(target, head, total or len(data))
        have += len(data)
        if total and have > total:
            partial.discard()
            raise wrong_size(shown(target.url), have, total)
        partial.write(data)
        now = time.monotonic()
        if now - told > 0.1 or have == total:
            told = now
            tell(_progress(target, have, total, (have - before) / max(now - begun, 0.001)))


def finish(
    target: Target, partial: Partial, tell: Tell, memo: MutableMapping[str, str], *, size: int = 0, sha256: str = ""
) -> None:
    """Check what has come, and give it its name.

    Raises
    ------
    PullError
        It is not what was promised, or no whole GGUF; then nothing is left of it.
    """
    found = ""

    def check(path: Path) -> None:
        nonlocal found
        have = path.stat().st_size
        if size and have != size:
            raise wrong_size(shown(target.url), have, size)
        try:
            check_alone(path)
        except ModelFileError as error:
            what = error.message.replace(str(path), target.path.name).replace("is still downloading", "is truncated")
            raise PullError(f"{shown(target.url)} was fetched, and is no whole model: {what}", error.hint) from None
        tell(Status("pulling", f"{target.path.name}: checking"))
        found = hash_file(str(path))
        if sha256 and found != sha256:
            raise wrong_content(shown(target.url), found, sha256)

    partial.finish(check)
    remember(target.path, memo, found)


def _may_continue(target: Target, earlier: Origin) -> bool:
    """Whether it is worth asking for the rest."""
    if target.sha256 and earlier.sha256:
        return target.sha256 == earlier.sha256
    return fingerprint(target.url) == earlier.address and bool(earlier.sha256 or earlier.etag)


def _check_promises(target: Target, total: int, sha256: str) -> None:
    if target.sha256 and sha256 != target.sha256:
        raise PullError(
            f"{shown(target.url)} is another file now: its sha256 is {sha256}, and {target.sha256} is known.",
            "Fetch it as it is now by its own name: %llm pull OWNER/REPOSITORY/FILE.gguf",
        )
    if target.size_bytes and total and total != target.size_bytes:
        raise wrong_size(shown(target.url), total, target.size_bytes)


def _total(answer: Response) -> int:
    """Read the size of the whole file; 0 if the server does not tell."""
    match = re.fullmatch(r"bytes (?:[0-9]+-[0-9]+|\*)/([0-9]{1,18})", answer.text("Content-Range"))
    if match:
        return int(match[1])
    if answer.status in (206, 416):
        return 0
    length = answer.text("Content-Length") or answer.told("X-Linked-Size")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0


def _starts_at(answer: Response, have: int) -> bool:
    match = re.match(r"bytes ([0-9]{1,18})-", answer.text("Content-Range"))
    return bool(match) and int(match[1]) == have  # type: ignore[index]


def _strong(etag: str) -> str:
    return "" if etag.startswith("W/") else etag


def _no_model(target: Target, head: bytes, size: int) -> PullError:
    error = not_a_gguf(shown(target.url), head, size)
    return PullError(error.message, error.hint)


def _progress(target: Target, have: int, total: int, rate: float) -> Status:
    if not total:
        return Status("pulling", f"{target.path.name}: {size_text(have)}, {size_text(int(rate))}/s")
    left = (total - have) / max(rate, 1.0)
    time_left = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min"
    text = f"{target.path.name}: {size_text(have)} of {size_text(total)}, {size_text(int(rate))}/s, {time_left} left"
    return Status("pulling", text, have / total)
