"""The process as operating systems see it: sockets, signals, and an orderly end."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from gateway.cli.http_protocol import GuardedProtocol
from gateway.flow.gateway import Gateway
from gateway.flow.watchdog import Watchdog
from gateway.web.door import App

LOG = logging.getLogger("tokenhub")

STOP = (signal.SIGTERM, signal.SIGINT)
LAST_WORDS_S = 0.5
"""How long broken-off streams get to write their last frame."""


def uvicorn_config(app: App, grace_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=GuardedProtocol,
        interface="asgi3",
        ws="none",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(grace_s),
    )


class Beside(uvicorn.Server):
    """A second listener: it comes and goes with the first and leaves signals to it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server(uvicorn.Server):
    """Drains before it closes: unready at once, deaf to new connections only after the balancers had time to notice."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._on_started = on_started
        self._drain: asyncio.Task[None] | None = None
        self._watchdog: Watchdog | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The first signal to stop drains, the second ends; SIGHUP reloads."""
        loop = asyncio.get_running_loop()
        for number in STOP:
            loop.add_signal_handler(number, self.told_to_stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._gateway.reloader.want, "SIGHUP")
        try:
            yield
        finally:
            for number in (*STOP, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop, note = asyncio.get_running_loop(), self._gateway.metrics.note
        self._watchdog = Watchdog(lambda: loop.call_soon_threadsafe(note, "loop_stalled"))
        self._watchdog.start()
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._watchdog is not None:
            self._watchdog.stop()

    def told_to_stop(self, number: int = signal.SIGTERM) -> None:
        """Balancers need time to notice; who presses Ctrl-C waits for open requests only."""
        if self._gateway.draining:
            LOG.warning("second signal: leaving now")
            self._gateway.interrupt_streams()
            self.force_exit = True
            self.should_exit = True
            return
        server = self._gateway.live.current.server
        LOG.info("draining: %d requests in flight", self._gateway.in_flight)
        self._gateway.draining = True
        self._close_after_answers()
        delay_s = 0.0 if number == signal.SIGINT else server.drain_delay_s
        self._drain = asyncio.get_running_loop().create_task(self._drained(delay_s, server.shutdown_grace_s))

    def _close_after_answers(self) -> None:
        """From now on every answer is the last one of its connection."""
        self.server_state.draining = True  # type: ignore[attr-defined]
        for connection in self.server_state.connections:
            if isinstance(connection, GuardedProtocol):
                connection.answer_and_close()

    async def _drained(self, delay_s: float, grace_s: float) -> None:
        await asyncio.sleep(delay_s)
        self.should_exit = True
        await asyncio.sleep(max(0.0, grace_s - LAST_WORDS_S))
        LOG.warning("grace is over: %d requests are broken off", self._gateway.in_flight)
        self._gateway.interrupt_streams()
