"""Who tries keys that nobody has: after a few a minute, a peer is told to wait. Good keys are never asked about."""

from collections import OrderedDict

FREE_A_MINUTE = 300
MINUTE_S = 60.0
MOST_PEERS = 10_000
"""Beyond it, the peers that were quiet longest are forgotten."""


class Strangers:
    """One counter a peer and minute; memory is bounded, time is an argument."""

    def __init__(self, free_a_minute: int = FREE_A_MINUTE) -> None:
        self._free = free_a_minute
        self._seen: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, peer: str, now: float) -> float | None:
        """Counts one unknown key; seconds to wait where there were too many, else None."""
        place = neighbourhood(peer)
        entry = self._seen.get(place)
        if entry is None or now - entry[0] >= MINUTE_S:
            entry = self._seen[place] = [now, 0]
        self._seen.move_to_end(place)
        if len(self._seen) > MOST_PEERS:
            self._seen.popitem(last=False)
        entry[1] += 1
        return None if entry[1] <= self._free else entry[0] + MINUTE_S - now


def neighbourhood(peer: str) -> str:
    """An IPv6 host owns 2^64 addresses: they count as one."""
    return ":".join(peer.partition("%")[0].split(":")[:4]) if ":" in peer else peer
