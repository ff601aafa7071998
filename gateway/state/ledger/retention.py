"""Old rows go, a few at a time, so that nobody waits for it."""

import asyncio

from gateway.state.ledger.database import Database

AT_A_TIME = 1000
PAUSE_S = 0.05


async def delete_old(database: Database, table: str, before_unix: float) -> int:
    """How many rows went."""
    gone = 0
    while True:
        count = await asyncio.to_thread(database.delete_before, table, before_unix, AT_A_TIME)
        gone += count
        if count < AT_A_TIME:
            return gone
        await asyncio.sleep(PAUSE_S)
