"""One of several workers: serves on sockets that its supervisor bound, and goes when that one is gone."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import click
import uvloop
from msgspec import Struct

import gateway as package
from gateway import log
from gateway.cli.run import Sockets, ready_line, run
from gateway.cli.server import Server
from gateway.flow.first_load import CannotServeError, first_loading
from gateway.flow.seat import Seat
from gateway.flow.start import close_gateway, open_gateway

BAD_CONFIGURATION = 78
PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from gateway.cli.worker import main; main()"
"""Finds the package of the supervisor, and nothing in the current folder."""


class Task(Struct, frozen=True):
    """What a worker is started with."""

    config: Path
    seat: Seat
    callers: int
    operators: int | None
    wire: int
    watch: bool


def command(task: Task) -> list[str]:
    """The arguments from which `main` makes the task again."""
    given = [str(task.config), str(task.seat.number), str(task.seat.of), str(task.seat.folder)]
    given += [str(task.callers), str(-1 if task.operators is None else task.operators), str(task.wire)]
    return [
        sys.executable,
        "-P",
        "-c",
        PROGRAM,
        str(Path(package.__file__).parent.parent),
        *given,
        str(int(task.watch)),
    ]


def main() -> None:
    config, number, of, folder, callers, operators, wire, watch = sys.argv[1:]
    task = Task(
        config=Path(config),
        seat=Seat(int(number), int(of), Path(folder)),
        callers=int(callers),
        operators=int(operators) if int(operators) >= 0 else None,
        wire=int(wire),
        watch=watch == "1",
    )
    log.set_up()
    try:
        uvloop.run(serve(task))
    except CannotServeError as error:
        click.echo(error.report, err=True)
        sys.exit(BAD_CONFIGURATION)


async def serve(task: Task) -> None:
    wire = socket.socket(fileno=task.wire)
    first = await first_loading(task.config, os.environ, spare=task.seat.folder)
    gateway = await open_gateway(task.config, os.environ, watch=task.watch, first=first, seat=task.seat)
    callers = socket.socket(fileno=task.callers)
    operators = None if task.operators is None else socket.socket(fileno=task.operators)
    loop = asyncio.get_running_loop()

    def on_started(server: Server) -> None:
        wire.send(ready_line(gateway, callers).encode() + b"\n")
        loop.add_reader(wire, orphaned, server)

    def orphaned(server: Server) -> None:
        loop.remove_reader(wire)
        if not gateway.draining:
            server.told_to_stop()

    try:
        await run(gateway, Sockets(callers, operators), on_started)
    finally:
        loop.remove_reader(wire)
        await close_gateway(gateway)
