"""A hub on loopback that serves small files, and misbehaves as it is told to."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["FakeHub", "Fault", "serving"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Fault:
    """What goes wrong with one answer that has a body.

    `after` bytes it is cut off, or stalls; `lie` is added to the length that is told; `status` is answered instead.
    """

    after: int = -1
    stall: bool = False
    lie: int = 0
    status: int = 0
    retry_after: str = ""
    content: bytes = b""
    chunked: bool = False
    whole_range: str = ""  # the Content-Range of an answer 206


@dataclass
class FakeHub:
    """Repositories with files, faults for the next answers, and what was asked for."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    plain: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    ranges: bool = True
    etags: bool = True
    told_sha256: bool = True
    commits: bool = True
    gated: str = ""
    elsewhere: str = ""
    listing: bytes = b""  # sent in place of a repository's
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def put(self, repository: str, file: str, content: bytes) -> str:
        """Add a file; gives its sha256."""
        self.files.setdefault(repository, {})[file] = content
        return hashlib.sha256(content).hexdigest()

    @property
    def bodies(self) -> list[tuple[str, dict[str, str]]]:
        """Requests for the content of files: path and headers."""
        return [(path, headers) for method, path, headers in self.asked if method == "GET" and "/api/" not in path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, {name.lower(): value for name, value in self.headers.items()}))
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            return self._tree(match[1])
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve(match[1], match[3], body=body)
        if match := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            return self._content(self.hub.files.get(match[1], {}).get(match[2]), body=body)
        return self._content(self.hub.plain.get(path), body=body)

    def _refused(self) -> bool:
        if self.hub.gated and self.headers.get("Authorization") != f"Bearer {self.hub.gated}":
            self._short(401, b"Access to this model is restricted")
            return True
        return False

    def _short(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _tree(self, repository: str) -> None:
        if self._refused():
            return
        if self.hub.faults and self.hub.faults[0].status:
            fault = self.hub.faults.pop(0)
            self._short(fault.status, b"no", {"Retry-After": fault.retry_after} if fault.retry_after else {})
            return
        if self.hub.listing:
            self._short(200, self.hub.listing)
            return
        if repository not in self.hub.files:
            self._short(404, b'{"error":"Repository not found"}')
            return
        entries = [
            {"type": "file", "path": name, "size": len(content), "lfs": {"oid": hashlib.sha256(content).hexdigest()}}
            for name, content in self.hub.files[repository].items()
        ]
        self._short(200, json.dumps(entries).encode())

    def _resolve(self, repository: str, file: str, *, body: bool) -> None:
        if self._refused():
            return
        content = self.hub.files.get(repository, {}).get(file)
        if content is None:
            self._short(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
            return
        sha256 = hashlib.sha256(content).hexdigest()
        headers = {"Location": f"{self.hub.elsewhere}/cdn/{repository}/{file}"}
        if self.hub.commits:
            headers["X-Repo-Commit"] = COMMIT
        headers["X-Linked-Size"] = str(len(content))
        if self.hub.told_sha256:
            headers["X-Linked-Etag"] = f'"{sha256}"'
        if not body:
            headers["ETag"] = f'"{sha256}"'
        self._short(302, b"", headers)

    def _content(self, content: bytes | None, *, body: bool) -> None:
        if content is None:
            self._short(404, b"nothing here")
            return
        fault = self.hub.faults.pop(0) if body and self.hub.faults else Fault()
        if fault.status:
            self._short(fault.status, b"no", {"Retry-After": fault.retry_after} if fault.retry_after else {})
            return
        self._send(fault.content or content, fault, body=body)

    def _send(self, content: bytes, fault: Fault, *, body: bool) -> None:
        etag = f'"{hashlib.md5(content).hexdigest()}"' if self.hub.etags else ""
        start = self._start(content, etag)
        if start > len(content) or (start and start == len(content)):
            self._short(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        self.send_response(206 if start or fault.whole_range else 200)
        if fault.whole_range:
            self.send_header("Content-Range", fault.whole_range)
        elif start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if etag:
            self.send_header("ETag", etag)
        if fault.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(content) - start + fault.lie))
        self.send_header("Accept-Ranges", "bytes" if self.hub.ranges else "none")
        self.end_headers()
        if not body:
            return
        self._write(content[start:], fault)

    def _write(self, rest: bytes, fault: Fault) -> None:
        sent = rest if fault.after < 0 else rest[: fault.after]
        if fault.chunked:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent))
            if fault.after < 0:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)
        if fault.stall:
            self.wfile.flush()
            self.hub.released.wait(20)
        if fault.after >= 0 or fault.lie:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def _start(self, content: bytes, etag: str) -> int:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        changed = self.headers.get("If-Range", etag) != etag
        return int(match[1]) if match and self.hub.ranges and not changed else 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


@contextmanager
def serving() -> Iterator[FakeHub]:
    """A hub that runs until the end of the context."""
    hub = FakeHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with _Server(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        hub.elsewhere = f"http://localhost:{server.server_address[1]}"  # another host, as a real hub's
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            hub.released.set()
            server.shutdown()
            thread.join()
