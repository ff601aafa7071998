"""What one process holds of one key's limits: taken from the shared store in small pieces, spent without asking."""

import asyncio
from typing import Any

from msgspec import Struct

from gateway.domain.key import Limits
from gateway.state.limits import Spent
from gateway.state.money import nano_of

RATE_LEASE_S = 2.0
"""What is left of a rate after this flows back to the store."""
IDLE_S = 1.0
"""A lease that nobody used for so long is given back."""
HOLD_S = 30
"""A process that is silent for so long loses what it holds."""


class Need(Struct, frozen=True):
    """What one request takes besides itself."""

    tokens: int
    nano: int
    paced: int
    """Tokens asked of the rate."""


class Lease:
    """Counters of one key in one process. What is spent only grows within a month and a life of the store.

    `free_*` is what nothing runs on yet; below zero it is owed. Only what is limited is counted.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lock = asyncio.Lock()
        self.epoch = ""
        self.month = ""
        self.free_requests = 0
        self.free_rate_tokens = 0
        self.slots = 0
        self.running = 0
        self.free_tokens = 0
        self.free_nano = 0
        self.running_tokens = 0
        self.running_nano = 0
        self.spent_tokens = 0
        self.spent_nano = 0
        self.told: Spent | None = None
        """What the store heard last, in this month and this life of it."""
        self.elsewhere = Spent()
        """What the others spent, as of the last answer."""
        self.request_wait_s = 0.0
        self.token_wait_s = 0.0
        self.synced_at = float("-inf")
        self.used_at = float("-inf")
        self.dirty = False

    @property
    def spent(self) -> Spent:
        """All processes together, as far as this one knows."""
        return Spent(self.elsewhere.tokens + self.spent_tokens, self.elsewhere.nano_usd + self.spent_nano)

    def adopt(self, limits: Limits) -> None:
        """Other limits for the same key: what was held under the old ones goes back."""
        self.limits = limits
        self.free_requests = self.free_rate_tokens = self.free_tokens = self.free_nano = 0
        self.slots = self.running
        self.dirty = True

    def covers(self, need: Need, now: float) -> bool:
        """Whether a request may run without asking anybody."""
        limits = self.limits
        fresh = now - self.synced_at < RATE_LEASE_S
        return (
            (limits.requests_per_minute is None or (fresh and self.free_requests >= 1))
            and (limits.tokens_per_minute is None or (fresh and self.free_rate_tokens >= need.paced))
            and (limits.concurrency is None or self.running < self.slots)
            and self.covers_caps(need)
        )

    def covers_caps(self, need: Need) -> bool:
        limits = self.limits
        return (limits.monthly_tokens is None or self.free_tokens >= need.tokens) and (
            limits.monthly_usd is None or self.free_nano >= need.nano
        )

    def take(self, need: Need, now: float) -> None:
        if self.limits.requests_per_minute is not None:
            self.free_requests -= 1
        if self.limits.tokens_per_minute is not None:
            self.free_rate_tokens -= need.paced
        self.take_caps(need, now)

    def take_caps(self, need: Need, now: float) -> None:
        """A place and the month's share, without the rates."""
        self.running += 1
        self.used_at = now
        self.dirty = True
        if self.limits.monthly_tokens is not None:
            self.free_tokens -= need.tokens
            self.running_tokens += need.tokens
        if self.limits.monthly_usd is not None:
            self.free_nano -= need.nano
            self.running_nano += need.nano

    def end(self, need: Need, limits: Limits, month: str, tokens: int, nano: int) -> None:
        """`limits` and `month` are those of the admission; an end from another month changes no sum of this one."""
        self.running -= 1
        self.dirty = True
        if limits.tokens_per_minute is not None and self.limits.tokens_per_minute is not None:
            self.free_rate_tokens += need.paced - tokens
        if month == self.month and limits.monthly_tokens is not None:
            self.running_tokens -= need.tokens
            self.free_tokens += need.tokens if self.limits.monthly_tokens is not None else 0
        if month == self.month and limits.monthly_usd is not None:
            self.running_nano -= need.nano
            self.free_nano += need.nano if self.limits.monthly_usd is not None else 0
        self.owe(limits, month, tokens, nano)

    def owe(self, limits: Limits, month: str, tokens: int, nano: int) -> None:
        """What was used is paid from what is held, even where that goes below nothing."""
        if month != self.month:
            return
        self.dirty = True
        self.spent_tokens += tokens
        self.spent_nano += nano
        if limits.monthly_tokens is not None and self.limits.monthly_tokens is not None:
            self.free_tokens -= tokens
        if limits.monthly_usd is not None and self.limits.monthly_usd is not None:
            self.free_nano -= nano

    def begin(self, epoch: str, month: str) -> None:
        """Another month, or another life of the store. What the old life was told, the new one has from the ledger."""
        if month == self.month:
            told = self.told or Spent()
            self.spent_tokens = max(0, self.spent_tokens - told.tokens)
            self.spent_nano = max(0, self.spent_nano - told.nano_usd)
        else:
            self.spent_tokens = self.spent_nano = 0
            self.running_tokens = self.running_nano = 0
        self.free_tokens = self.free_nano = 0
        self.epoch, self.month = epoch, month
        self.told = None
        self.elsewhere = Spent()

    def say(self, need: Need | None, now: float, process: str, sequence: int) -> dict[str, Any]:
        """The whole truth of this process, and what is missing for one request, as the script wants them.

        Where nothing is needed, everything that nothing runs on is given back.
        """
        back_requests, back_tokens = self._let_go(now, idle=need is None)
        limits = self.limits
        return {
            "p": process,
            "q": sequence,
            "e": self.epoch,
            "m": self.month,
            "known": int(self.told is not None),
            "ttl": HOLD_S,
            "cap_t": _or_none(limits.monthly_tokens),
            "cap_n": -1 if limits.monthly_usd is None else nano_of(limits.monthly_usd),
            "conc": _or_none(limits.concurrency),
            "rpm": _or_none(limits.requests_per_minute),
            "tpm": _or_none(limits.tokens_per_minute),
            "st": self.spent_tokens,
            "sn": self.spent_nano,
            "ht": max(0, self.free_tokens + self.running_tokens),
            "hn": max(0, self.free_nano + self.running_nano),
            "c": max(self.slots, self.running),
            "back_r": back_requests,
            "back_t": back_tokens,
            **self._missing(need),
        }

    def hear(
        self, grants: tuple[int, ...], spent: Spent, waits_s: tuple[float, float], told: Spent, now: float
    ) -> None:
        requests, rate_tokens, slots, tokens, nano = grants
        self.free_requests += requests
        self.free_rate_tokens += rate_tokens
        self.slots = max(self.slots, self.running) + slots
        self.free_tokens += tokens
        self.free_nano += nano
        self.elsewhere = Spent(spent.tokens - told.tokens, spent.nano_usd - told.nano_usd)
        self.told = told
        self.request_wait_s, self.token_wait_s = waits_s
        self.synced_at = now

    def worth_a_word(self, now: float) -> bool:
        """Whether the store should hear of this lease although nobody needs anything."""
        idle = now - self.used_at > IDLE_S
        holds = self.free_requests > 0 or self.free_tokens > 0 or self.free_nano > 0 or self.slots > self.running
        return self.dirty or (idle and holds) or (self.running > 0 and now - self.synced_at > HOLD_S / 3)

    def _let_go(self, now: float, *, idle: bool) -> tuple[int, int]:
        """Rates that got old, and all that is free where nobody needs it."""
        if not idle and now - self.synced_at < RATE_LEASE_S:
            return 0, 0
        back = max(0, self.free_requests), max(0, self.free_rate_tokens)
        self.free_requests = min(0, self.free_requests)
        self.free_rate_tokens = min(0, self.free_rate_tokens)
        if idle and now - self.used_at > IDLE_S:
            self.slots = self.running
            self.free_tokens = min(0, self.free_tokens)
            self.free_nano = min(0, self.free_nano)
        return back

    def _missing(self, need: Need | None) -> dict[str, int]:
        limits = self.limits
        if need is None:
            return {"need_r": 0, "need_k": 0, "need_c": 0, "need_t": 0, "need_n": 0}
        rate = limits.tokens_per_minute
        return {
            "need_r": 0 if limits.requests_per_minute is None else max(0, 1 - self.free_requests),
            "need_k": 0 if rate is None else min(max(0, need.paced - self.free_rate_tokens), max(rate, need.paced)),
            "need_c": 0 if limits.concurrency is None else max(0, self.running + 1 - self.slots),
            "need_t": 0 if limits.monthly_tokens is None else max(0, need.tokens - self.free_tokens),
            "need_n": 0 if limits.monthly_usd is None else max(0, need.nano - self.free_nano),
        }


def _or_none(limit: int | None) -> int:
    return -1 if limit is None else limit
