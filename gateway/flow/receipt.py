"""What one request comes to: opened when it is understood, closed exactly once, whichever way it ends."""

from typing import Literal

from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.plan import Plan, Step
from gateway.domain.trail import Failure, Trail
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.exchange import Opened
from gateway.flow.gateway import Gateway
from gateway.routing.estimate import cost_usd
from gateway.state.limits import Reservation

Ending = Literal["ok", "broken", "refused", "client_closed", "internal"]

CHARS_A_TOKEN = 4.0


class Receipt:
    """Collects while the request runs; `close` is synchronous, so that no disconnect can cut it in half."""

    __slots__ = (
        "_closed",
        "_gateway",
        "ask",
        "attempts",
        "cost_usd",
        "dropped",
        "ending",
        "error_code",
        "plan",
        "reservation",
        "served_model",
        "step",
        "stream",
        "trail",
        "usage",
        "visit",
        "wants_trace",
    )

    def __init__(self, gateway: Gateway, visit: Visit, ask: Ask) -> None:
        self._gateway = gateway
        self._closed = False
        self.visit = visit
        self.ask = ask
        self.trail = Trail()
        self.plan: Plan | None = None
        self.step: Step | None = None
        self.stream: Opened | None = None
        self.reservation: Reservation | None = None
        self.usage: Usage | None = None
        self.served_model = ""
        self.cost_usd = 0.0
        self.attempts = 0
        self.dropped: tuple[str, ...] = ()
        self.ending: Ending = "internal"
        self.error_code = ""
        self.wants_trace = False
        gateway.in_flight += 1

    @property
    def gateway(self) -> Gateway:
        return self._gateway

    def answered(self, step: Step, answer: Answer, attempts: int) -> None:
        self._served_by(step, attempts, answer.model)
        self._used(answer.usage or self._estimated(answer.output_chars))
        self.ending = "ok"

    def opened(self, step: Step, stream: Opened, attempts: int) -> None:
        self._served_by(step, attempts, stream.live.model)
        self.stream = stream

    def stream_over(self, failure: Failure | None) -> None:
        """The stream ended, well or not: what it used so far is known now."""
        if self.stream is None:
            return
        live = self.stream.live
        self._used(live.usage or self._estimated(live.chars))
        if failure is None:
            self.ending = "ok"
        else:
            self.ending = "client_closed" if failure.code == "client_closed" else "broken"
            self.error_code = failure.code

    def refused(self, error: RequestError) -> None:
        self.ending = "refused"
        self.error_code = error.code

    def caller_left(self) -> None:
        self.ending = "client_closed"
        self.error_code = "client_closed"

    def limit_headers(self) -> list[tuple[bytes, bytes]]:
        return []

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        gateway = self._gateway
        gateway.in_flight -= 1
        for attempt in self.trail.attempts:
            gateway.metrics.attempted(attempt)
        self._settle()
        if self.usage is not None and self.step is not None:
            offer = self.step.offer
            gateway.metrics.used(offer.provider, offer.model, self.usage, self.cost_usd)

    def _settle(self) -> None:
        """What was used is charged; a request that came to nothing frees what it had set aside."""
        reservation = self.reservation
        if reservation is None:
            return
        if self.usage is None:
            self._gateway.limits.release(reservation)
            return
        tokens = self.usage.prompt_tokens + self.usage.completion_tokens
        for alert in self._gateway.limits.settle(reservation, tokens, self.cost_usd):
            self._gateway.alerted(alert)

    def _served_by(self, step: Step, attempts: int, model: str) -> None:
        self.step = step
        self.attempts = attempts
        self.served_model = f"{step.offer.provider}/{model or step.offer.id}"

    def _used(self, usage: Usage) -> None:
        self.usage = usage
        if self.step is not None and self.step.offer.price is not None:
            self.cost_usd = cost_usd(self.step.offer.price, usage)

    def _estimated(self, chars: int) -> Usage:
        return Usage(
            input_tokens=self.ask.input_tokens, output_tokens=max(1, int(chars / CHARS_A_TOKEN)), estimated=True
        )
