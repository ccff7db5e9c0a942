"""The child ends with its parent, however that ends, and belongs to no fork of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

from jupyter_localllm.types import ModelFile
from tests.contracts import wait_for
from tests.engine.process.conftest import alive

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


PROGRAM = """
import os, sys, time
from jupyter_localllm.engine.process import ProcessEngine
from jupyter_localllm.types import Token
from tests.engine.process.conftest import SETTINGS, answer, begun, file_of
from jupyter_localllm.errors import EngineClosed
from pathlib import Path
engine = ProcessEngine(file_of(Path(sys.argv[1])), SETTINGS)
stream = begun(engine)
print(engine.pid, flush=True)
"""


def run(rest: str, tiny: ModelFile) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + textwrap.dedent(rest), tiny.path],
        capture_output=True,
        text=True,
        check=False,
    )


def test_exit_with_a_generation_running(tiny: ModelFile) -> None:
    """A process that ends while the model writes ends cleanly, with its own status, and its child with it."""
    ended = run("sys.exit(5)", tiny)
    assert (ended.returncode, ended.stderr) == (5, "")
    wait_for(lambda: not alive(int(ended.stdout)))


@posix
@pytest.mark.parametrize("forked", [False, True])
def test_the_child_ends_with_a_killed_parent(tiny: ModelFile, forked: bool) -> None:
    """Also kill -9 of the parent ends the child, even while a fork of the parent still holds the pipe."""
    fork = "if os.fork() == 0: os.closerange(0, 3); time.sleep(8); os._exit(0)\n" if forked else ""
    ended = run(f"import warnings; warnings.simplefilter('ignore')\n{fork}os.kill(os.getpid(), 9)", tiny)
    assert ended.returncode == -signal.SIGKILL
    wait_for(lambda: not alive(int(ended.stdout)), 6.0)


@posix
def test_a_fork_hears_no_answer(tiny: ModelFile) -> None:
    """Also what had come before the fork, and was not read yet, is the parent's alone."""
    ended = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        from tests.contracts import wait_for
        wait_for(lambda: engine.idle)  # the whole answer is here
        child = os.fork()
        if child == 0:
            try:
                next(stream)
            except EngineClosed as error:
                os._exit(42 if "fork" in str(error) else 2)
            os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert list(stream)
        os._exit(status)
        """,
        tiny,
    )
    assert ended.returncode == 42, ended.stderr


@posix
def test_a_fork_is_refused(tiny: ModelFile) -> None:
    """Using the engine in a fork raises at once and leaves the child alone; the parent's goes on."""
    ended = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            for use in (lambda: next(stream), lambda: answer(engine), engine.info, engine.unload):
                try:
                    use()
                except EngineClosed as error:
                    if "fork" in str(error):
                        continue
                os._exit(1)
            engine.close()
            engine.discard()
            del stream, engine
            sys.exit(42)  # with everything that runs at exit
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert list(stream) and answer(engine) and engine.pid
        os._exit(status)
        """,
        tiny,
    )
    assert ended.returncode == 42, ended.stderr
