"""Limits of one process alone: exact, because nothing else runs between the look and the step."""

from collections.abc import Iterable
from math import ceil

from gateway.domain.key import Key
from gateway.state.calendar import Calendar
from gateway.state.gcra import GRAIN_S, MINUTE_S, left
from gateway.state.limits import LEASE_FACTOR, Alert, Denial, Gauge, Reservation, Spent, Standing, alerts
from gateway.state.money import nano_at_most, nano_of
from gateway.state.stores.account import Account, Purse

NONE = Spent()
LATEST_S = MINUTE_S + GRAIN_S
"""Up to this far ahead a minute's worth has been taken."""


class MemoryLimits:
    """The store of a process that is alone. Its note on a reservation is the purse that pays."""

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
        purse = account.purse
        if not purse.since < now < purse.until:
            purse = self._purse(account, now)
        if paced is None:
            paced = tokens
        nano = 0 if usd is None else nano_at_most(usd)
        bound, nano_bound = purse.tokens_bound + tokens, purse.nano_bound + nano
        requests_at, tokens_at, latest = account.requests_at, account.tokens_at, now + LATEST_S
        requests_at = (requests_at if requests_at > now else now) + account.request_s
        tokens_at = (tokens_at if tokens_at > now else now) + paced * account.token_s
        if (
            bound > account.most_tokens
            or nano_bound > account.most_nano
            or account.in_flight >= account.places
            or requests_at > latest
            or tokens_at > latest
            or paced > account.burst
            or usd is None
        ):
            denial = purse.denial(limits, tokens, nano, usd) or account.denial(limits, paced, now)
            if denial is not None:
                return denial
        purse.tokens_bound = bound
        purse.nano_bound = nano_bound
        account.requests_at = requests_at
        account.tokens_at = tokens_at
        account.in_flight += 1
        reservation = Reservation(key, purse.month, tokens, nano, paced, now + deadline_s * LEASE_FACTOR, purse)
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
        """So much is spent; what was set aside and is left flows back, and what was not enough is owed.

        An end that comes after the lease was given up is charged all the same.
        """
        if tokens < 0:
            tokens = 0
        nano, purse, limits = nano_of(usd), reservation.lease, reservation.key.limits
        account = purse.account
        try:
            self._open.remove(reservation)
        except KeyError:
            if not reservation.given_up:
                return ()
            reservation.given_up = False
            purse.spend(tokens, nano)
        else:
            account.in_flight -= 1
            purse.tokens += tokens
            purse.nano += nano
            purse.tokens_bound += tokens - reservation.tokens
            purse.nano_bound += nano - reservation.nano_usd
            per_minute = limits.tokens_per_minute
            if per_minute:
                account.tokens_at += (tokens - reservation.paced) * MINUTE_S / per_minute
        if account.limits is not limits:
            account = self._account(reservation.key)
        if (purse.tokens < account.quiet_tokens and purse.nano < account.quiet_nano) or not self._shares:
            return ()
        before = Spent(purse.tokens - tokens, purse.nano - nano)
        return alerts(reservation.key, purse.month, before, purse.spent(), self._shares)

    def charge(self, key: Key, admitted: float, tokens: int, usd: float) -> None:
        """What a key without limits used: should it get a cap within the month, that counts."""
        self._purse(self._account(key), admitted).spend(tokens, nano_of(usd))

    def release(self, reservation: Reservation) -> None:
        self.settle(reservation, 0, 0.0)

    def expire(self, now: float) -> int:
        """Gives up reservations whose request is long over by any deadline; how many."""
        late = [each for each in self._open if now >= each.expires]
        for reservation in late:
            self.settle(reservation, 0, 0.0)
            reservation.given_up = True
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

    def rates_left(self, key: Key, now: float, unix: float) -> tuple[int, ...]:
        limits = key.limits
        requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
        if requests is None and tokens is None:
            return ()
        account = self._accounts.get(key.name)
        if account is None:
            account = self._account(key)
        if requests is not None and tokens is not None and account.requests_at <= now and account.tokens_at <= now:
            whole = ceil(unix)
            return requests, whole, tokens, whole
        told = () if requests is None else _rate_left(requests, account.requests_at, now, unix)
        return told if tokens is None else told + _rate_left(tokens, account.tokens_at, now, unix)

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
            purse = self._accounts.setdefault(key, Account()).purse_of(month)
            purse.spend(max(0, spent.tokens - purse.tokens), max(0, spent.nano_usd - purse.nano))

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

    def _purse(self, account: Account, now: float) -> Purse:
        """Of the month of this moment, and between which moments nobody needs to ask again."""
        calendar = self.calendar
        purse = account.purse_of(calendar.month(now))
        purse.since, purse.until = calendar.span_of(purse.month)
        return purse


def _gauge(per_minute: int | None, arrival: float, now: float, unix: float) -> Gauge | None:
    return None if per_minute is None else Gauge(per_minute, *_rate_left(per_minute, arrival, now, unix))


def _rate_left(per_minute: int, arrival: float, now: float, unix: float) -> tuple[int, int]:
    if arrival <= now:
        return per_minute, ceil(unix)
    return left(arrival, now, per_minute), ceil(unix + (arrival - now))
