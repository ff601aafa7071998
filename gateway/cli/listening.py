"""A socket to listen on."""

import contextlib
import socket


def bound(address: str) -> socket.socket:
    """A listening socket; the port may be 0."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with contextlib.ExitStack() as stack:
        stack.callback(sock.close)
        sock.bind((host.strip("[]") or "0.0.0.0", int(port)))  # noqa: S104 an empty host means every interface
        sock.listen(4096)
        sock.setblocking(False)
        stack.pop_all()
    return sock
