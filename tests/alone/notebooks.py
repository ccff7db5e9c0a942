"""Run notebooks as papermill's users do; what is to be run comes as JSON, and which network interfaces there are goes
out."""

from __future__ import annotations

import json
import socket
import sys


def main(wanted: str) -> None:
    import papermill

    for one in json.loads(wanted):
        papermill.execute_notebook(**one, kernel_name="python3", progress_bar=False)
    print(json.dumps([name for _, name in socket.if_nameindex()]))


if __name__ == "__main__":
    main(sys.argv[1])
