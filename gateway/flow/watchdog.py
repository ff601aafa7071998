"""Notices from outside when the event loop stands still, and says where: places in the code, never values."""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable

LOG = logging.getLogger("tokenhub")

STALL_S = 1.0
FRAMES = 8


class Watchdog:
    """One thread that looks at a heartbeat of the loop; each standstill is told once."""

    def __init__(self, on_stall: Callable[[], object], stall_s: float = STALL_S) -> None:
        self._on_stall = on_stall
        self._stall_s = stall_s
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._beat_at = time.monotonic()
        self._stop = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._timer is not None:
            self._timer.cancel()
        self._thread.join()

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        self._timer = self._loop.call_later(self._stall_s / 4, self._beat)

    def _watch(self) -> None:
        told = 0.0
        looked = time.monotonic()
        while not self._stop.wait(self._stall_s / 4):
            now, beat = time.monotonic(), self._beat_at
            stopped = now - looked > self._stall_s
            looked = now
            if stopped or now - beat < self._stall_s or beat == told:
                continue
            told = beat
            LOG.warning("the event loop has stood still for %.1f s in %s", now - beat, self._places())
            self._on_stall()

    def _places(self) -> str:
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 the documented way to see another thread
        found = traceback.extract_stack(frame)[-FRAMES:] if frame is not None else []
        return " < ".join(f"{one.name} ({one.filename.rpartition('/')[2]}:{one.lineno})" for one in reversed(found))
