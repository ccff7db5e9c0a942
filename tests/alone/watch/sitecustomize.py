"""Write down every address that this process is about to use, and refuse those that are not on this machine.

Python imports it before anything else, since its folder stands in ``PYTHONPATH``.
"""

import json
import os
import sys

_LOG = os.environ.get("JLLM_SOCKETS", "")
_INET = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")


def _address(event, arguments):
    found = next((one for one in arguments[event in _INET :] if isinstance(one, (tuple, str, bytes))), None)
    if event in _NAMES and not isinstance(found, tuple):
        found = (found,)
    return json.loads(
        json.dumps(found, default=lambda value: os.fsdecode(value) if isinstance(value, bytes) else repr(value))
    )


def _hook(event, arguments):
    if event not in _INET and event not in _NAMES:
        return
    address = _address(event, arguments)
    with open(_LOG, "a", encoding="utf-8") as log:
        log.write(
            json.dumps({"event": event, "address": address, "process": " ".join(sys.orig_argv[1:4])[:200]}) + "\n"
        )
    if isinstance(address, list) and not str(address[0]).startswith(("127.", "::1", "localhost")):
        raise PermissionError(f"{event} {address}: not on this machine")


if _LOG:
    sys.addaudithook(_hook)
