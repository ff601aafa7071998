"""`tokenhub serve`: run the gateway."""

import os
import socket
import sys
from pathlib import Path

import click
import uvloop

from gateway import log
from gateway.cli.listening import bound
from gateway.cli.places import find_config
from gateway.cli.server import Server, uvicorn_config
from gateway.flow.gateway import Gateway
from gateway.flow.start import CannotServeError, close_gateway, open_gateway
from gateway.web.app import build_app

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
        address = listen or gateway.live.current.server.listen
        try:
            sock = bound(address)
        except OSError as error:
            click.echo(f"cannot listen on {address}: {error.strerror or error}", err=True)
            return 1
        grace_s = gateway.live.current.server.shutdown_grace_s
        server = Server(
            uvicorn_config(build_app(gateway), grace_s),
            gateway,
            lambda: click.echo(ready_line(gateway, sock, try_it=try_it)),
        )
        await server.serve(sockets=[sock])
    finally:
        await close_gateway(gateway)
    return 0


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
