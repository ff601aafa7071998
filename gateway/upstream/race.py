"""Connect to whichever of several addresses answers first (RFC 8305, without its longer timetables)."""

import asyncio
import errno
import socket
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from gateway.upstream.names import Address

OUR_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


async def connect_first(addresses: Sequence[Address], port: int, head_start_s: float) -> socket.socket | str:
    """A connected socket, or a code that says why there is none."""
    if len(addresses) == 1:
        return await _connect(addresses[0], port)
    waiting = list(alternating(addresses))
    tasks: list[asyncio.Task[socket.socket | str]] = []
    failures: list[str] = []
    won: socket.socket | None = None
    try:
        while won is None and (waiting or len(failures) < len(tasks)):
            if waiting:
                tasks.append(asyncio.create_task(_connect(waiting.pop(0), port), name="connect"))
            running = [task for task in tasks if not task.done()]
            if running:
                timeout = head_start_s if waiting else None
                await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            outcomes = [task.result() for task in tasks if task.done()]
            won = next((outcome for outcome in outcomes if not isinstance(outcome, str)), None)
            failures = [outcome for outcome in outcomes if isinstance(outcome, str)]
        return won if won is not None else worst(failures)
    finally:
        for task in tasks:
            task.cancel()
            if task.done() and not task.cancelled():
                lost = task.result()
                if not isinstance(lost, str) and lost is not won:
                    lost.close()


def alternating(addresses: Sequence[Address]) -> Iterable[Address]:
    """The families take turns, in the order in which the resolver named them."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    second = [address for address in addresses if address[0] != addresses[0][0]]
    return (address for address in chain.from_iterable(zip_longest(first, second)) if address is not None)


def worst(failures: Sequence[str]) -> str:
    """The failure that says most about why nobody answered."""
    for code in ("too_many_open_files", "connect_refused", "connect_timeout"):
        if code in failures:
            return code
    return "unreachable"


async def _connect(address: Address, port: int) -> socket.socket | str:
    family, host = address
    connected = False
    sock: socket.socket | None = None
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
        connected = True
    except OSError as error:
        return _why(error, family)
    else:
        return sock
    finally:
        if sock is not None and not connected:
            sock.close()


def _why(error: OSError, family: int) -> str:
    if error.errno in OUR_SHORTAGE or (error.errno == errno.EADDRNOTAVAIL and family == socket.AF_INET):
        return "too_many_open_files"
    if isinstance(error, ConnectionRefusedError | ConnectionResetError):
        return "connect_refused"
    return "connect_timeout" if isinstance(error, TimeoutError) else "unreachable"
