"""One gateway on its sockets, from its first line to its last answer."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable

from msgspec import Struct

from gateway import log
from gateway.cli.collector import settle
from gateway.cli.reaping import reap_strangers
from gateway.cli.server import Beside, Server, uvicorn_config
from gateway.flow.gateway import Gateway
from gateway.web.app import build_admin_app, build_app


class Sockets(Struct, frozen=True):
    """Where callers come in, and operators if they have a door of their own."""

    callers: socket.socket
    operators: socket.socket | None

    @property
    def all(self) -> tuple[socket.socket, ...]:
        return (self.callers,) if self.operators is None else (self.callers, self.operators)

    def close(self) -> None:
        for sock in self.all:
            sock.close()


async def run(gateway: Gateway, sockets: Sockets, on_started: Callable[[Server], None]) -> None:
    """Until it is told to stop."""
    grace_s = gateway.live.current.server.shutdown_grace_s
    app = build_app(gateway, alone=sockets.operators is None)
    server = Server(uvicorn_config(app, grace_s), gateway, lambda: on_started(server))
    settle(gateway)
    log.on_every_line(lambda: {"config": gateway.live.current.short_digest})
    async with beside(gateway, sockets.operators), reaping():
        await server.serve(sockets=[sockets.callers])


@contextlib.asynccontextmanager
async def beside(gateway: Gateway, sock: socket.socket | None) -> AsyncIterator[None]:
    """The listener for operators, as long as the one for callers lives."""
    if sock is None:
        yield
        return
    server = Beside(uvicorn_config(build_admin_app(gateway), 1))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await task


@contextlib.asynccontextmanager
async def reaping() -> AsyncIterator[None]:
    """In a container this process may be the first: then the orphans of all others are its own."""
    if os.getpid() != 1:
        yield
        return
    task = asyncio.create_task(reap_strangers(asyncio.sleep))
    try:
        yield
    finally:
        task.cancel()


def ready_line(gateway: Gateway, sock: socket.socket) -> str:
    snapshot = gateway.live.current
    return (
        f"tokenhub ready on {base_url(sock)} config={snapshot.short_digest} "
        f"models={len(snapshot.table.models)} keys={len(snapshot.keys)}"
    )


def base_url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def paste_line(base: str) -> str:
    return (
        "\nTry it from another shell:\n\n"
        f"curl -sS {base}/v1/chat/completions -H 'Authorization: Bearer th-quickstart' "
        """-H 'Content-Type: application/json' -d '{"model": "echo-small", "messages": """
        """[{"role": "user", "content": "Hello, gateway!"}]}'\n"""
    )
