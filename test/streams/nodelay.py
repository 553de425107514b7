"""Which sockets of a process have Nagle's algorithm off: `nodelay.py PID PORT`, by the port of the other side.

The kernel shows it nowhere: the process's own descriptors are asked (pidfd_getfd), as a debugger would.
"""

import ctypes
import json
import os
import socket
import sys

PIDFD_GETFD = 438
pid, port = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
pidfd = os.pidfd_open(pid)
found = {}
for name in os.listdir(f"/proc/{pid}/fd"):
    try:
        if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
            continue
        fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
        if fd < 0:
            continue
        with socket.socket(fileno=fd) as one:
            if one.family in (socket.AF_INET, socket.AF_INET6) and one.type == socket.SOCK_STREAM:
                if one.getsockname()[1] == port:
                    off = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                    found[one.getpeername()[1]] = off != 0
    except OSError:
        continue
print(json.dumps(found))
