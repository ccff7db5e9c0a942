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
            message = {"role": "assistant", "content": text}
            usage = {"prompt_tokens": 10, "completion_tokens": len(text.split())}
            data = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
            reply = json.dumps(data if code == 200 else {"error": text}).encode()
            self.send_response(code)
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
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
