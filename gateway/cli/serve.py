"""`tokenhub serve`: run the gateway."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import click
import uvloop

from gateway import log
from gateway.cli.collector import settle
from gateway.cli.listening import CannotListenError, bound
from gateway.cli.places import find_config
from gateway.cli.server import Beside, Server, uvicorn_config
from gateway.flow.first_load import CannotServeError
from gateway.flow.gateway import Gateway
from gateway.flow.start import close_gateway, open_gateway
from gateway.web.app import build_admin_app, build_app

BAD_CONFIGURATION = 78


@click.command("serve")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--listen", metavar="HOST:PORT", help="Listen here instead of where the configuration says.")
@click.option("--watch/--no-watch", default=True, help="Reload when the files change (the default), or never.")
@click.option("--try-it", is_flag=True, help="Print a request to paste into another shell.")
def serve(config: Path | None, listen: str | None, watch: bool, try_it: bool) -> None:
    """Run the gateway.

    Loads CONFIG, listens, and prints one line when it is ready. Changes of the files take effect while it runs.

    \b
    SIGTERM, SIGINT   drain and stop; a second one stops at once
    SIGHUP            reload now

    Exit status: 0 stopped in order, 1 cannot listen, 2 wrong usage, 78 a configuration that cannot serve.
    """
    log.set_up()
    try:
        code = uvloop.run(_serve(find_config(config), listen, watch=watch, try_it=try_it))
    except CannotServeError as error:
        click.echo(error.report, err=True)
        code = BAD_CONFIGURATION
    sys.exit(code)


async def _serve(config: Path, listen: str | None, *, watch: bool, try_it: bool) -> int:
    gateway = await open_gateway(config, os.environ, watch=watch)
    try:
        settings = gateway.live.current.server
        sock = bound(listen or settings.listen)
        admin = None if settings.admin_listen is None else bound(settings.admin_listen)
        server = Server(
            uvicorn_config(build_app(gateway), settings.shutdown_grace_s),
            gateway,
            lambda: click.echo(ready_line(gateway, sock, try_it=try_it)),
        )
        settle(gateway)
        async with beside(gateway, admin):
            await server.serve(sockets=[sock])
    except CannotListenError as error:
        click.echo(str(error), err=True)
        return 1
    finally:
        await close_gateway(gateway)
    return 0


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


def ready_line(gateway: Gateway, sock: socket.socket, *, try_it: bool) -> str:
    snapshot = gateway.live.current
    host, port = sock.getsockname()[:2]
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    line = (
        f"tokenhub ready on {base} config={snapshot.digest[:12]} "
        f"models={len(snapshot.table.models)} keys={len(snapshot.keys)}"
    )
    return f"{line}\n\n{paste_line(base)}\n" if try_it else line


def paste_line(base: str) -> str:
    return (
        "Try it from another shell:\n\n"
        f"curl -s {base}/v1/chat/completions -H 'Authorization: Bearer th-quickstart' "
        """-H 'Content-Type: application/json' -d '{"model": "echo-small", "messages": """
        """[{"role": "user", "content": "Hello, gateway!"}]}'"""
    )
