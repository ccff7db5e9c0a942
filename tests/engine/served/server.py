"""A server on loopback whose replies a test decides, byte by byte if it wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Union

from tests.contracts import wait_for

Reply = Union[tuple[int, Any], Iterable[bytes], None]
"""A status with a JSON value, a text or bytes; or lines that are sent as they come; or None: the connection closes."""

NOTHING: Any = object()
"""An empty body that claims to be JSON."""

Answering = Callable[["Asked"], Reply]


class Asked:
    """One request as the server got it."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.sent = 0  # lines of the reply
        self.left = threading.Event()  # the other side closed the connection while we were sending


class Speaker:
    """What came in, and how it is answered: by path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.routes: dict[str, Answering] = {}
        self.headers: dict[str, str] = {}  # sent with every reply
        self.stop = threading.Event()  # whoever stalls, ends

    def bodies(self, path: str) -> list[Any]:
        return [one.body for one in self.asked if one.path == path]

    def last(self, path: str) -> Asked:
        return [one for one in self.asked if one.path == path][-1]

    def stall(self) -> None:
        """Wait until the test is over."""
        self.stop.wait(20)

    def until_left(self, asked: Asked) -> None:
        wait_for(asked.left.is_set)


def _handler(speaker: Speaker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null"))

        def _answer(self, body: Any) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            speaker.asked.append(asked)
            route = speaker.routes.get(self.path)
            reply = route(asked) if route is not None else (404, {"error": {"message": "no such path"}})
            if reply is None:
                return
            if isinstance(reply, tuple):
                self._whole(*reply)
            else:
                self._piecemeal(asked, reply)

        def _whole(self, status: int, value: Any) -> None:
            location = value.get("location") if isinstance(value, dict) else None
            data = value if isinstance(value, bytes) else json.dumps(value).encode() if value is not NOTHING else b""
            self._begin(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Type", "text/html" if isinstance(value, bytes) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _piecemeal(self, asked: Asked, lines: Iterable[bytes]) -> None:
            """HTTP/1.0: the end of the connection is the end of the reply."""
            self._begin(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for line in lines:
                    self.wfile.write(line)
                    self.wfile.flush()
                    asked.sent += 1
            except OSError:
                asked.left.set()

        def _begin(self, status: int) -> None:
            self.send_response(status)
            for name, value in speaker.headers.items():
                self.send_header(name, value)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


@contextmanager
def speaking() -> Iterator[Speaker]:
    """A server that answers 404 to everything, until the test gives it routes."""
    speaker = Speaker("")

    class Server(ThreadingHTTPServer):
        request_queue_size = 64
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Clients that go away are no news."""

    with Server(("127.0.0.1", 0), _handler(speaker)) as server:
        speaker.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
        thread.start()
        try:
            yield speaker
        finally:
            speaker.stop.set()
            server.shutdown()
            thread.join(5)


@contextmanager
def refusing() -> Iterator[str]:
    """The address of a port at which nobody listens."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
