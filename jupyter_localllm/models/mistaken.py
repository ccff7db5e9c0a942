"""What a file is that was taken for a GGUF: the difference between "invalid magic" and an error one can act on."""

from __future__ import annotations

import os
import re
import stat
import time

from jupyter_localllm.config.reach import check_reach
from jupyter_localllm.errors import ModelFileError
from jupyter_localllm.models.figures import size_text

__all__ = ["GET_AGAIN", "not_a_gguf", "stat_file", "truncated", "unusable"]

GET_AGAIN = "Download the file again."
_WAIT = f"Wait until the download has ended; if it broke off: {GET_AGAIN}"
_PARTIAL_SUFFIXES = (".part", ".partial", ".crdownload", ".download", ".incomplete", ".aria2", ".!qb", ".tmp")
_RECENT_SECONDS = 60.0

_MAGICS = (
    (b"PK\x03\x04", "a ZIP archive (or a PyTorch checkpoint)", "Unpack it, or download the GGUF file of this model."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"BZh", "a bzip2 archive", "Unpack it first."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
    (b"tjgg", "a GGML file of 2023 (ggjt), which llama.cpp reads no longer", "Download the model as GGUF."),
    (b"fmgg", "a GGML file of 2023 (ggmf), which llama.cpp reads no longer", "Download the model as GGUF."),
    (b"lmgg", "a GGML file of 2023 (ggml), which llama.cpp reads no longer", "Download the model as GGUF."),
    (b"algg", "a LoRA adapter of 2023 (ggla), which llama.cpp reads no longer", "Download the adapter as GGUF."),
    (b"\x80\x02", "a Python pickle (a PyTorch checkpoint)", "Download the GGUF file of this model."),
)


def unusable(path: str | os.PathLike[str], what: str, hint: str = GET_AGAIN) -> ModelFileError:
    """Make the error of a file that is not a usable GGUF; `what` continues the sentence that its name begins."""
    return ModelFileError(f"{os.fspath(path)} {what}.", hint)


def stat_file(path: str | os.PathLike[str]) -> os.stat_result:
    """Look at a model file without opening it.

    Raises
    ------
    ModelFileError
        It is missing, a directory, no regular file (a pipe would block for ever), empty, may not be looked at, or lies
        on a mount that does not answer.
    """
    try:
        check_reach(path)
        found = os.stat(path)
    except TimeoutError:
        raise unusable(path, "does not answer", "A network mount may have lost its server: see to it.") from None
    except FileNotFoundError:
        raise unusable(path, "does not exist", "Check the path.") from None
    except (OSError, ValueError) as error:  # no permission, a name too long, a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise unusable(path, f"cannot be read: {reason}", "Check the path and its permissions.") from None
    if stat.S_ISDIR(found.st_mode):
        raise unusable(path, "is a directory", _inside(path))
    if not stat.S_ISREG(found.st_mode):
        raise unusable(path, "is not a regular file", "Name a GGUF file.")
    if not found.st_size:
        raise unusable(path, "is empty (0 bytes)")
    return found


def _inside(directory: str | os.PathLike[str]) -> str:
    try:
        files = sorted(name for name in os.listdir(directory) if name.lower().endswith(".gguf"))
    except OSError:
        files = []
    if not files:
        return "Name a GGUF file; this directory holds none."
    return f"Name one file in it: {', '.join(files[:5])}{' …' if len(files) > 5 else ''}"


def truncated(
    path: str | os.PathLike[str], where: str, needed: int, size: int, *, least: bool = True
) -> ModelFileError:
    """Make the error of a file that ends too early; it tells a download under way from one that broke off.

    Parameters
    ----------
    path : path
    where : str
        What the file's end cuts, as ``"in tensor output.weight"``.
    needed : int
        Bytes the file must have.
    size : int
        Bytes it has.
    least : bool
        Whether `needed` is only what is known so far.
    """
    figures = f"{size:,} bytes of {'at least ' if least else ''}{needed:,} are there ({size / needed:.0%})"
    state = _downloading(path)
    verdict = f"is {state}" if state else "is truncated"
    return unusable(path, f"{verdict}: it ends {where}; {figures}", _WAIT if state else GET_AGAIN)


def not_a_gguf(path: str | os.PathLike[str], head: bytes, size: int) -> ModelFileError:
    """Make the error of a file that does not begin with ``GGUF``, by what it begins with.

    Parameters
    ----------
    path : path
    head : bytes
        Its first bytes, 512 are enough.
    size : int
        Its size in bytes.
    """
    found = _text_in_its_place(head, size) or _other_format(head, size)
    if found is None and not any(head):
        state = _downloading(path)
        what = f"is {state}: it begins with zeros" if state else "begins with zeros: a download reserved its space only"
        found = what, _WAIT
    what, hint = found or (
        f"is not a GGUF file: it begins with {_shown(head)} instead of 'GGUF'",
        "Name a GGUF file.",
    )
    return unusable(path, what, hint)


def _text_in_its_place(head: bytes, size: int) -> tuple[str, str] | None:
    """Recognise what a server or git left instead of the model."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if re.match(rb"<(!doctype|html|head|body|\?xml|!--)", text, re.IGNORECASE):
        what = "is a web page, not a model: the server answered with HTML (an error, or a page that wants a login)"
        return what, "Download the file itself, not the page about it."
    if text.startswith(b"version https://git-lfs"):
        pointer = re.search(rb"\nsize (\d{1,18})", text)
        real = f" for a file of {size_text(int(pointer[1]))}" if pointer else ""
        what = f"is a Git LFS pointer{real}, not the model itself ({size_text(size)})"
        return what, "Run `git lfs pull` in its folder, or download the file itself."
    if text[:1] in (b"{", b"["):
        what = f"is JSON, not a model: {_shown(text)}"
        return what, "The server answered with a message. Download the file itself."
    return None


def _other_format(head: bytes, size: int) -> tuple[str, str] | None:
    """Recognise other formats of models and archives."""
    for magic, what, hint in _MAGICS:
        if head.startswith(magic):
            return f"is {what}", hint
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        return "is a safetensors file, and llama.cpp reads GGUF", "Download the GGUF file of this model."
    return None


def _shown(head: bytes) -> str:
    """Show the first bytes, safe to print."""
    return repr(head[:16])[1:]


def _downloading(path: str | os.PathLike[str]) -> str:
    """Say so if something still seems to write the file: its name, a neighbour, or its age tells."""
    name = os.fspath(path)
    if name.lower().endswith(_PARTIAL_SUFFIXES) or any(os.path.exists(name + end) for end in (".aria2", ".part")):
        return "still downloading"
    try:
        age = time.time() - os.stat(name).st_mtime
    except (OSError, ValueError):
        return ""
    return f"truncated or still downloading (it changed {age:.0f} s ago)" if 0 <= age < _RECENT_SECONDS else ""
