"""A JupyterLab of its own: own process, port, directories and token; nothing of the person who runs the tests."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LABEXTENSION = CHECKOUT / "jupyter_localllm" / "labextension"

CONFIG = """
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = 0
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.LabApp.expose_app_in_browser = True  # window.jupyterapp, the tests' handle
c.JupyterNotebookApp.expose_app_in_browser = True
c.LabApp.extension_manager = "readonly"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extra_labextensions_path = {places}
c.JupyterNotebookApp.extra_labextensions_path = {places}
"""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab."""

    url: str  # with a slash at its end
    token: str
    root: Path  # the notebooks' directory
    log: Path


@contextmanager
def running_server(home: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start JupyterLab with all its directories below ``home``; end it by its own pid."""
    root, log, token = home / "notebooks", home / "server.log", secrets.token_hex(16)
    root.mkdir(parents=True)
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    config = home / "config.py"
    places = [str(_labextensions(home))]
    config.write_text(CONFIG.format(places=places))
    command = [sys.executable, "-m", "jupyterlab", f"--config={config}", f"--ServerApp.root_dir={root}"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env={**_environment(home), "JUPYTER_TOKEN": token, **(env or {})},
            cwd=root,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for pytest, which then ends the server
        )
    try:
        yield Server(_address(process, home / "runtime", log), token, root, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _labextensions(home: Path) -> Path:
    """A labextensions directory in which ours is the one of this checkout, wherever else one is installed."""
    directory = home / "labextensions"
    directory.mkdir()
    (directory / "jupyter-localllm").symlink_to(LABEXTENSION, target_is_directory=True)
    return directory


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON", "XDG_"))}
    own = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH", "")])),
    }
    return {**kept, **{name: str(value) for name, value in own.items()}, "JUPYTER_PLATFORM_DIRS": "1"}


def _address(process: subprocess.Popen[bytes], runtime: Path, log: Path, timeout_s: float = 90) -> str:
    """Wait for the file in which the server tells its port."""
    deadline = time.monotonic() + timeout_s
    info = runtime / f"jpserver-{process.pid}.json"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return str(json.loads(info.read_text())["url"])
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start (exit status {process.poll()}):\n{log.read_text()[-4000:]}")
