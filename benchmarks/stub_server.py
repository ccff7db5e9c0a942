"""A server that speaks enough of OpenAI's protocol, and takes a given time for each answer without a processor."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["serving"]


@contextlib.contextmanager
def serving(answer: Callable[[dict[str, Any]], str], seconds: float = 0.0) -> Iterator[str]:
    """The server's URL up to ``/v1``; `answer` makes a text of a request's body, and may raise."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(seconds)
            try:
                text, code = answer(body), 200
            except Exception as error:
                text, code = str(error), 500
            usage = {"prompt_tokens": 10, "completion_tokens": len(text.split())}
            chunks = [
                {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]},
                {"choices": [], "usage": usage},
            ]
            events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            reply = events.encode() if code == 200 else json.dumps({"error": text}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/event-stream" if code == 200 else "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
