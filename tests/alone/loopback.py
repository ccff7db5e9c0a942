"""Bring the loopback up, without which not even a kernel's own ports can be reached, and run a command."""

from __future__ import annotations

import os
import socket
import struct
import sys

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h


def main(command: list[str]) -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        name = struct.pack("16sH14s", b"lo", 0, b"")
        _, flags, _ = struct.unpack("16sH14s", fcntl.ioctl(one.fileno(), _SIOCGIFFLAGS, name))
        fcntl.ioctl(one.fileno(), _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | _IFF_UP, b""))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
