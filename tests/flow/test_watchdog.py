"""A standstill of the event loop is noticed from outside."""

import asyncio
import threading
import time

import pytest

from gateway.flow.watchdog import Watchdog


def test_t11_a_loop_that_stands_still_is_told_once_with_the_place_and_no_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = threading.Event()

    def busy_with(secret: str) -> None:
        assert secret
        while not told.is_set():
            time.sleep(0.01)

    async def story() -> None:
        watchdog = Watchdog(told.set, stall_s=0.1)
        watchdog.start()
        await asyncio.sleep(0.3)
        assert not told.is_set(), "a loop that waits does not stand still"
        busy_with("sk-CANARY-argument")
        await asyncio.sleep(0)
        watchdog.stop()

    with caplog.at_level("WARNING", "tokenhub"):
        asyncio.run(story())
    (line,) = caplog.messages
    assert "busy_with (test_watchdog.py:" in line
    assert "CANARY" not in line
