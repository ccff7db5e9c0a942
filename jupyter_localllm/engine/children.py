"""How child processes are started, and what it means when one dies: for the check before loading and for isolation."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_localllm.config.threads import NO_PROCESS
from jupyter_localllm.errors import EngineClosed, EngineError, ModelCheckFailed
from jupyter_localllm.types import Status

__all__ = [
    "Death",
    "Ended",
    "be_the_first_to_go",
    "check_fork",
    "command",
    "death",
    "ended",
    "last_line",
    "started",
    "tried",
]

_REBUILD = (
    'Rebuild it for any CPU: CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --force-reinstall --no-deps --no-cache-dir '
    "--no-binary llama-cpp-python llama-cpp-python"
)
# Not ``python -m``: it would import a queue.py that lies beside the notebook. The notebook's folder and the package's
# own come last. That folder may be gone by now.
_PROGRAM = f"""
import os, sys
try:
    here = os.getcwd()
    sys.path.sort(key=lambda path: os.path.abspath(path) == here)
except OSError:
    sys.path = [path for path in sys.path if os.path.isabs(path)]
sys.path.append({str(Path(__file__).resolve().parents[2])!r})
from jupyter_localllm import offline
offline.stand(alone=True)  # no person's code is in there
from {{module}} import main
sys.exit(main(*sys.argv[1:]))
"""
_CAUSES = {
    "SIGILL": ("it used an instruction that this CPU does not have", _REBUILD),
    "SIGSEGV": ("it accessed memory it must not; on some virtual machines AMX instructions do this", _REBUILD),
    "SIGBUS": ("the file changed or is cut off while mapped", "Check the file, and fetch it again."),
    "SIGFPE": ("an arithmetic fault", _REBUILD),
    "SIGABRT": ("a check inside llama.cpp failed", "The file may be broken: fetch it again, or try another one."),
    "SIGKILL": (
        "the system ended it, most likely for want of memory",
        "Close other programs, choose a smaller model or quantization, or raise the container's limit.",
    ),
    "SIGINT": ("somebody interrupted it; numpy's BLAS does that to itself where it may start no thread", NO_PROCESS),
    "SIGTERM": ("somebody asked it to end", "Run it again."),
}
# Windows reports exceptions as exit codes.
_EXCEPTIONS = {0xC000001D: "SIGILL", 0xC0000005: "SIGSEGV", 0xC0000094: "SIGFPE", 0xC0000409: "SIGABRT"}


@dataclass(frozen=True)
class Death:
    """What ended a process that did not end by itself.

    Parameters
    ----------
    cause : str
        The signal's name, or the exception's number on Windows.
    why : str
        What it means, in plain words.
    hint : str
        What to do.
    """

    cause: str
    why: str
    hint: str


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs ``main(*arguments)`` of a module of this package in a child process."""
    return (sys.executable, "-c", _PROGRAM.replace("{module}", module), *arguments)


def death(code: int) -> Death | None:
    """What an exit status tells; None if the process ended by itself.

    Examples
    --------
    >>> death(-9).cause
    'SIGKILL'
    >>> death(1) is None
    True
    """
    if 0 <= code < 0x80000000:
        return None
    cause = _EXCEPTIONS.get(code, f"exception {code:#x}")
    if code < 0:
        try:
            cause = signal.Signals(-code).name
        except ValueError:
            cause = f"signal {-code}"
    return Death(cause, *_CAUSES.get(cause, ("it crashed", _REBUILD)))


def ended(name: str, code: int | None, words: str) -> EngineError:
    """What those hear who wait for the process that runs `name`.

    Parameters
    ----------
    name : str
        The model's.
    code : int or None
        Its exit status; None if it is not known.
    words : str
        What it said on stderr.
    """
    said = f" Its last words: {last_line(words)}" if last_line(words) else ""
    died = death(code) if code is not None else None
    if died is None:
        how = "closed its pipe" if code is None else f"ended with status {code}"
        return EngineError(f"the process that runs {name} {how}. Your variables are untouched.{said}", "Run it again.")
    return EngineError(
        f"the process that runs {name} was ended by {died.cause}: {died.why}. Your variables are untouched.{said}",
        f"{died.hint}\nThe next request starts it again.",
    )


@dataclass(frozen=True)
class Ended:
    """A child that has ended: its exit status, and what it said on stderr."""

    code: int
    words: str


@contextlib.contextmanager
def started(program: Sequence[str]) -> Iterator[Callable[[float], Ended | None]]:
    """Run a program, at most as long as the block; gives what waits for it.

    Who calls that hears an interrupt, since its waits are short. It gives None if the program was still running after
    so many seconds, and then it is no more.

    Raises
    ------
    EngineError
        The system starts no process.
    """
    begun = time.monotonic()
    try:
        process = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        raise EngineError(f"no process could be started: {error}", NO_PROCESS) from error
    with process as child:

        def wait(seconds: float) -> Ended | None:
            late = False
            while not late:
                late = time.monotonic() > begun + seconds  # before the look: this process may have been suspended
                with contextlib.suppress(subprocess.TimeoutExpired):
                    words = child.communicate(timeout=0.05)[1]
                    return Ended(child.returncode, words.decode("utf-8", "replace"))
            child.kill()
            child.communicate()
            return None

        try:
            yield wait
        except BaseException:
            child.kill()
            raise


def tried(
    program: Sequence[str], seconds: float, *, saying: str, doing: str, slow: str
) -> Generator[Status, None, Ended]:
    """Try something in a child process that must not harm this one.

    Parameters
    ----------
    program : sequence of str
    seconds : float
        After which it counts as hung.
    saying : str
        What a person is told meanwhile.
    doing : str
        What is tried, as an error names it.
    slow : str
        What to do if it takes too long.

    Raises
    ------
    ModelCheckFailed
        It took too long.
    """
    with started(program) as wait:
        yield Status("checking", saying)
        told = wait(seconds)
    if told is None:
        raise ModelCheckFailed(f"{doing} did not end within {seconds:.0f} s in a child process", slow)
    return told


def last_line(words: str) -> str:
    """The last line of what a child said, without what could move a terminal's cursor; empty if it said nothing."""
    said = next((line for line in reversed(words.strip().splitlines()) if line.strip()), "")
    return "".join(character for character in said if character.isprintable())[:500]


def be_the_first_to_go() -> None:
    """If memory runs out while this child works, the system ends the child and not the kernel (Linux)."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def check_fork(pid: int) -> None:
    """Refuse to work in a fork of the process `pid`."""
    if os.getpid() != pid:
        raise EngineClosed(
            "this model belongs to another process: it was loaded before a fork",
            "Start the other process by 'spawn' instead of 'fork' (multiprocessing.set_start_method).",
        )
