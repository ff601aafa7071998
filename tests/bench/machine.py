"""The machine under the measurement: one core for who is measured, one for who measures, and the processes on them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

CORES = sorted(os.sched_getaffinity(0))
GATEWAY_CORE = CORES[0]
LOAD_CORE = CORES[-1]
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
START_S = 90.0


class MissingError(Exception):
    """What a figure needs is not on this machine; the message says what."""


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingError(f"`{name}` is not installed")
    return found


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def pin(core: int, process: int = 0) -> None:
    os.sched_setaffinity(process, {core})


class Process(Struct, frozen=True):
    pid: int
    port: int


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    port: int | Callable[[], int | None],
    core: int,
    env: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """A process pinned to a core that listens by now; a function finds the port of one that chooses its own."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(env or {})},
            preexec_fn=lambda: pin(core),  # noqa: PLW1509 nothing else runs in this program
            start_new_session=True,
        )
        try:
            yield Process(process.pid, _port_of(process, port, log.fileno()))
        finally:
            _end(process)


def cpu_s(process: int) -> float:
    """CPU seconds of a process so far, with those of its children that still run."""
    total = 0.0
    for member in (process, *_children(process)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
    return total


def _children(process: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += [int(child), *_children(int(child))]
    return found


def _port_of(process: subprocess.Popen[bytes], port: int | Callable[[], int | None], log: int) -> int:
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        found = (port if listens(port) else None) if isinstance(port, int) else port()
        if found is not None:
            return found
        time.sleep(0.05)
    said = os.pread(log, 1_000_000, 0).decode(errors="replace")
    raise MissingError(f"it does not listen: …{said[-600:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
