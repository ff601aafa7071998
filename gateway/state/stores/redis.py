"""Limits shared by several processes through Redis or Valkey, kept by each alone while the store is away.

Most requests are covered by a lease and ask nobody. The others ask once, within one deadline. While the store is away
rates and places fall to this process' share of them, caps to what it still holds, and keys without limits go on. Once
it counts as down no request asks any more: `keep_in_touch` finds out whether it is back.
"""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from gateway.domain.key import Key, Limits
from gateway.state.calendar import Calendar
from gateway.state.limits import (
    LEASE_FACTOR,
    Alert,
    Denial,
    Reservation,
    Spent,
    Standing,
    alerts,
    is_capped,
    quota_unavailable,
    too_many,
)
from gateway.state.money import nano_at_most, nano_of
from gateway.state.store_error import StoreError
from gateway.state.stores.lease import Lease, Need
from gateway.state.stores.link import Link
from gateway.state.stores.recovery import Recovery
from gateway.state.stores.script import PREFIX, SCRIPT, key_of
from gateway.state.stores.share import Share
from gateway.state.stores.terms import beyond_hope, gauge, in_words
from gateway.ulid import new_ulid

UNLIMITED = Limits()
ROUNDS = 4
EVERY_S = 0.5
ALERT_S = 40 * 86400


class Stub(Struct):
    """The store's own note on a reservation."""

    need: Need
    lease: Lease | None = None
    local: Reservation | None = None
    """Of the share that this process keeps alone."""


class RedisLimits:
    """The store of limits for `state: redis://…`. `processes` is how many share the key's limits when it is away."""

    def __init__(
        self,
        link: Link,
        calendar: Calendar,
        now: Callable[[], float],
        spent_in_ledger: Callable[[str, str], Awaitable[Spent]],
        processes: int = 1,
    ) -> None:
        self.calendar = calendar
        self._link = link
        self._now = now
        self.recovery = Recovery(link, spent_in_ledger, lambda: calendar.unix(now()))
        self._process = new_ulid(calendar.unix(now()))
        self._sequence = 0
        self._leases: dict[str, Lease] = {}
        self.share = Share(processes, now(), calendar.unix(now()))
        self._shares: tuple[float, ...] = ()
        self._seen: dict[tuple[str, str], Spent] = {}
        self._due: list[Alert] = []
        self._open: dict[int, Reservation] = {}
        self.on_alert: Callable[[Alert], None] = lambda _: None

    def reserve(
        self,
        key: Key,
        tokens: int,
        usd: float | None,
        now: float,
        unix: float,  # noqa: ARG002 - a wall clock may jump
        deadline_s: float = 600.0,
        paced: int | None = None,
    ) -> Reservation | Denial | None:
        need = _need(tokens, usd, paced)
        if key.limits == UNLIMITED:
            return self._reservation(key, self.calendar.month(now), Stub(need), now + deadline_s * LEASE_FACTOR)
        denial = beyond_hope(key.limits, need.paced, usd)
        if denial is not None:
            return denial
        lease = self._lease(key)
        if not lease.covers(need, now):
            return None
        return self._taken(key, lease, need, now, deadline_s)

    async def ask(
        self,
        key: Key,
        tokens: int,
        usd: float | None,
        now: float,
        unix: float,
        deadline_s: float = 600.0,
        paced: int | None = None,
    ) -> Reservation | Denial:
        quick = self.reserve(key, tokens, usd, now, unix, deadline_s, paced)
        if quick is not None:
            return quick
        need = _need(tokens, usd, paced)
        lease, failures = self._lease(key), self._link.failures
        if self._link.down or not self._link.may_try():
            return self._keep_alone(key, lease, need, now, deadline_s)
        async with lease.lock:
            if self._link.failures > failures:
                return self._keep_alone(key, lease, need, now, deadline_s)
            if lease.covers(need, now):
                return self._taken(key, lease, need, now, deadline_s)
            try:
                denial = await self._sync(key, lease, need)
            except StoreError:
                return self._keep_alone(key, lease, need, now, deadline_s)
            return denial or self._taken(key, lease, need, self._now(), deadline_s)

    def settle(self, reservation: Reservation, tokens: int, usd: float) -> tuple[Alert, ...]:
        """Alerts are told through `on_alert`, once for all processes."""
        self._end(reservation, max(0, tokens), nano_of(usd))
        return ()

    def release(self, reservation: Reservation) -> None:
        self._end(reservation, 0, 0)

    def expire(self, now: float) -> int:
        late = [each for each in self._open.values() if now >= each.expires]
        for reservation in late:
            self._end(reservation, 0, 0)
            reservation.given_up = True
        return len(late)

    def standing(self, key: Key, now: float, unix: float) -> Standing | None:
        limits = key.limits
        if limits.requests_per_minute is None and limits.tokens_per_minute is None:
            return None
        lease = self._lease(key)
        return Standing(
            gauge(limits.requests_per_minute, lease.synced_at + lease.request_wait_s, lease.free_requests, now, unix),
            gauge(limits.tokens_per_minute, lease.synced_at + lease.token_wait_s, lease.free_rate_tokens, now, unix),
        )

    def rates_left(self, key: Key, now: float, unix: float) -> tuple[int, ...]:
        standing = self.standing(key, now, unix)
        gauges = () if standing is None else (standing.requests, standing.tokens)
        return tuple(number for gauge in gauges if gauge for number in (gauge.remaining, gauge.reset_unix))

    def spent(self, key: str, now: float) -> Spent:  # noqa: ARG002 - the store knows the month
        lease = self._leases.get(key)
        return Spent() if lease is None else lease.spent

    def charge(self, key: Key, admitted: float, tokens: int, usd: float) -> None:
        """The ledger knows; whoever gets a cap starts from there."""

    def adopt(self, shares: tuple[float, ...], capped_anew: tuple[str, ...] = ()) -> None:
        self._shares = shares
        self.recovery.hurry(capped_anew)

    async def keep_in_touch(self) -> None:
        """One round, to be made every EVERY_S: the store hears what was spent, and gets back what lies idle."""
        if self._link.failures and self._link.may_try():
            try:
                await self._link.call("PING")
            except StoreError:
                return
        for name, lease in list(self._leases.items()):
            if self._link.failures:
                return
            if lease.worth_a_word(self._now()) and not lease.lock.locked():
                await self._tell(name, lease)
            if is_capped(lease.limits):
                await self.recovery.reconcile(name, lease.month, self._now())
        await self._tell_alerts()

    async def aclose(self) -> None:
        """Gives everything back, if the store is there."""
        await self.keep_in_touch()
        self.recovery.close()
        await self._link.aclose()

    def _lease(self, key: Key) -> Lease:
        lease = self._leases.get(key.name)
        if lease is None:
            lease = self._leases[key.name] = Lease(key.limits)
        elif lease.limits is not key.limits and lease.limits != key.limits:
            lease.adopt(key.limits)
        return lease

    def _taken(self, key: Key, lease: Lease, need: Need, now: float, deadline_s: float) -> Reservation:
        lease.take(need, now)
        month = lease.month or self.calendar.month(now)
        return self._reservation(key, month, Stub(need, lease), now + deadline_s * LEASE_FACTOR)

    def _reservation(self, key: Key, month: str, stub: Stub, expires: float) -> Reservation:
        need = stub.need
        reservation = Reservation(
            key=key, month=month, tokens=need.tokens, nano_usd=need.nano, paced=need.paced, expires=expires, lease=stub
        )
        self._open[id(reservation)] = reservation
        return reservation

    def _end(self, reservation: Reservation, tokens: int, nano: int) -> None:
        stub: Stub = reservation.lease
        limits, month = reservation.key.limits, reservation.month
        if self._open.pop(id(reservation), None) is not None:
            if stub.local is not None:
                self.share.end(stub.local, tokens)
            if stub.lease is not None:
                stub.lease.end(stub.need, limits, month, tokens, nano)
        elif reservation.given_up:
            reservation.given_up = False
            if stub.lease is not None:
                stub.lease.owe(limits, month, tokens, nano)

    def _keep_alone(self, key: Key, lease: Lease, need: Need, now: float, deadline_s: float) -> Reservation | Denial:
        """Without the store: caps from what is held, the rest from this process' share."""
        limits = key.limits
        if not lease.covers_caps(need):
            return quota_unavailable()
        places = limits.concurrency
        if places is not None and lease.running >= max(lease.slots, self.share.places(places)):
            return too_many(places)
        outcome = self.share.take(key, need.paced, now, deadline_s)
        if isinstance(outcome, Denial):
            return outcome
        lease.take_caps(need, now)
        month = lease.month or self.calendar.month(now)
        return self._reservation(key, month, Stub(need, lease, outcome), now + deadline_s * LEASE_FACTOR)

    async def _sync(self, key: Key, lease: Lease, need: Need | None) -> Denial | None:
        """Tells and asks, until the store and this process speak of the same month and the same life of the store."""
        for _ in range(ROUNDS):
            self._sequence += 1
            told = Spent(lease.spent_tokens, lease.spent_nano)
            said = msgspec.json.encode(lease.say(need, self._now(), self._process, self._sequence)).decode()
            answer = await self._link.run(SCRIPT, key_of(key.name), said)
            if answer[0] in ("epoch", "month"):
                lease.begin(answer[1], answer[2])
            elif answer[0] == "base":
                await self.recovery.restored(key.name, answer[1], lost=lease.epoch != "")
            elif answer[0] in ("ok", "no"):
                return self._heard(key, lease, answer, told)
        raise StoreError("the shared store and this process do not come to terms")

    def _heard(self, key: Key, lease: Lease, answer: list[str], told: Spent) -> Denial | None:
        late_us, *rest = (int(each) for each in answer[2:12])
        spent = Spent(rest[5], rest[6])
        lease.hear(tuple(rest[:5]), spent, (rest[7] / 1e6, rest[8] / 1e6), told, self._now())
        if lease.spent_tokens == told.tokens and lease.spent_nano == told.nano_usd:
            lease.dirty = False
        if self._shares and lease.month:
            before = self._seen.get((key.name, lease.month), Spent())
            self._seen[key.name, lease.month] = spent
            self._due += alerts(key, lease.month, before, spent, self._shares)
        return None if answer[0] == "ok" else in_words(key.limits, answer[1], late_us, spent, lease.month)

    async def _tell(self, name: str, lease: Lease) -> None:
        async with lease.lock:
            try:
                await self._sync(Key(name=name, digests=(), scopes=frozenset(), limits=lease.limits), lease, None)
            except StoreError:
                return

    async def _tell_alerts(self) -> None:
        """Whoever writes it down first tells it."""
        while self._due:
            alert = self._due[0]
            name = f"{PREFIX}alert:{alert.key}:{alert.month}:{alert.what}:{alert.share:g}"
            try:
                first = await self._link.call("SET", name, "1", "NX", "EX", str(ALERT_S))
            except StoreError:
                return
            self._due.pop(0)
            if first:
                self.on_alert(alert)


def _need(tokens: int, usd: float | None, paced: int | None) -> Need:
    return Need(tokens, 0 if usd is None else nano_at_most(usd), tokens if paced is None else paced)
