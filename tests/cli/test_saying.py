"""What a command says where nobody listens any more."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_localllm.cli.saying import say

ROOT = Path(__file__).parents[2]


class Deaf(io.StringIO):
    """A stream that refuses what is written."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_what_is_refused_costs_nothing() -> None:
    """A full disk and a stream that was closed are no errors; a terminal obeys nothing that is said."""
    closed = io.StringIO()
    closed.close()
    for stream in (Deaf(), closed):
        say("here", stream)
    heard = io.StringIO()
    say("here\x1b[2J", heard)
    assert heard.getvalue() == "here\n"


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_what_waits_is_no_error_at_the_end() -> None:
    """The process ends with its own status, and what it says elsewhere is heard."""
    program = (
        "import sys; from jupyter_localllm.cli.saying import say; say('lost', sys.stdout); say('lost', sys.stdout)"
    )
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", f"{program}; say('heard', sys.stderr); sys.exit(3)"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, "heard\n")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_words_that_are_the_work_are_missed(tmp_path: Path) -> None:
    """A list that could not be written is no success: whoever asked for it has nothing, or half of it."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from jupyter_localllm.cli import main; sys.exit(main())", "models"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="descriptors of POSIX")
def test_a_process_without_streams_gets_some() -> None:
    """A file that is opened next does not take the place of a stream, so nothing is printed into it."""
    program = (
        "import os, sys\nfrom jupyter_localllm.cli.saying import open_standard_streams\nopen_standard_streams()\n"
        "print('lost'); print('lost', file=sys.stderr); sys.stdin.read()\n"
        "sys.exit(3 if os.open(os.devnull, os.O_RDONLY) > 2 else 4)"
    )
    done = subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", program],
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 3
