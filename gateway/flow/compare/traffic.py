"""Real requests, from records without prompts, sent through both sides on paper: who moves, and what it costs."""

from collections import Counter
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from gateway.flow.compare.side import Side
from gateway.flow.compare.walker import POLICY, Request, Sent, Walker

GROUPS = 10_000
"""Different moves that are told apart; what comes later is counted together."""
MONTH_S = 30 * 86400.0
SHORTEST_SPAN_S = 3600.0
OTHERS = "(others)"


class Move(Struct, frozen=True, kw_only=True):
    """Requests of one name that go from one place to another."""

    asks: str
    before: str
    after: str
    requests: int
    cost_before_usd: float
    cost_after_usd: float


class Traffic(Struct, frozen=True, kw_only=True):
    """What the change would have meant for these requests."""

    requests: int
    unreadable: int
    """Lines that are no record."""
    moved: int
    refused: int
    """Served before, not any more."""
    span_s: float
    """From the first record to the last."""
    cost_before_usd: float
    cost_after_usd: float
    moves: tuple[Move, ...]
    """The most frequent first."""

    @property
    def per_month(self) -> float | None:
        """What to multiply with for a month of 30 days; None where the records are of less than an hour."""
        return MONTH_S / self.span_s if self.span_s >= SHORTEST_SPAN_S else None

    @property
    def increase(self) -> float:
        """0.05 is five per cent more."""
        if not self.cost_before_usd:
            return 0.0 if not self.cost_after_usd else float("inf")
        return self.cost_after_usd / self.cost_before_usd - 1


class Replay:
    """Grows with every line; memory does not grow with their number."""

    def __init__(self, old: Side, new: Side) -> None:
        self._sides = (Walker(old), Walker(new))
        self._moves: Counter[tuple[str, str, str]] = Counter()
        self._costs: dict[tuple[str, str, str], list[float]] = {}
        self._circles: dict[str, Circle] = {}
        self._totals = [0.0, 0.0]
        self._requests = self._unreadable = self._moved = self._refused = 0
        self._first, self._last = float("inf"), 0.0

    def note(self, line: bytes) -> None:
        """One record."""
        try:
            request = _DECODER.decode(line)
        except (msgspec.DecodeError, msgspec.ValidationError):
            self._unreadable += bool(line.strip())
            return
        self._requests += 1
        if request.unix:
            self._first, self._last = min(self._first, request.unix), max(self._last, request.unix)
        before, after = (walker.send(request) for walker in self._sides)
        self._totals[0] += before.cost_usd
        self._totals[1] += after.cost_usd
        asks = _asks(request)
        if before.turned or after.turned:
            self._circles.setdefault(asks if len(self._circles) < GROUPS else OTHERS, Circle()).note(before, after)
        elif before.name != after.name:
            self._note_move((asks, before.name, after.name), 1, before.cost_usd, after.cost_usd)

    def _note_move(self, move: tuple[str, str, str], count: int, cost_before: float, cost_after: float) -> None:
        self._moved += count
        self._refused += count if move[2].startswith("refused") and not move[1].startswith("refused") else 0
        if move not in self._moves and len(self._moves) >= GROUPS:
            move = (OTHERS, OTHERS, OTHERS)
        self._moves[move] += count
        costs = self._costs.setdefault(move, [0.0, 0.0])
        costs[0] += cost_before
        costs[1] += cost_after

    def told(self) -> Traffic:
        for asks, circle in self._circles.items():
            for before, after, count, cost_before, cost_after in circle.moves():
                self._note_move((asks, before, after), count, cost_before, cost_after)
        self._circles.clear()
        return Traffic(
            requests=self._requests,
            unreadable=self._unreadable,
            moved=self._moved,
            refused=self._refused,
            span_s=max(0.0, self._last - self._first),
            cost_before_usd=self._totals[0],
            cost_after_usd=self._totals[1],
            moves=tuple(self._told_moves()),
        )

    def _told_moves(self) -> Iterator[Move]:
        for move, count in sorted(self._moves.items(), key=lambda item: (-item[1], item[0])):
            asks, before, after = move
            costs = self._costs[move]
            yield Move(
                asks=asks,
                before=before,
                after=after,
                requests=count,
                cost_before_usd=costs[0],
                cost_after_usd=costs[1],
            )


class Circle:
    """Requests that are served in turn: not which of them move is told, but how many."""

    def __init__(self) -> None:
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._costs: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    def note(self, before: Sent, after: Sent) -> None:
        for side, sent in enumerate((before, after)):
            self._counts[side][sent.name] += 1
            self._costs[side][sent.name] += sent.cost_usd  # type: ignore[assignment]

    def moves(self) -> Iterator[tuple[str, str, int, float, float]]:
        """From those who serve less now to those who serve more."""
        less, more = self._counts[0] - self._counts[1], self._counts[1] - self._counts[0]
        for before in sorted(less):
            for after in sorted(more):
                count = min(less[before], more[after])
                if count:
                    less[before] -= count
                    more[after] -= count
                    yield before, after, count, count * self._mean(0, before), count * self._mean(1, after)

    def _mean(self, side: int, name: str) -> float:
        return self._costs[side][name] / self._counts[side][name]


_DECODER = msgspec.json.Decoder(Request)


def _asks(request: Request) -> str:
    if request.endpoint == POLICY:
        return "`/v1/chat`" + (f" in mode `{request.mode}`" if request.mode else "")
    return f"`{request.asked}`" if request.asked else "(no model)"
