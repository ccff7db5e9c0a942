"""JupyterLab in a real Chromium, as an object with methods; every request it makes is written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page

from .server import Server

# The notebook that is open; `window.jupyterapp` is there because the server was told to expose it.
PANEL = "const app = window.jupyterapp; const panel = app.shell.currentWidget;"
# Looked for within the notebook: the file browser marks a notebook that has a kernel with the same class.
IDLE = f"""() => {{ {PANEL}
    const kernel = panel?.sessionContext?.session?.kernel;
    return kernel?.status === 'idle' && kernel.connectionStatus === 'connected'
        && !panel.node.querySelector('.jp-mod-running, .jp-mod-pending');
}}"""
CODE_CELL = f"{PANEL} const cell = panel.content.widgets[index];"


class Lab:
    """One page with JupyterLab, and what it did.

    Attributes
    ----------
    page : playwright.sync_api.Page
    requests : list of str
        The URL of each request and web socket of the page, in order.
    errors : list of str
        Uncaught exceptions, and what was written to the console as an error.
    """

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.server = server
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page: Page = context.new_page()
        self._listen(context, "request", lambda request: self.requests.append(request.url))
        self._listen(context, "weberror", lambda error: self.errors.append(str(error.error)))
        self._listen(context, "console", self._note_console)
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self._started = False

    def _listen(self, context: Any, event: str, note: Callable[[Any], None]) -> None:
        """Of all pages of the browser, for as long as this one is there."""
        context.on(event, note)
        self.page.once("close", lambda _page: context.remove_listener(event, note))

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    # -- what left the page -------------------------------------------------------------------------------------------

    def foreign_requests(self) -> list[str]:
        """Requests that went anywhere but to the Jupyter server."""
        home = urlsplit(self.server.url).netloc
        return [url for url in self.requests if urlsplit(url).netloc not in ("", home)]

    # -- the notebook -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open JupyterLab itself, with an empty workspace."""
        self.page.goto(f"{self.server.url}lab?reset&token={self.server.token}")
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
        self.page.evaluate("async () => { await window.jupyterapp.restored }")
        self._started = True

    def setting(self, plugin: str, values: Mapping[str, Any]) -> None:
        """Change settings of a JupyterLab plugin, as ``"@jupyterlab/toc-extension:registry"``, for this server."""
        if not self._started:
            self.start()
        self.page.evaluate(
            "([plugin, raw]) => window.jupyterapp.serviceManager.settings.save(plugin, raw)",
            [plugin, json.dumps(values)],
        )
        self.start()

    def open(
        self, cells: Sequence[str] | nbformat.NotebookNode, name: str = "test.ipynb", kernel: str = "python3"
    ) -> Path:
        """Write a notebook (a list of code cells, or the node itself), open it and wait for its kernel.

        Returns
        -------
        Path
            Where the file is, for reading it after `save`.
        """
        notebook = cells if isinstance(cells, nbformat.NotebookNode) else notebook_of(cells)
        if kernel != "python3":  # what the notebook says comes before what its opener says
            notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        path = self.server.root / name
        nbformat.write(notebook, path)
        self.open_file(name, kernel)
        return path

    def open_file(self, name: str, kernel: str = "python3") -> None:
        """Open a notebook file of the server's directory and wait for its kernel."""
        if not self._started:
            self.start()
        self.page.evaluate(
            """async ([name, kernel]) => {
                const app = window.jupyterapp;
                const panel = await app.commands.execute('docmanager:open', {
                    path: name, factory: 'Notebook', kernel: {name: kernel}
                });
                app.shell.activateById(panel.id);
                await panel.revealed;
                await panel.sessionContext.ready;
            }""",
            [name, kernel],
        )
        self.wait_idle()

    def run_cell(self, index: int, *, wait: bool = True, timeout_s: float = 60) -> None:
        """Run one cell as a person does; with ``wait=False`` return while it runs (see `wait_idle`)."""
        self.page.evaluate(
            f"""index => {{ {PANEL}
                panel.content.activeCellIndex = index;
                panel.content.deselectAll();
                window.jllmRun = app.commands.execute('notebook:run-cell').then(() => index);
            }}""",
            index,
        )
        if wait:
            self.page.wait_for_function("window.jllmRun", timeout=timeout_s * 1000)
            self.wait_idle(timeout_s)

    def execute(self, code: str) -> None:
        """Run code in the kernel without a cell, so that the notebook neither scrolls nor selects anything."""
        self.page.evaluate(
            f"async code => {{ {PANEL} await panel.sessionContext.session.kernel.requestExecute({{code}}).done }}", code
        )

    def run_all(self, *, timeout_s: float = 120) -> None:
        """Run the cells from first to last."""
        for index in range(self.page.evaluate(f"() => {{ {PANEL} return panel.content.widgets.length }}")):
            self.run_cell(index, timeout_s=timeout_s)

    def is_idle(self) -> bool:
        """Whether the kernel waits for work and no cell of the notebook is pending."""
        return bool(self.page.evaluate(IDLE))

    def wait_busy(self) -> None:
        """Wait until the kernel runs something."""
        self.page.wait_for_function(f"() => {{ {PANEL} return panel.sessionContext.session.kernel.status === 'busy' }}")

    def wait_idle(self, timeout_s: float = 60) -> None:
        """Wait until `is_idle`."""
        self.page.wait_for_function(IDLE, timeout=timeout_s * 1000)

    def interrupt(self) -> None:
        """Press the stop button's command."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")

    def restart(self) -> None:
        """Give the notebook a new kernel, without being asked."""
        self.page.evaluate(f"async () => {{ {PANEL} await panel.sessionContext.restartKernel() }}")
        self.wait_idle()

    def reload(self, name: str) -> None:
        """Load the page again, with this notebook in front; its kernel may be busy, and is not waited for."""
        self.page.reload()
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
        self.page.evaluate(
            """async path => {
                const app = window.jupyterapp;
                await app.restored; // the workspace may not have been saved in time
                app.shell.activateById((await app.commands.execute('docmanager:open', {path})).id);
            }""",
            name,
        )

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate(f"async () => {{ {PANEL} await panel.context.save() }}")

    def close(self) -> None:
        """Close the notebooks without saving them, and end all kernels."""
        self.page.evaluate(
            """async () => {
                const app = window.jupyterapp;
                for (const panel of [...app.shell.widgets('main')]) {
                    if (panel.sessionContext) {
                        panel.context.model.dirty = false;
                        panel.dispose();
                    }
                }
                await app.serviceManager.sessions.shutdownAll();
            }"""
        )

    # -- what is seen -------------------------------------------------------------------------------------------------

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """The outputs of a cell as they would be saved (nbformat's dictionaries)."""
        found: list[dict[str, Any]] = self.page.evaluate(
            f"index => {{ {CODE_CELL} return cell.model.outputs.toJSON() }}", index
        )
        return found

    def cell(self, index: int) -> Locator:
        """The cell on the page."""
        return self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) [data-windowed-list-index='{index}']")

    def output(self, index: int) -> Locator:
        """The output area of a cell on the page."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def answer(self, index: int) -> Locator:
        """Our rendered answers in a cell."""
        return self.output(index).locator(".jp-LocalLLM")

    def scroll_to(self, index: int) -> None:
        """Bring a cell into view (JupyterLab does not keep far cells on the page)."""
        self.page.evaluate(f"async index => {{ {PANEL} await panel.content.scrollToItem(index, 'start') }}", index)

    def theme(self, name: str) -> None:
        """Change the theme: ``"JupyterLab Light"`` or ``"JupyterLab Dark"``."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            name,
        )
        self.page.wait_for_function(
            "theme => document.body.dataset.jpThemeName === theme",
            arg=name,
        )


def notebook_of(cells: Sequence[str]) -> nbformat.NotebookNode:
    """A notebook with a code cell for each text; one that begins with ``# md`` in its first line is Markdown."""
    made = [
        new_markdown_cell(text.removeprefix("# md\n")) if text.startswith("# md\n") else new_code_cell(text)
        for text in cells
    ]
    for number, cell in enumerate(made):
        cell["id"] = f"cell-{number}"
    return new_notebook(
        cells=made,
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
