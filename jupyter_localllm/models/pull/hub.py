"""The model hub (Hugging Face's, or a mirror of it): which files a repository has, and where they are.

Address, token and mirror are those of huggingface_hub (``constants.py``): ``HF_ENDPOINT``, ``HF_TOKEN``, the file
that ``hf auth login`` writes, ``HF_HUB_OFFLINE``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from jupyter_localllm.errors import OfflineError, PullError, UsageError
from jupyter_localllm.models.figures import size_text
from jupyter_localllm.models.found.base import is_model_name
from jupyter_localllm.models.kinds import FILE_TYPES
from jupyter_localllm.models.parts import part_names
from jupyter_localllm.models.pull.address import checked, same_origin
from jupyter_localllm.models.pull.target import Target, inside
from jupyter_localllm.models.pull.trouble import TOKEN
from jupyter_localllm.models.pull.web import get_json, shown

__all__ = ["Hub", "HubFile", "choose", "quantization_in"]

_ENDPOINT = "https://huggingface.co"
_HOSTS = ("huggingface.co", "hf.co", "www.huggingface.co")
_MOST_PAGES = 20
_NAMES = sorted(
    {*FILE_TYPES.values(), "Q3_K_XL", "Q4_K_L", "Q4_K_XL", "Q5_K_L", "Q5_K_XL", "Q6_K_L", "Q6_K_XL"}, key=len
)
_QUANTIZATION = re.compile(rf"(?<![A-Za-z0-9])(?:UD-)?({'|'.join(reversed(_NAMES))})(?![A-Za-z0-9_])", re.IGNORECASE)
_USUAL = "Q4_K_M"


@dataclass(frozen=True)
class HubFile:
    """One file of a repository: its path there, its size in bytes, and its sha256 where the hub tells."""

    path: str
    size_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Hub:
    """A hub, as the environment names it.

    Parameters
    ----------
    environment : Mapping of str to str
    home : Path
    forbidden : bool
        Whether the setting ``offline`` forbids to ask anybody.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: Path = field(default_factory=lambda: Path(os.path.expanduser("~")))
    forbidden: bool = False

    @property
    def endpoint(self) -> str:
        """Its address."""
        return (self.environment.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/")

    @property
    def offline(self) -> bool:
        """Whether the person forbade to use it."""
        value = self.environment.get("HF_HUB_OFFLINE") or self.environment.get("TRANSFORMERS_OFFLINE") or ""
        return value.strip().upper() in ("1", "ON", "YES", "TRUE")

    @property
    def token(self) -> str:
        """The person's token, or ``""``."""
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            if value := self.environment.get(name, "").strip():
                return value
        home = Path(self.environment.get("HF_HOME") or self._cache / "huggingface")
        path = Path(self.environment.get("HF_TOKEN_PATH") or home / "token")
        try:
            return path.expanduser().read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""

    @property
    def _cache(self) -> Path:
        return Path(self.environment.get("XDG_CACHE_HOME") or self.home / ".cache")

    def owns(self, url: str) -> bool:
        """Whether an address is one of this hub's pages, however it was written."""
        return urlsplit(url).netloc.lower() in _HOSTS or same_origin(url, self.endpoint)

    def token_for(self, url: str) -> str:
        """The token, if it is for the server of this address; ``""`` for any other, and for one asked in the clear."""
        usual = same_origin(self.endpoint, _ENDPOINT) and url.startswith(tuple(f"https://{host}/" for host in _HOSTS))
        return self.token if usual or same_origin(url, self.endpoint) else ""

    def files(self, repository: str, revision: str = "main", *, silence_s: float = 30.0) -> list[HubFile]:
        """Ask which GGUF files a repository has.

        Raises
        ------
        PullError
            There is no such repository, or it is not for everybody.
        Broken
            The hub cannot be reached.
        """
        self.check_allowed()
        address = f"{self.endpoint}/api/models/{quote(repository)}/tree/{quote(revision, safe='')}?recursive=true"
        found = []
        for _ in range(_MOST_PAGES):
            try:
                entries, address = get_json(address, token=self.token, silence_s=silence_s)
            except PullError as error:
                if error.status not in (401, 403, 404):
                    raise
                # The hub says 401 of what is not there, too: it does not tell strangers what is private.
                what = f"The hub has no repository {repository}{_at(revision)}, or it is not for everybody"
                hint = f"Check the name: OWNER/REPOSITORY. If it is gated or private: {TOKEN[0].lower()}{TOKEN[1:]}"
                raise PullError(f"{what} (HTTP {error.status}).", hint, status=error.status) from None
            if not isinstance(entries, list):
                raise PullError(f"{shown(self.endpoint)} gives no list of files.", "Check HF_ENDPOINT: is it a hub?")
            found += [file for entry in entries if (file := _file(entry)) is not None]
            if not address or not same_origin(address, self.endpoint):
                break
        return found

    def target(self, folder: Path, repository: str, file: HubFile, revision: str = "main") -> Target:
        """Say where a file is and where it goes: ``FOLDER/OWNER/NAME/FILE``."""
        self.check_allowed()
        path = inside(folder, repository, file.path)
        url = f"{self.endpoint}/{quote(repository)}/resolve/{quote(revision, safe='')}/{quote(file.path)}"
        return Target(url, path, file.size_bytes, file.sha256, repository, revision, file.path)

    def check_offline(self, what: str) -> None:
        """Refuse where the settings say that nobody is asked.

        Raises
        ------
        OfflineError
            They do.
        """
        if self.forbidden:
            raise OfflineError(
                f"offline is on: {what} is not fetched.",
                "Name a file on this machine, or %config LocalLLM.offline = None",
            )

    def check_allowed(self) -> None:
        """Refuse where the person said that nothing may be fetched, or named a hub that cannot be one."""
        self.check_offline("what is on the hub")
        if self.offline:
            raise PullError(
                "HF_HUB_OFFLINE is set, and this needs the hub.", "Unset it, or name a file on this machine."
            )
        try:
            checked(self.endpoint)
        except UsageError as error:
            raise PullError(f"HF_ENDPOINT: {error.message}", "Write one as https://hub.example.org") from None


def _at(revision: str) -> str:
    return "" if revision == "main" else f" at {revision}"


def _file(entry: object) -> HubFile | None:
    if not isinstance(entry, dict) or entry.get("type") != "file":
        return None
    path, size, stored = entry.get("path"), entry.get("size"), entry.get("lfs")
    if not isinstance(path, str) or not path.lower().endswith(".gguf"):
        return None
    sha256 = stored.get("oid") if isinstance(stored, dict) else None
    known = sha256 if isinstance(sha256, str) and re.fullmatch(r"[0-9a-f]{64}", sha256) else ""
    return HubFile(path, size if type(size) is int and size > 0 else 0, known)


def quantization_in(name: str) -> str:
    """Read the quantization from a file's name; ``""`` if it names none.

    Examples
    --------
    >>> quantization_in("Qwen3-4B-Q4_K_M.gguf"), quantization_in("qwen3-4b-q8_0-00001-of-00002.gguf")
    ('Q4_K_M', 'Q8_0')
    """
    found = _QUANTIZATION.findall(name)
    return str(found[-1]).upper() if found else ""


def choose(repository: str, files: Sequence[HubFile], wanted: str = "") -> list[HubFile]:
    """Choose one model of a repository: all its parts, in order.

    Parameters
    ----------
    repository : str
    files : sequence of HubFile
    wanted : str
        A quantization, or the path of a file; empty for Q4_K_M, or for the only model there is.

    Raises
    ------
    PullError
        Nothing fits, or several models do; the hint lists what there is.
    """
    by_path = {file.path: file for file in files}
    models = [file for file in files if is_model_name(Path(file.path).name)]
    if wanted.lower().endswith(".gguf"):
        fitting = [by_path[wanted]] if wanted in by_path else []
    elif wanted:
        fitting = [file for file in models if quantization_in(file.path) == wanted.upper()]
    else:
        usual = [file for file in models if quantization_in(file.path) == _USUAL]
        fitting = models if len(models) == 1 else usual
    if len(fitting) == 1:
        first = Path(fitting[0].path)
        paths = [first.with_name(name).as_posix() for name in part_names(first.name)]
        missing = [path for path in paths if path not in by_path]
        if missing:
            some = f"{', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}"
            raise PullError(f"{repository} lacks parts of {first.name}: {some}.", "Choose another file.")
        return [by_path[path] for path in paths]
    listed = [f"{file.path}{f' ({size_text(file.size_bytes)})' if file.size_bytes else ''}" for file in models]
    if not listed:
        raise PullError(f"{repository} has no GGUF files.", "Look for a repository with GGUF in its name.")
    many = f"{', '.join(listed[:12])}{' …' if len(listed) > 12 else ''}"
    what = (
        f"has no {wanted}" if wanted and not fitting else f"has {len(fitting) or len(models)} files that this may mean"
    )
    raise PullError(f"{repository} {what}.", f"Choose one: %llm pull {repository}/FILE, of {many}")
