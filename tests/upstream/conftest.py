"""Every test of the client runs on both event loops."""

from collections.abc import Iterator

import pytest

from tests.wire import Wire


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire
