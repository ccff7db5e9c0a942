"""A real kernel and a blocking client, for tests and benchmarks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[1]
ANSWER = "application/vnd.jupyter-localllm.answer+json"


@dataclass
class Cell:
    """What came of one execution."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    displays: dict[str, dict[str, Any]] = field(default_factory=dict)
    updates: int = 0
    error: dict[str, Any] | None = None
    finished: bool = False

    @property
    def stdout(self) -> str:
        return "".join(o["text"] for o in self.outputs if o["output_type"] == "stream" and o["name"] == "stdout")

    @property
    def plain(self) -> str:
        """The text of what was displayed."""
        return "\n".join(o["data"]["text/plain"] for o in self.outputs if "text/plain" in o.get("data", {}))

    @property
    def answers(self) -> list[dict[str, Any]]:
        """Our own JSON of each answer."""
        return [o["data"][ANSWER] for o in self.outputs if ANSWER in o.get("data", {})]

    @property
    def text(self) -> str:
        """The text of the one answer."""
        (answer,) = self.answers
        return str(answer["text"])

    @property
    def metadata(self) -> dict[str, Any]:
        """Our metadata of the one answer."""
        (found,) = (o["metadata"]["jupyter_localllm"] for o in self.outputs if ANSWER in o.get("data", {}))
        return dict(found)

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """Add an iopub message."""
        if kind == "stream":
            self.outputs.append({"output_type": "stream", **content})
        elif kind in ("display_data", "execute_result"):
            output = {"output_type": kind, "data": content["data"], "metadata": content["metadata"]}
            self.outputs.append(output)
            if "display_id" in content.get("transient", {}):
                self.displays[content["transient"]["display_id"]] = output
        elif kind == "update_display_data":
            self.updates += 1
            self.displays[content["transient"]["display_id"]].update(data=content["data"], metadata=content["metadata"])
        elif kind == "error":
            self.error = content


class Kernel:
    """A kernel process and a blocking client."""

    def __init__(self, env: dict[str, str], prefix: tuple[str, ...] = ()) -> None:
        self.manager, self.closed = KernelManager(kernel_name="python3"), False
        if prefix:
            assert self.manager.kernel_spec is not None
            self.manager.kernel_spec.argv[:0] = prefix
        self.manager.start_kernel(env=env, cwd=env["HOME"])
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def start(self, code: str, cell_id: str | None = None) -> str:
        """Send a cell, as JupyterLab does (with a cell id) or as nbclient does (without)."""
        message = self.client.session.msg(
            "execute_request",
            {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
             "stop_on_error": True},
        )  # fmt: skip
        if cell_id is not None:
            message["metadata"]["cellId"] = cell_id
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def finish(
        self,
        request: str,
        cell: Cell | None = None,
        *,
        until: Callable[[Cell], bool] | None = None,
        timeout: float = 120,
    ) -> Cell:
        """Collect what comes of a request, to its end or until something is seen; `cell` is what came before."""
        cell, deadline = cell or Cell(), time.monotonic() + timeout
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                cell.finished = True
                return cell
            cell.take(kind, content)
            if until is not None and until(cell):
                return cell
        raise AssertionError(f"the kernel did not answer in {timeout} s: {cell}")

    def run(self, code: str, cell_id: str | None = None, timeout: float = 120) -> Cell:
        """Run a cell to its end."""
        return self.finish(self.start(code, cell_id), timeout=timeout)

    def good(self, code: str, cell_id: str | None = None) -> Cell:
        """Run a cell that must not fail."""
        cell = self.run(code, cell_id)
        assert cell.error is None, cell.error
        return cell

    def restart(self, *, now: bool = True) -> None:
        """Kill it, or ask it to end and wait, and start a new one."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=now)
        self._connect()

    def close(self) -> None:
        """End it; once more does nothing."""
        if self.closed:
            return
        self.closed = True
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@contextmanager
def kernels(env: dict[str, str]) -> Iterator[Callable[..., Kernel]]:
    """Make kernels, with the extension unless told otherwise; they are closed at the end.

    What is made takes `prefix`, which stands before the command as ``unshare`` does, and more of the environment.
    """
    made: list[Kernel] = []

    def make(*, prefix: tuple[str, ...] = (), load: bool = True, **more: str) -> Kernel:
        kernel = Kernel({**env, **more}, prefix)
        made.append(kernel)
        if load:
            kernel.good("%load_ext jupyter_localllm")
        return kernel

    try:
        yield make
    finally:
        for kernel in made:
            kernel.close()


def private_environment(home: Path) -> dict[str, str]:
    """An environment with nothing of the person who runs this in it."""
    home.mkdir(parents=True, exist_ok=True)
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER_LOCALLLM_", "IPYTHON", "PYTHONWARNINGS"))}
    return {
        **keep,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_LOCALLLM_CACHE_DIR": str(home / "cache"),
        "PYTHONPATH": os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
