"""A socket to listen on."""

import contextlib
import socket

BACKLOG = 4096


class CannotListenError(Exception):
    """The address is taken, or not ours to take."""


def bound(address: str) -> socket.socket:
    """A listening socket at `host:port`; the port may be 0."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only a socket that says it is TCP is spared Nagle's delay: 40 ms between the head of an answer and its body.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with contextlib.ExitStack() as stack:
        stack.callback(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host.strip("[]") or "0.0.0.0", int(port)))  # noqa: S104 an empty host means every interface
            sock.listen(BACKLOG)
        except OSError as error:
            raise CannotListenError(f"cannot listen on {address}: {error.strerror or error}") from error
        sock.setblocking(False)
        stack.pop_all()
    return sock
