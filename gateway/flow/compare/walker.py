"""One record of a real request, and where one side would send it."""

from typing import NamedTuple

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

REMEMBERED = 50_000
ENDPOINTS: dict[str, Endpoint] = {"completions": "completions", "embeddings": "embeddings"}
POLICY = "chat"


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


class Sent(NamedTuple):
    """Who serves a request (or why nobody), what that costs, and whether it was just somebody's turn."""

    name: str
    cost_usd: float
    turned: bool


class Walker:
    """One side under traffic: remembers routes that depend on nothing but the ask, and counts turns."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._moment = side.moment_without(None)
        self._turns: dict[str, int] = {}
        self._known: dict[TrialAsk, str] = {}
        self._drawing = replace(self._moment, turns=self._turns)

    def send(self, request: Request) -> Sent:
        ask = trial_of(request)
        twin = self._side.twins.get(ask.key) if ask.key is not None else None
        kind = ask if twin is None else replace(ask, key=twin)
        name, turned = self._known.get(kind), False
        if name is None:
            name, steady, turned = self._decided(ask, request.id)
            if steady:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[kind] = name
        offer = self._side.offer(name)
        return Sent(name, 0.0 if offer is None else cost_usd(offer.price, request.usage()), turned)

    def _decided(self, said: TrialAsk, request_id: str) -> tuple[str, bool, bool]:
        ask = self._side.ask_of(said, request_id)
        if ask is None:
            return "refused (invalid_api_key)", True, False
        try:
            check_rights(ask, self._moment.unix)
            plan = decide(self._side.snapshot, self._drawing, ask)
        except RequestError as error:
            return f"refused ({error.code})", True, False
        if plan.turn is not None:
            self._turns[plan.turn] = self._turns.get(plan.turn, 0) + 1
        turned = plan.turn is not None
        return plan.steps[0].offer.name, not turned and plan.asked not in self._side.drawing, turned


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
