"""What stands in PRIVACY.md is what a session leaves behind: files, modes, and how each is erased."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import alone
from tests.kernel_client import ROOT, Kernel
from tests.tiny_models import write_tiny_llama

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(sys.platform != "linux", reason="the page names Linux's paths in full"),
]

MARK = "Xylophone"
"""A word of the questions, by which they are found again in files."""
_CACHE, _DATA = "~/.cache/jupyter_localllm", "~/.local/share/jupyter_localllm"

SESSION = [
    "%load_ext jupyter_localllm",
    f"%%llm --max-tokens 8\n{MARK}: what is the capital of Japan?",
    "from pathlib import Path\nimport jupyter_localllm as jl\nllm = jl.get_llm()",
    f"lines = '\\n'.join(f'In year {{i}} the {MARK} cost {{3 * i}} euros and {{i}} cents.' for i in range(60))\n"
    f"llm.ask('What did the {MARK} cost in year 7?', {{'notes': lines}}, max_tokens=12)",
    f"llm.generate('{MARK}, hello', chat='talk', max_tokens=3)",
    "from jupyter_localllm.chat.kept import Kept  # what the sidebar's Keep calls\n"
    "Kept(lambda: Path(llm.cache_dir)).save(llm.conversations.get('talk'), anew=True)",
    "%llm pull {tiny}",
    "%llm unload",
]


@dataclass(frozen=True)
class Row:
    """A line of the page's tables that names files."""

    what: str
    patterns: tuple[str, ...]
    mode: str
    erase: str


@dataclass(frozen=True)
class Session:
    """What is left of one, in the home of nobody."""

    home: Path
    log: Path

    def files(self) -> list[Path]:
        return sorted(path for path in self.home.rglob("*") if path.is_file())

    def marked(self) -> list[str]:
        """The files in which a question can be found."""
        mark = MARK.lower().encode()
        return [str(path.relative_to(self.home)) for path in self.files() if mark in path.read_bytes().lower()]


def rows() -> list[Row]:
    """The lines of PRIVACY.md that name files under the home."""
    found = []
    for line in (ROOT / "PRIVACY.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        paths = tuple(_whole(path) for path in re.findall(r"`([^`]+)`", cells[1])) if len(cells) > 3 else ()
        if paths and all(path.startswith("~/") for path in paths):
            found.append(Row(cells[0], paths, cells[2], cells[3]))
    return found


def _whole(path: str) -> str:
    return path.replace("CACHE/", f"{_CACHE}/").replace("DATA/", f"{_DATA}/")


def _of(rows: list[Row], path: str) -> Row | None:
    """The first line that a file belongs to; the journals of a database belong to it."""
    plain = re.sub(r"-(wal|shm|journal)$", "", path)
    return next((row for row in rows if any(fnmatch.fnmatch(f"~/{plain}", pattern) for pattern in row.patterns)), None)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("privacy")
    home = folder / "home"
    home.mkdir()
    tiny = write_tiny_llama(folder / "tiny.gguf")
    ours = ("JUPYTER_LOCALLLM_", "IPYTHON", "JUPYTER_", "PYTHONWARNINGS", "XDG_", "MPL", "HF_")
    keep = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    kernel = Kernel(
        {
            **keep,
            **alone.environment(folder / "sockets", path),
            "HOME": str(home),
            "JUPYTER_LOCALLLM_N_THREADS": "1",
            "JUPYTER_LOCALLLM_CALIBRATE": "false",
        }
    )
    try:
        for cell in SESSION:
            kernel.good(cell.replace("{tiny}", str(tiny)))
        kernel.good("llm.answers.close()")
        kernel.good("import IPython; IPython.get_ipython().history_manager.writeout_cache()")
        yield Session(home, folder / "sockets")
    finally:
        kernel.close()


def test_every_file_is_on_the_page(session: Session) -> None:
    """A session leaves nothing that PRIVACY.md does not tell."""
    known = rows()
    assert len(known) >= 8
    left = [str(path.relative_to(session.home)) for path in session.files()]
    assert [path for path in left if _of(known, path) is None] == []


def test_the_page_tells_of_what_there_is(session: Session) -> None:
    """Each kind of file that the page tells of as this package's own is really made, where it says."""
    left = [str(path.relative_to(session.home)) for path in session.files()]
    for row in rows():
        if any(pattern.startswith((_CACHE, _DATA)) for pattern in row.patterns):
            assert any(_of([row], path) for path in left), row


def test_modes(session: Session) -> None:
    """Where the page gives a mode, files and the folder they lie in have it: nobody else can read them."""
    seen = 0
    for path in session.files():
        row = _of(rows(), str(path.relative_to(session.home)))
        assert row is not None
        if told := re.fullmatch(r"(0\d+) in (0\d+)", row.mode):
            modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)]
            assert [f"{mode:04o}" for mode in modes] == list(told.groups()), path
            seen += 1
    assert seen >= 4


def test_nobody_is_told(session: Session) -> None:
    """No telemetry: a whole session, from the first line on, makes no connection and looks up no name."""
    assert [contact for contact in alone.contacts(session.log) if not contact.event.endswith("bind")] == []


def test_erasing(session: Session, tmp_path: Path) -> None:
    """The commands of the page leave no trace of a question; each takes what it says, and nothing else."""
    home = tmp_path / "home"
    shutil.copytree(session.home, home)
    copy = Session(home, session.log)
    assert {path.split("/")[-2] for path in copy.marked()} >= {"answers", "conversations", "profile_default"}
    for row in rows():
        commands = [re.fullmatch(r"rm (?:-r )?(\S+)", text) for text in re.findall(r"`([^`]+)`", row.erase)]
        mine = {path for path in map(str, copy.files()) if _of([row], str(Path(path).relative_to(home)))}
        for command in filter(None, commands):
            path = home / _whole(f"{command[1]}/").removeprefix("~/").rstrip("/")
            assert str(path).startswith(f"{home}/."), command
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        assert not mine & set(map(str, copy.files())), row
    assert copy.marked() == []


def test_clearing_the_cache_leaves_nothing(session: Session) -> None:
    """After `%llm cache clear`, no byte of a question is in the folder of answers, not even in what is free."""
    from jupyter_localllm.cache import AnswerCache

    folder = session.home / ".cache" / "jupyter_localllm"
    copied = folder.parent / f"copy-{time.monotonic_ns()}"
    shutil.copytree(folder, copied)
    try:
        cache = AnswerCache(copied)
        assert cache.clear() > 0
        cache.close()
        held = [path for path in (copied / "answers").iterdir() if MARK.encode() in path.read_bytes()]
        assert held == []
    finally:
        shutil.rmtree(copied)
