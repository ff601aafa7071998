"""`tokenhub serve`: run the gateway."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import click
import uvloop
from msgspec import Struct

from gateway import log
from gateway.cli.listening import CannotListenError, an_address, bound
from gateway.cli.places import find_config
from gateway.cli.run import Sockets, base_url, paste_line, ready_line, run
from gateway.cli.supervise import Orders, Supervisor
from gateway.cli.worker import BAD_CONFIGURATION, Task, command
from gateway.flow.first_load import CannotServeError, FirstLoading, first_loading
from gateway.flow.process_settings import ProcessSettings, process_settings
from gateway.flow.seat import Seat
from gateway.flow.start import close_gateway, open_gateway
from gateway.state.ledger.lock import lock_for
from gateway.state.store_error import StoreError


class Wishes(Struct, frozen=True):
    """What the command line says over and above the configuration."""

    config: Path
    listen: str | None
    admin_listen: str | None
    workers: int | None
    watch: bool
    try_it: bool


@click.command("serve")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--listen", metavar="HOST:PORT", callback=an_address, help="Listen here instead of where the configuration says."
)
@click.option("--admin-listen", metavar="HOST:PORT", callback=an_address, help="The same for /admin and /metrics.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes, instead of `server.workers`.")
@click.option("--watch/--no-watch", default=True, help="Reload when the files change (the default), or never.")
@click.option("--try-it", is_flag=True, help="Print a request to paste into another shell.")
def serve(
    config: Path | None, listen: str | None, admin_listen: str | None, workers: int | None, watch: bool, try_it: bool
) -> None:
    """Run the gateway.

    Loads CONFIG, listens, and prints one line when it is ready. Changes of the files take effect while it runs.

    \b
    SIGTERM           drain and stop: unready at once, deaf after `server.drain_delay`, gone after the last answer
    SIGINT (Ctrl-C)   the same without the delay
    either, again     stop at once
    SIGHUP            reload now

    Several workers share the port and, through `state: redis://…`, everything that must be counted together. One that
    dies is replaced.

    Exit status: 0 stopped in order, 1 cannot listen, 2 wrong usage, 78 a configuration that cannot serve.
    """
    log.set_up()
    wishes = Wishes(find_config(config), listen, admin_listen, workers, watch, try_it)
    try:
        code = _serve(wishes)
    except CannotListenError as error:
        click.echo(str(error), err=True)
        code = 1
    except CannotServeError as error:
        click.echo(error.report, err=True)
        code = BAD_CONFIGURATION
    sys.exit(code)


def _serve(wishes: Wishes) -> int:
    first = uvloop.run(first_loading(wishes.config, os.environ))
    settings = process_settings(first)
    workers = wishes.workers or settings.server.workers
    if workers == 1:
        uvloop.run(_alone(wishes, first))
        return 0
    if settings.storage.state.reveal().startswith("memory:"):
        raise CannotServeError(
            f"{workers} workers cannot share limits and caps kept in memory\n"
            "hint: say `state: redis://host:6379/0`, or run one worker"
        )
    return _supervised(wishes, settings, workers)


async def _alone(wishes: Wishes, first: FirstLoading) -> None:
    gateway = await open_gateway(wishes.config, os.environ, watch=wishes.watch, first=first)
    try:
        server = gateway.live.current.server
        sockets = _bound(wishes.listen or server.listen, wishes.admin_listen or server.admin_listen)
        line = ready_line(gateway, sockets.callers)
        await run(gateway, sockets, lambda _: _say_ready(line, sockets, wishes))
    finally:
        await close_gateway(gateway)


def _supervised(wishes: Wishes, settings: ProcessSettings, workers: int) -> int:
    server, storage = settings.server, settings.storage
    data_dir = Path(storage.data_dir)
    sockets = _bound(wishes.listen or server.listen, wishes.admin_listen or server.admin_listen)
    with contextlib.ExitStack() as stack:
        folder = _meeting_place(stack)
        _lock_ledger(stack, storage.ledger.reveal(), data_dir)

        def ordered(seat: int, wire: int) -> list[str]:
            operators = None if sockets.operators is None else sockets.operators.fileno()
            here = Seat(seat, workers, folder)
            return command(Task(wishes.config, here, sockets.callers.fileno(), operators, wire, wishes.watch))

        orders = Orders(
            workers=workers,
            command=ordered,
            keep=[sock.fileno() for sock in sockets.all],
            on_ready=lambda line: _say_ready(f"{line} workers={workers}", sockets, wishes),
        )
        return Supervisor(orders).run(on_stopping=sockets.close)


def _bound(listen: str, admin_listen: str | None) -> Sockets:
    return Sockets(bound(listen), None if admin_listen is None else bound(admin_listen))


def _say_ready(line: str, sockets: Sockets, wishes: Wishes) -> None:
    click.echo(line)
    if wishes.try_it:
        click.echo(paste_line(base_url(sockets.callers)))


def _meeting_place(stack: contextlib.ExitStack) -> Path:
    """A folder of our own with a short name: the names of sockets have a narrow limit."""
    folder = Path(tempfile.mkdtemp(prefix="tokenhub-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _lock_ledger(stack: contextlib.ExitStack, url: str, data_dir: Path) -> None:
    lock = lock_for(url, data_dir)
    if lock is None:
        return
    try:
        lock.take()
    except StoreError as error:
        raise CannotServeError(str(error)) from error
    stack.callback(lock.release)
