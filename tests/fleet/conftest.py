"""One Redis for the gateways of a module, and one provider whose every answer costs a cent."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.redis_server import RedisServer
from tests.wire import Wire


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Wire() as one:
        yield one
