"""Tokens that some providers want besides a key: fetched when needed, kept until shortly before they expire."""

import asyncio
import os
from pathlib import Path

from gateway.clock import Clock
from gateway.dialects.base import Around, Dialect, Proof, Token
from gateway.domain.call import Call, Patience
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.upstream.send import Upstream

EARLY_S = 60.0
"""A token is replaced this long before it expires, so that no request travels with a dying one."""


class Credentials:
    """One token a provider identity; those who need the same one wait for the same call."""

    def __init__(self, clock: Clock, upstream: Upstream) -> None:
        self._clock = clock
        self._upstream = upstream
        self._tokens: dict[str, Token] = {}
        self._fetching: dict[str, asyncio.Task[Token | Failure]] = {}

    async def proof(self, dialect: Dialect, provider: Provider, patience: Patience) -> Proof | Failure:
        """For a dialect that fetches tokens."""
        now = self._clock.unix()
        token = self._tokens.get(provider.identity)
        if token is not None and token.expires_unix - EARLY_S > now:
            return Proof(now_unix=now, token=token)
        wanted = dialect.token_call(provider, Around(now_unix=now, environment=os.environ, read=_read))
        if wanted is None:
            return Proof(now_unix=now)
        found = await self._fetch(dialect, provider, wanted, patience) if isinstance(wanted, Call) else wanted
        if isinstance(found, Failure):
            return found
        self._tokens[provider.identity] = found
        return Proof(now_unix=now, token=found)

    def keep_only(self, identities: frozenset[str]) -> None:
        """Forget the tokens of providers that are gone."""
        self._tokens = {name: token for name, token in self._tokens.items() if name in identities}

    async def _fetch(self, dialect: Dialect, provider: Provider, call: Call, patience: Patience) -> Token | Failure:
        task = self._fetching.get(provider.identity)
        if task is None:
            task = asyncio.ensure_future(self._ask(dialect, provider, call, patience))
            self._fetching[provider.identity] = task
            task.add_done_callback(lambda _: self._fetching.pop(provider.identity, None))
        return await asyncio.shield(task)

    async def _ask(self, dialect: Dialect, provider: Provider, call: Call, patience: Patience) -> Token | Failure:
        reply = await self._upstream.send(provider, call, patience)
        return reply if isinstance(reply, Failure) else dialect.token_answer(reply, self._clock.unix())


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
