"""A socket to listen on, and the words for where."""

import contextlib
import errno
import socket

import click

from gateway.config.check_meaning.process import host_and_port

BACKLOG = 4096
LAST_PORT = 65535


class CannotListenError(Exception):
    """The address is taken, or not ours to take."""


def an_address(ctx: click.Context, param: click.Parameter, said: str | None) -> str | None:
    """`127.0.0.1:8080`. A port alone is refused: it is this machine to some and every interface to others."""
    if said is not None and host_and_port(said) is None:
        raise click.BadParameter(f"`{said}` is not HOST:PORT; {_what_to_write(said.removeprefix(':'))}", ctx, param)
    return said


def _what_to_write(text: str) -> str:
    if text.isdecimal() and int(text) <= LAST_PORT:
        return f"write `127.0.0.1:{text}` for this machine only, or `0.0.0.0:{text}` for every interface"
    return f"for example `127.0.0.1:8080` or `[::1]:8080`, with a port from 0 to {LAST_PORT}"


def bound(address: str) -> socket.socket:
    """A listening socket at `host:port`; the port may be 0."""
    taken_apart = host_and_port(address)
    if taken_apart is None:
        raise CannotListenError(f"cannot listen on {address}: {_what_to_write(address)}")
    host, port = taken_apart
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only a socket that says it is TCP is spared Nagle's delay: 40 ms between the head of an answer and its body.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with contextlib.ExitStack() as stack:
        stack.callback(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host.strip("[]"), port))
            sock.listen(BACKLOG)
        except OSError as error:
            hint = "; choose another port: `--listen 127.0.0.1:8081`" if error.errno == errno.EADDRINUSE else ""
            raise CannotListenError(f"cannot listen on {address}: {error.strerror or error}{hint}") from error
        sock.setblocking(False)
        stack.pop_all()
    return sock
