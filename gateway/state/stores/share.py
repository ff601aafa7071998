"""The share of one process: what it may let through alone while nobody can be asked."""

from msgspec.structs import replace

from gateway.domain.key import Key, Limits
from gateway.state.limits import Denial, Reservation
from gateway.state.stores.memory import MemoryLimits
from gateway.state.stores.terms import share_of


class Share:
    """Rates divided by the number of processes, counted here alone."""

    def __init__(self, processes: int, now: float, unix: float) -> None:
        self.processes = max(1, processes)
        self._counters = MemoryLimits(now, unix)
        self._keys: dict[str, tuple[Limits, Key]] = {}

    def of(self, processes: int) -> None:
        """How many there are since a reload."""
        if processes != self.processes:
            self.processes = max(1, processes)
            self._keys.clear()

    def places(self, concurrency: int) -> int:
        return max(concurrency // self.processes, 1)

    def take(self, key: Key, paced: int, now: float, deadline_s: float) -> Reservation | Denial:
        return self._counters.reserve(self._part_of(key), paced, 0.0, now, 0.0, deadline_s)

    def end(self, reservation: Reservation, tokens: int) -> None:
        self._counters.settle(reservation, tokens, 0.0)

    def _part_of(self, key: Key) -> Key:
        known = self._keys.get(key.name)
        if known is None or known[0] is not key.limits:
            rates = Limits(
                requests_per_minute=share_of(key.limits.requests_per_minute, self.processes),
                tokens_per_minute=share_of(key.limits.tokens_per_minute, self.processes),
            )
            known = self._keys[key.name] = (key.limits, replace(key, limits=rates))
        return known[1]
