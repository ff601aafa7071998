"""Several workers on one socket: started, told what the signals say, replaced when they die, waited for at the end.

The supervisor serves nobody. It holds the listening socket, so that no connection is refused while a worker is being
replaced, and the lock of a SQLite ledger. A worker that hears nothing more from it drains and goes.
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

LOG = logging.getLogger("tokenhub")

STOP = (signal.SIGTERM, signal.SIGINT)
STEADY_S = 10.0
"""A worker that lived so long is replaced at once."""
LONGEST_PAUSE_S = 5.0


class Orders(Struct, frozen=True):
    """How workers are started."""

    workers: int
    command: Callable[[int, int], Sequence[str]]
    """For a seat, and the descriptor of the wire to the supervisor."""
    keep: Sequence[int]
    """Descriptors that every worker inherits."""
    on_ready: Callable[[str], None]
    """Hears once what the first worker had to say, when all of them serve."""


class Worker(Struct):
    """One seat and who has it."""

    seat: int
    process: "subprocess.Popen[bytes] | None" = None
    wire: socket.socket | None = None
    ready: str = ""
    started: float = 0.0
    due: float = 0.0
    """When the next one may be started."""
    failures: int = 0


class Supervisor:
    """Everything happens in `run`, between two events."""

    def __init__(self, orders: Orders, now: Callable[[], float] = time.monotonic) -> None:
        self._orders = orders
        self._now = now
        self._workers = [Worker(seat) for seat in range(orders.workers)]
        self._selector = selectors.DefaultSelector()
        self._complete = False
        self._stopping = False
        self._code = 0

    def run(self, on_stopping: Callable[[], None]) -> int:
        """The exit status. `on_stopping` is called once, when nobody new shall come in."""
        with self._hearing_signals() as signals:
            while True:
                self._start_due()
                for key, _ in self._selector.select(self._pause_s()):
                    if key.fileobj is signals:
                        self._obey(signals.recv(64), on_stopping)
                    else:
                        self._listen(key.data)
                self._bury()
                if self._stopping and all(worker.process is None for worker in self._workers):
                    return self._code

    def _start_due(self) -> None:
        """The first one alone: it prepares what all of them find."""
        for worker in self._workers:
            if not self._stopping and worker.process is None and self._now() >= worker.due:
                self._start(worker)
            if worker.seat == 0 and not self._complete and not worker.ready:
                return

    def _start(self, worker: Worker) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            worker.process = subprocess.Popen(  # noqa: S603 our own program
                self._orders.command(worker.seat, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                pass_fds=(*self._orders.keep, theirs.fileno()),
                start_new_session=True,
            )
        ours.setblocking(False)
        worker.wire, worker.ready, worker.started = ours, "", self._now()
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _pause_s(self) -> float | None:
        """None until there is a place to fill at a certain time: everything else is an event."""
        waiting = [worker.due - self._now() for worker in self._workers if worker.process is None]
        return max(0.0, min(waiting)) if waiting and self._complete and not self._stopping else None

    def _obey(self, numbers: bytes, on_stopping: Callable[[], None]) -> None:
        for number in numbers:
            if number in STOP:
                if not self._stopping:
                    self._stopping = True
                    on_stopping()
                self._tell(number)
            elif number == signal.SIGHUP:
                self._tell(signal.SIGHUP)

    def _tell(self, number: int) -> None:
        for worker in self._workers:
            if worker.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.process.pid, number)

    def _listen(self, worker: Worker) -> None:
        """A worker speaks once, when it serves."""
        if worker.wire is None:
            return
        with contextlib.suppress(BlockingIOError, ConnectionError):
            said = worker.wire.recv(4096)
            worker.ready += said.decode("utf-8", "replace")
            if not said:
                self._selector.unregister(worker.wire)
        if not self._complete and all(worker.ready.endswith("\n") for worker in self._workers):
            self._complete = True
            self._orders.on_ready(self._workers[0].ready.strip())

    def _bury(self) -> None:
        """As the first process of a container we may be left the children of others, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for worker in self._workers:
                if worker.process is not None and worker.process.pid == pid:
                    self._lost(worker, os.waitstatus_to_exitcode(status))

    def _lost(self, worker: Worker, code: int) -> None:
        if worker.process is not None:
            worker.process.returncode = code
        worker.process = None
        if worker.wire is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(worker.wire)
            worker.wire.close()
            worker.wire = None
        if self._stopping:
            return
        if not self._complete:
            self._give_up(code)
            return
        lived_s = self._now() - worker.started
        worker.failures = 0 if lived_s >= STEADY_S else worker.failures + 1
        pause_s = 0.0 if worker.failures <= 1 else min(0.1 * 2.0**worker.failures, LONGEST_PAUSE_S)
        worker.due = self._now() + pause_s
        LOG.error("worker %d ended (%s); another takes its place", worker.seat, told(code))

    def _give_up(self, code: int) -> None:
        """A gateway that never served does not try for ever."""
        self._code = code if code > 0 else 1
        self._stopping = True
        self._tell(signal.SIGTERM)

    @contextlib.contextmanager
    def _hearing_signals(self) -> Iterator[socket.socket]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.setblocking(False)
            ours.setblocking(False)
            before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
            for number in (*STOP, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, lambda *_: None)
            self._selector.register(ours, selectors.EVENT_READ)
            try:
                yield ours
            finally:
                signal.set_wakeup_fd(before)


def told(code: int) -> str:
    """An exit status in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
