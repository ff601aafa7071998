"""Limits of one process alone: exact, because nothing else runs between the look and the step."""

from collections.abc import Iterable
from math import ceil, floor, inf

from gateway.domain.key import Key, Limits
from gateway.state.calendar import Calendar
from gateway.state.gcra import MINUTE_S, after_taking, left, wait_s
from gateway.state.limits import (
    LEASE_FACTOR,
    Alert,
    Denial,
    DenialCode,
    Gauge,
    Reservation,
    Spent,
    Standing,
    alerts,
    cap_reached,
    priceless,
    too_fast,
    too_many,
)
from gateway.state.money import nano_at_most, nano_of

NONE = Spent()
ENDLESS = 1 << 62


class Purse:
    """One key's month: what is spent, and what running requests may yet spend."""

    __slots__ = ("nano", "nano_held", "tokens", "tokens_held")

    def __init__(self) -> None:
        self.tokens = 0
        self.nano = 0
        self.tokens_held = 0
        self.nano_held = 0

    def spent(self) -> Spent:
        return Spent(self.tokens, self.nano)


class Account:
    """One key's counters; all digests of a key share it."""

    __slots__ = ("in_flight", "limits", "most_nano", "purses", "quiet_nano", "quiet_tokens", "requests_at", "tokens_at")

    def __init__(self) -> None:
        self.in_flight = 0
        self.requests_at = 0.0
        """Theoretical arrival times, see `gcra`."""
        self.tokens_at = 0.0
        self.purses: dict[str, Purse] = {}
        self.limits: Limits | None = None
        """Those that the numbers below were worked out from."""
        self.most_nano = 0
        self.quiet_tokens = 0
        """Below both of these there is nothing to tell."""
        self.quiet_nano = 0

    def adopt(self, limits: Limits, lowest_share: float | None) -> None:
        self.limits = limits
        self.most_nano = nano_of(limits.monthly_usd or 0.0)
        self.quiet_tokens = _part(limits.monthly_tokens, lowest_share)
        self.quiet_nano = _part(self.most_nano, lowest_share)

    def take(self, limits: Limits, paced: int, now: float) -> Denial | None:
        """A place and a part of each rate, or nothing at all."""
        if limits.concurrency is not None and self.in_flight >= limits.concurrency:
            return too_many(limits.concurrency)
        requests_at, tokens_at = self.requests_at, self.tokens_at
        per_minute = limits.requests_per_minute
        if per_minute is not None:
            requests_at = after_taking(self.requests_at, now, 1, per_minute)
            if requests_at == inf:
                return too_fast("requests", per_minute, wait_s(self.requests_at, now, 1, per_minute))
        per_minute = limits.tokens_per_minute
        if per_minute is not None:
            tokens_at = after_taking(self.tokens_at, now, paced, per_minute)
            if tokens_at == inf:
                return too_fast("tokens", per_minute, wait_s(self.tokens_at, now, paced, per_minute))
        self.requests_at, self.tokens_at = requests_at, tokens_at
        self.in_flight += 1
        return None


class MemoryLimits:
    """The store of a process that is alone."""

    def __init__(self, now: float, unix: float, shares: tuple[float, ...] = ()) -> None:
        self.calendar = Calendar(now, unix)
        self._shares = shares
        self._accounts: dict[str, Account] = {}
        self._open: set[Reservation] = set()

    def reserve(
        self,
        key: Key,
        tokens: int,
        usd: float | None,
        now: float,
        unix: float,  # noqa: ARG002 - a wall clock may jump
        deadline_s: float = 600.0,
        paced: int | None = None,
    ) -> Reservation | Denial:
        """All limits are looked at before any is touched."""
        limits, account = key.limits, self._accounts.get(key.name)
        if account is None or account.limits is not limits:
            account = self._account(key)
        month = self.calendar.month(now)
        purse = account.purses.get(month) or self._new_purse(account, month)
        nano = 0 if usd is None else nano_at_most(usd)
        if paced is None:
            paced = tokens
        denial = None if usd is not None else priceless(limits, usd)
        if denial is not None:
            return denial
        over = _over_cap(account, limits, purse, tokens, nano)
        if over is not None:
            return cap_reached(limits, purse.spent(), month, over)
        denial = account.take(limits, paced, now)
        if denial is not None:
            return denial
        purse.tokens_held += tokens
        purse.nano_held += nano
        expires = now + deadline_s * LEASE_FACTOR
        reservation = Reservation(key=key, month=month, tokens=tokens, nano_usd=nano, paced=paced, expires=expires)
        self._open.add(reservation)
        return reservation

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
        return self.reserve(key, tokens, usd, now, unix, deadline_s, paced)

    def settle(self, reservation: Reservation, tokens: int, usd: float) -> tuple[Alert, ...]:
        """An end that comes after the lease was given up is charged all the same."""
        if reservation.state == "closed":
            return ()
        if tokens < 0:
            tokens = 0
        key, month = reservation.key, reservation.month
        account = self._accounts.get(key.name)
        if account is None or account.limits is not key.limits:
            account = self._account(key)
        purse = account.purses.get(month) or self._new_purse(account, month)
        if reservation.state == "open":
            self._free(reservation, account, purse, tokens)
        reservation.state = "closed"
        nano = nano_of(usd)
        purse.tokens += tokens
        purse.nano += nano
        if (purse.tokens < account.quiet_tokens and purse.nano < account.quiet_nano) or not self._shares:
            return ()
        before = Spent(purse.tokens - tokens, purse.nano - nano)
        return alerts(key, month, before, purse.spent(), self._shares)

    def charge(self, key: Key, admitted: float, tokens: int, usd: float) -> None:
        """What a key without limits used: should it get a cap within the month, that counts."""
        account, month = self._account(key), self.calendar.month(admitted)
        purse = account.purses.get(month) or self._new_purse(account, month)
        purse.tokens += tokens
        purse.nano += nano_of(usd)

    def release(self, reservation: Reservation) -> None:
        self._give_back(reservation)
        reservation.state = "closed"

    def expire(self, now: float) -> int:
        """Gives up reservations whose request is long over by any deadline; how many."""
        late = [each for each in self._open if now >= each.expires]
        for reservation in late:
            self._give_back(reservation)
            reservation.state = "given up"
        return len(late)

    def standing(self, key: Key, now: float, unix: float) -> Standing | None:
        limits = key.limits
        if limits.requests_per_minute is None and limits.tokens_per_minute is None:
            return None
        account = self._account(key)
        return Standing(
            _gauge(limits.requests_per_minute, account.requests_at, now, unix),
            _gauge(limits.tokens_per_minute, account.tokens_at, now, unix),
        )

    def spent(self, key: str, now: float) -> Spent:
        account = self._accounts.get(key)
        purse = account.purses.get(self.calendar.month(now)) if account is not None else None
        return NONE if purse is None else purse.spent()

    def in_flight(self, key: str) -> int:
        account = self._accounts.get(key)
        return 0 if account is None else account.in_flight

    def restore(self, rows: Iterable[tuple[str, str, Spent]]) -> None:
        """What the ledger says each key spent in a month; what is known here already is a part of that."""
        for key, month, spent in rows:
            account = self._accounts.setdefault(key, Account())
            purse = account.purses.get(month) or self._new_purse(account, month)
            purse.tokens, purse.nano = max(purse.tokens, spent.tokens), max(purse.nano, spent.nano_usd)

    def adopt(self, shares: tuple[float, ...], capped_anew: tuple[str, ...] = ()) -> None:  # noqa: ARG002 all is here
        """After a reload. Accounts stay: a key that comes back within the month comes back to its spending."""
        self._shares = shares
        for account in self._accounts.values():
            account.limits = None

    def _account(self, key: Key) -> Account:
        """As these limits have it: they may be others than last time."""
        account = self._accounts.get(key.name)
        if account is None:
            account = self._accounts[key.name] = Account()
        if account.limits is not key.limits:
            account.adopt(key.limits, min(self._shares, default=None))
        return account

    def _new_purse(self, account: Account, month: str) -> Purse:
        """Older months go once nothing runs in them."""
        for old in [each for each, purse in account.purses.items() if not (purse.tokens_held or purse.nano_held)]:
            if old < month and account.in_flight == 0:
                del account.purses[old]
        purse = account.purses[month] = Purse()
        return purse

    def _give_back(self, reservation: Reservation) -> None:
        if reservation.state == "open":
            account = self._account(reservation.key)
            self._free(reservation, account, account.purses[reservation.month], 0)

    def _free(self, reservation: Reservation, account: Account, purse: Purse, tokens: int) -> None:
        """Gives back what was set aside; `tokens` stay taken from the rate."""
        self._open.remove(reservation)
        account.in_flight -= 1
        purse.tokens_held -= reservation.tokens
        purse.nano_held -= reservation.nano_usd
        per_minute = reservation.key.limits.tokens_per_minute
        if per_minute:
            account.tokens_at += (tokens - reservation.paced) * MINUTE_S / per_minute


def _over_cap(account: Account, limits: Limits, purse: Purse, tokens: int, nano: int) -> DenialCode | None:
    if limits.monthly_tokens is not None and purse.tokens + purse.tokens_held + tokens > limits.monthly_tokens:
        return "monthly_tokens"
    if limits.monthly_usd is not None and purse.nano + purse.nano_held + nano > account.most_nano:
        return "monthly_spend"
    return None


def _part(cap: int | None, share: float | None) -> int:
    """What is surely less than this share of a cap."""
    return floor(cap * share) - 1 if cap and share is not None else ENDLESS


def _gauge(per_minute: int | None, arrival: float, now: float, unix: float) -> Gauge | None:
    if per_minute is None:
        return None
    return Gauge(per_minute, left(arrival, now, per_minute), ceil(unix + (arrival - now) if arrival > now else unix))
