"""One key in memory: what it spent in each month, what running requests may yet spend, and the pace it keeps."""

from math import floor

from gateway.domain.key import Limits
from gateway.state.gcra import GRAIN_S, MINUTE_S, flow_s
from gateway.state.limits import Denial, Spent, cap_reached, priceless, too_fast, too_many
from gateway.state.money import nano_of

ENDLESS = 1 << 62


class Purse:
    """One key's month: what is spent, and what is bound, by what is spent and by what running requests may yet spend.

    Between `since` and `until` it is surely the purse of now; close to the edges of a month the calendar is asked.
    """

    __slots__ = ("account", "month", "nano", "nano_bound", "since", "tokens", "tokens_bound", "until")

    def __init__(self, account: "Account", month: str) -> None:
        self.account = account
        self.month = month
        self.since = self.until = 0.0
        self.tokens = 0
        self.nano = 0
        self.tokens_bound = 0
        self.nano_bound = 0

    def spent(self) -> Spent:
        return Spent(self.tokens, self.nano)

    def spend(self, tokens: int, nano: int) -> None:
        """What nothing is set aside for."""
        self.tokens += tokens
        self.nano += nano
        self.tokens_bound += tokens
        self.nano_bound += nano

    def denial(self, limits: Limits, tokens: int, nano: int, usd: float | None) -> Denial | None:
        """What stands against so much more."""
        if self.tokens_bound + tokens > self.account.most_tokens:
            over = cap_reached(limits, self.spent(), self.month, "monthly_tokens")
        elif self.nano_bound + nano > self.account.most_nano:
            over = cap_reached(limits, self.spent(), self.month, "monthly_spend")
        else:
            over = None
        return priceless(limits, usd) or over


class Account:
    """One key's counters; all digests of a key share it."""

    __slots__ = (
        "burst",
        "in_flight",
        "limits",
        "most_nano",
        "most_tokens",
        "places",
        "purse",
        "purses",
        "quiet_nano",
        "quiet_tokens",
        "request_s",
        "requests_at",
        "token_s",
        "tokens_at",
    )

    def __init__(self) -> None:
        self.in_flight = 0
        self.requests_at = 0.0
        """Theoretical arrival times: when all that was taken so far will have flowed back."""
        self.tokens_at = 0.0
        self.request_s = self.token_s = 0.0
        """By how much a request, and a token, put them off; not at all where there is no such limit."""
        self.burst = ENDLESS
        """Tokens that may be taken at once."""
        self.purses: dict[str, Purse] = {}
        self.purse = Purse(self, "")
        """The one that was asked for last."""
        self.limits: Limits | None = None
        """Those that the numbers below were worked out from."""
        self.places = self.most_tokens = self.most_nano = ENDLESS
        """At a time, and in a month."""
        self.quiet_tokens = self.quiet_nano = ENDLESS
        """Below both of these there is nothing to tell."""

    def adopt(self, limits: Limits, lowest_share: float | None) -> None:
        places, tokens = limits.concurrency, limits.monthly_tokens
        nano = None if limits.monthly_usd is None else nano_of(limits.monthly_usd)
        self.limits = limits
        requests, pace = limits.requests_per_minute, limits.tokens_per_minute
        self.request_s = 0.0 if requests is None else flow_s(1, requests)
        self.token_s = flow_s(1, pace) if pace else 0.0
        self.burst = ENDLESS if pace is None else pace
        self.places = ENDLESS if places is None else places
        self.most_tokens = ENDLESS if tokens is None else tokens
        self.most_nano = ENDLESS if nano is None else nano
        self.quiet_tokens = _part(tokens, lowest_share)
        self.quiet_nano = _part(nano, lowest_share)

    def purse_of(self, month: str) -> Purse:
        """Older months go once nothing runs in them."""
        purse = self.purses.get(month)
        if purse is None:
            if self.in_flight == 0:
                self.purses = {each: kept for each, kept in self.purses.items() if each >= month}
            purse = self.purses[month] = Purse(self, month)
        self.purse = purse
        return purse

    def denial(self, limits: Limits, paced: int, now: float) -> Denial | None:
        """What stands against one more request at this pace."""
        if self.in_flight >= self.places:
            return too_many(self.places)
        for what, per_minute, wanted, arrival in (
            ("requests", limits.requests_per_minute, 1, self.requests_at),
            ("tokens", limits.tokens_per_minute, paced, self.tokens_at),
        ):
            if per_minute is not None:
                ahead_s = max(arrival - now, 0.0) + flow_s(wanted, per_minute) - MINUTE_S
                if ahead_s > GRAIN_S:
                    return too_fast("requests" if what == "requests" else "tokens", per_minute, ahead_s)
        return None


def _part(cap: int | None, share: float | None) -> int:
    """What is surely less than this share of a cap."""
    return floor(cap * share) - 1 if cap and share is not None else ENDLESS
