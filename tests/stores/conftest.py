"""Real stores for the tests: a PostgreSQL of our own, started once, and a database in it for each test that asks."""

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.stores.postgres_server import PostgresServer, a_postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server that lives as long as the tests."""
    with a_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """An empty database."""
    return postgres.make_database(f"ledger_{os.getpid()}_{next(_numbers)}")
