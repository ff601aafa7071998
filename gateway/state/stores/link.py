"""The wire to Redis: every call has one deadline for all of it, and after five failures nobody waits for it at all.

After a call that did not end well its connection is never used again: an answer that comes late must not be taken for
the answer to something else. While one failure is fresh, one caller at a time finds out whether it was the last.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Any

from gateway.state.store_error import StoreError, StoreRefusedError
from gateway.state.stores.deadline import within

log = logging.getLogger("tokenhub.state")

DEADLINE_S = 0.05
FAILURES = 5
REST_S = 1.0
"""How long nobody asks once it is down; then one call finds out."""


class Link:
    """One per process and event loop."""

    def __init__(self, url: str, now: Callable[[], float], deadline_s: float = DEADLINE_S) -> None:
        self.failures = 0
        self._url = url
        self._now = now
        self._deadline_s = deadline_s
        self._library = _library()
        self._client: Any = None
        self._digests: dict[str, str] = {}
        self._trying = 0
        self._rested_at = 0.0
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def down(self) -> bool:
        return self.failures >= FAILURES

    def may_try(self) -> bool:
        """Whether it is worth a caller's time to ask."""
        if self.failures == 0:
            return True
        if self._trying > 0:
            return False
        return self.failures < FAILURES or self._now() >= self._rested_at

    async def run(self, script: str, key: str, *values: str) -> Any:
        """One script; StoreError when it did not answer in time, or answered that it cannot."""
        digest = self._digests.get(script) or self._digests.setdefault(script, _sha1(script))
        try:
            return await self.call("EVALSHA", digest, "1", key, *values)
        except MissingScriptError:
            return await self.call("EVAL", script, "1", key, *values)

    async def call(self, *command: str) -> Any:
        """The deadline is for everything: connecting, sending, waiting, reading."""
        errors = self._library.exceptions
        ended = False
        self._trying += 1
        try:
            async with within(self._deadline_s):
                answer = await self._connected().execute_command(*command)
            ended = True
        except errors.NoScriptError as error:
            ended = True
            raise MissingScriptError from error
        except (errors.RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            raise StoreError(f"the shared store does not answer: {type(error).__name__}") from error
        finally:
            self._trying -= 1
            if not ended:
                self._drop()
        self._worked()
        return answer

    async def warn_if_forgetful(self) -> None:
        """A store that throws keys away when it is full would forget what was spent."""
        answer = await self.call("CONFIG", "GET", "maxmemory-policy")
        policy = answer.get("maxmemory-policy") if isinstance(answer, dict) else (list(answer) or ["", ""])[-1]
        if policy and policy != "noeviction":
            log.warning("the shared store may evict keys (maxmemory-policy %s); set it to noeviction", policy)

    async def aclose(self) -> None:
        self._drop()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=1.0)

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._library.asyncio.Redis.from_url(
                self._url,
                decode_responses=True,
                retry=self._library.asyncio.retry.Retry(self._library.backoff.NoBackoff(), 0),
                health_check_interval=0,
            )
        return self._client

    def _worked(self) -> None:
        if self.down:
            log.warning("the shared store answers again")
        self.failures = 0

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._rested_at = self._now() + REST_S
        if self.failures == FAILURES:
            log.error("the shared store does not answer (%s); limits are kept by each process", type(error).__name__)

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            task = asyncio.ensure_future(_hang_up(client, self._library.exceptions.RedisError))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)


class MissingScriptError(Exception):
    """The store was restarted and wants to hear the script again."""


async def _hang_up(client: Any, error: type[Exception]) -> None:
    try:
        await client.connection_pool.disconnect(inuse_connections=True)
        await client.aclose()
    except (error, OSError, TimeoutError):
        return


def _sha1(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def _library() -> Any:
    try:
        import redis  # noqa: PLC0415 - only those who share limits need it
        import redis.asyncio  # noqa: PLC0415
        import redis.asyncio.retry  # noqa: PLC0415
        import redis.backoff  # noqa: PLC0415
    except ImportError as error:
        raise StoreRefusedError("`state: redis://…` needs `pip install tokenhub[redis]`.") from error
    return redis
