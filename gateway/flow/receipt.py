"""What one request comes to: opened when it is understood, closed exactly once, whichever way it ends."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct, field, structs

from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.plan import Plan, Step
from gateway.domain.trail import Failure, Trail
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.exchange import LEFT, Opened
from gateway.flow.gateway import Gateway
from gateway.flow.trial import Experience
from gateway.flow.upper_bound import Ceilings
from gateway.routing.estimate import cost_usd
from gateway.state.limits import Reservation

Ending = Literal["ok", "broken", "refused", "client_closed", "internal"]

CHARS_A_TOKEN = 4.0
INTERNAL = 500
CLIENT_CLOSED = 499
"""In records only: nobody is there to read a status."""


class Receipt(Struct, eq=False):
    """Collects while the request runs; `close` is synchronous, so that no disconnect can cut it in half."""

    gateway: Gateway
    visit: Visit
    ask: Ask
    endpoint: str
    experience: Experience
    """Of the configuration that serves it, to its end: a trial that is over meanwhile keeps what it learnt."""
    on_close: Callable[["Receipt"], None]
    said: list[bytes] | None
    """The answer as it was sent, where the files say that it is kept."""
    trail: Trail = field(default_factory=Trail)
    estimate_nano_usd: int | None = None
    """Once the ledger knows of it."""
    place: int = 0
    """Where the ledger wrote that."""
    patience_s: float = 0.0
    status: int = 200
    plan: Plan | None = None
    ceilings: Ceilings | None = None
    """Kept for plans like this one."""
    step: Step | None = None
    stream: Opened | None = None
    reservation: Reservation | None = None
    usage: Usage | None = None
    served_model: str = ""
    cost_usd: float = 0.0
    attempts: int = 0
    dropped: tuple[str, ...] = ()
    ending: Ending = "internal"
    error_code: str = ""
    wants_trace: bool = False
    trace_parent: str | None = None
    closed: bool = False
    stream_told: bool = False

    def answered(self, step: Step, answer: Answer, attempts: int) -> None:
        self._served_by(step, attempts, answer.model)
        self._used(answer.usage or self._estimated(answer.output_chars))
        self.ending = "ok"

    def opened(self, step: Step, stream: Opened, attempts: int) -> None:
        self._served_by(step, attempts, stream.live.model)
        self.stream = stream

    def stream_over(self, failure: Failure | None) -> None:
        """The stream ended, well or not: what it used so far is known now."""
        if self.stream is None or self.stream_told:
            return
        self.stream_told = True
        live = self.stream.live
        self._used(live.usage or self._estimated(live.chars))
        if failure is None:
            self.ending = "ok"
        else:
            self.ending = "client_closed" if failure.code == "client_closed" else "broken"
            self.error_code = failure.code
            self.status = CLIENT_CLOSED if failure.code == "client_closed" else self.status

    def wasted(self, step: Step, answer: Answer) -> None:
        """An answer that was paid for and is not handed on: it is charged all the same."""
        self._served_by(step, 0, answer.model)
        self._used(answer.usage or self._estimated(answer.output_chars))

    def can_pay(self, step: Step) -> bool:
        """Whether what was spent on this request so far leaves room for one more call."""
        policy = self.ask.policy
        return policy is None or self.usage is None or self.cost_usd + step.cost_usd <= policy.max_budget_usd

    def refused(self, error: RequestError, status: int) -> None:
        self.ending = "refused"
        self.error_code = error.code
        self.status = status

    def caller_left(self) -> None:
        """A call that was under way is charged with what was sent: leaving early is no way around a cap."""
        if self.step is None and self.plan is not None and self.trail.attempts:
            offer = self.trail.attempts[-1].offer
            step = next((step for step in (*self.plan.steps, *self.plan.wider) if step.offer.name == offer), None)
            if step is not None and self.trail.attempts[-1].failure is LEFT:
                self._served_by(step, len(self.trail.attempts), "")
                self._used(Usage(input_tokens=self.ask.input_tokens, estimated=True))
        self.ending = "client_closed"
        self.error_code = "client_closed"
        self.status = CLIENT_CLOSED

    def close(self) -> None:
        """What was used is charged; a request that came to nothing frees what it had set aside."""
        if self.closed:
            return
        self.closed = True
        if self.ending == "internal":
            self.status, self.error_code = INTERNAL, "internal_error"
        gateway, reservation, usage = self.gateway, self.reservation, self.usage
        gateway.in_flight -= 1
        if usage is not None and reservation is not None:
            for alert in gateway.limits.settle(reservation, usage.total(), self.cost_usd):
                gateway.alerting.report(alert)
        elif usage is not None and self.visit.key is not None:
            gateway.limits.charge(self.visit.key, self.visit.started, usage.total(), self.cost_usd)
        elif reservation is not None:
            gateway.limits.release(reservation)
        self.on_close(self)

    def _served_by(self, step: Step, attempts: int, model: str) -> None:
        self.step = step
        self.attempts = attempts
        self.served_model = f"{step.offer.provider}/{model or step.offer.id}"

    def _used(self, usage: Usage) -> None:
        self.usage = usage if self.usage is None else added(self.usage, usage)
        if self.step is not None:
            self.cost_usd += cost_usd(self.step.offer.price, usage)

    def _estimated(self, chars: int) -> Usage:
        return Usage(
            input_tokens=self.ask.input_tokens, output_tokens=max(1, int(chars / CHARS_A_TOKEN)), estimated=True
        )


def added(one: Usage, other: Usage) -> Usage:
    """Bucket by bucket; estimated if either is."""
    return Usage(
        **{
            name: getattr(one, name) + getattr(other, name) if name != "estimated" else one.estimated or other.estimated
            for name in (field.name for field in structs.fields(Usage))
        }
    )
