"""Real requests, from records without prompts, sent through both sides on paper: who moves, and what it costs."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.config.shape.offering import Capability
from gateway.config.shape.proving import TrialAsk
from gateway.domain.answer import Usage
from gateway.domain.ask import Endpoint
from gateway.domain.table import Strategy
from gateway.errors import RequestError
from gateway.flow.compare.probes import STRATEGIES
from gateway.flow.compare.side import Side
from gateway.flow.decide import decide
from gateway.flow.outlook import check_rights
from gateway.routing.estimate import cost_usd

GROUPS = 10_000
"""Different moves that are told apart; what comes later is counted together."""
REMEMBERED = 50_000
MONTH_S = 30 * 86400.0
SHORTEST_SPAN_S = 3600.0
ENDPOINTS: dict[str, Endpoint] = {"completions": "completions", "embeddings": "embeddings"}
POLICY = "chat"
OTHERS = "(others)"


class Request(Struct, kw_only=True):
    """One line; what the ledger's export writes, and, beyond it, what a caller may have asked for."""

    id: str = ""
    unix: float = 0.0
    key: str = ""
    endpoint: str = "chat.completions"
    asked: str = ""
    reason: str = ""
    status: int = 200
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_tokens: int = 0
    strategy: Strategy | None = None
    mode: str | None = None
    features: tuple[Capability, ...] = ()
    max_tokens: int | None = None

    def usage(self) -> Usage:
        return Usage(
            input_tokens=self.input_tokens,
            cache_read_tokens=self.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens,
            output_tokens=self.output_tokens,
            reasoning_tokens=self.reasoning_tokens,
            audio_input_tokens=self.audio_input_tokens,
            audio_output_tokens=self.audio_output_tokens,
            image_tokens=self.image_tokens,
        )


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
        (before, cost_before), (after, cost_after) = (walker.send(request) for walker in self._sides)
        self._totals[0] += cost_before
        self._totals[1] += cost_after
        if before != after:
            self._moved += 1
            self._refused += after.startswith("refused") and not before.startswith("refused")
            self._note_move((_asks(request), before, after), cost_before, cost_after)

    def _note_move(self, move: tuple[str, str, str], cost_before: float, cost_after: float) -> None:
        if move not in self._moves and len(self._moves) >= GROUPS:
            move = (OTHERS, OTHERS, OTHERS)
        self._moves[move] += 1
        costs = self._costs.setdefault(move, [0.0, 0.0])
        costs[0] += cost_before
        costs[1] += cost_after

    def told(self) -> Traffic:
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


class Walker:
    """One side under traffic: remembers routes that depend on nothing but the ask, and counts turns."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._moment = side.moment_without(None)
        self._turns: dict[str, int] = {}
        self._known: dict[TrialAsk, str] = {}
        self._drawing = replace(self._moment, turns=self._turns)

    def send(self, request: Request) -> tuple[str, float]:
        """Who serves it (or why nobody), and what that costs."""
        ask = trial_of(request)
        twin = self._side.twins.get(ask.key) if ask.key is not None else None
        kind = ask if twin is None else replace(ask, key=twin)
        name = self._known.get(kind)
        if name is None:
            name, steady = self._decided(ask, request.id)
            if steady:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[kind] = name
        offer = self._side.offer(name)
        return name, 0.0 if offer is None else cost_usd(offer.price, request.usage())

    def _decided(self, said: TrialAsk, request_id: str) -> tuple[str, bool]:
        ask = self._side.ask_of(said, request_id)
        if ask is None:
            return "refused (invalid_api_key)", True
        try:
            check_rights(ask, self._moment.unix)
            plan = decide(self._side.snapshot, self._drawing, ask)
        except RequestError as error:
            return f"refused ({error.code})", True
        if plan.turn is not None:
            self._turns[plan.turn] = self._turns.get(plan.turn, 0) + 1
        return plan.steps[0].offer.name, plan.turn is None and plan.asked not in self._side.drawing


_DECODER = msgspec.json.Decoder(Request)


def trial_of(request: Request) -> TrialAsk:
    """Sizes count to two digits, so that a hundred thousand requests are a few hundred questions."""
    prompt = request.usage().prompt_tokens
    policy = request.endpoint == POLICY
    named = request.asked or None
    return TrialAsk(
        endpoint=ENDPOINTS.get(request.endpoint, "chat"),
        model=None if policy else named,
        hint=named if policy else None,
        mode=request.mode if policy else None,
        min_weight=0.0 if policy else None,
        strategy=request.strategy or _strategy_of(request.reason),
        key=request.key or None,
        features=request.features,
        input_tokens=_rounded(prompt) or None,
        output_tokens=_rounded(request.max_tokens) or None,
    )


def _strategy_of(reason: str) -> Strategy | None:
    """A route that a strategy decided says so: `auto-latency` was asked for by a header."""
    kind, _, strategy = reason.partition("-")
    return next((one for one in STRATEGIES if kind == "auto" and one == strategy), None)


def _rounded(tokens: int | None) -> int:
    if not tokens or tokens < 100:
        return tokens or 0
    step: int = 10 ** (len(str(tokens)) - 2)
    return -(-tokens // step) * step


def _asks(request: Request) -> str:
    if request.endpoint == POLICY:
        return "`/v1/chat`" + (f" in mode `{request.mode}`" if request.mode else "")
    return f"`{request.asked}`" if request.asked else "(no model)"


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines out of pieces."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest
