"""One attempt: an ask goes to an offer's provider in its dialect, and comes back in OpenAI's words or as a failure."""

from collections.abc import Mapping

from gateway.dialects.base import Dialect, Seal
from gateway.dialects.openai.chunks import chunks_of
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Patience, Reply
from gateway.domain.plan import Step
from gateway.domain.table import Provider
from gateway.domain.trail import Attempt, Failure, Trail
from gateway.domain.visit import Visit
from gateway.flow.gateway import Gateway
from gateway.flow.stream import LiveStream, Recital, Silence, Source, Spoken

ID_PREFIX: Mapping[str, str] = {"chat": "chatcmpl-th-", "completions": "cmpl-th-", "embeddings": "embd-th-"}

LEFT = Failure(kind="bad_request", code="client_closed", message="The caller left.", blame="nobody")


class Exchange:
    """Makes the attempts of one request and notes each, in the trail and in the health of its offer."""

    __slots__ = ("_ask", "_gateway", "_trail", "_until", "_visit")

    def __init__(self, gateway: Gateway, visit: Visit, ask: Ask, trail: Trail, until: float) -> None:
        self._gateway = gateway
        self._visit = visit
        self._ask = ask
        self._trail = trail
        self._until = until

    async def whole(self, step: Step) -> Answer | Failure:
        """The answer in one piece."""
        noted = self._begin(step)
        outcome: Answer | Failure = LEFT
        try:
            reply, dialect, seal = await self._reply(step, noted)
            outcome = reply if isinstance(reply, Failure) else dialect.answer(self._ask, reply, seal)
            return outcome
        finally:
            noted.end(outcome if isinstance(outcome, Failure) else None)

    async def opened(self, step: Step) -> "Opened | Failure":
        """A stream that has shown its first content; whoever takes it must `end` it."""
        noted = self._begin(step)
        outcome: Opened | Failure = LEFT
        try:
            outcome = await self._open(step, noted)
            return outcome
        finally:
            if isinstance(outcome, Failure):
                noted.end(outcome)

    async def _reply(self, step: Step, noted: "Noted") -> tuple[Reply | Failure, Dialect, Seal]:
        provider = self._visit.snapshot.table.providers[step.offer.provider]
        dialect = dialect_of(provider.dialect)
        seal = self._seal(provider)
        patience = self._patience(provider)
        call = await self._call(step, provider, dialect, patience)
        if isinstance(call, Failure):
            return call, dialect, seal
        if dialect.offline:
            return dialect.perform(call), dialect, seal
        reply = await self._gateway.upstream.send(provider, call, patience)
        if not isinstance(reply, Failure):
            noted.first_byte_ms = reply.first_byte_ms
        return reply, dialect, seal

    async def _open(self, step: Step, noted: "Noted") -> "Opened | Failure":
        provider = self._visit.snapshot.table.providers[step.offer.provider]
        dialect = dialect_of(provider.dialect)
        seal = self._seal(provider)
        patience = self._patience(provider)
        call = await self._call(step, provider, dialect, patience)
        if isinstance(call, Failure):
            return call
        source = await self._source(provider, dialect, call, patience)
        if isinstance(source, Failure):
            return source
        if isinstance(source, Reply):
            noted.first_byte_ms = source.first_byte_ms
            return self._unstreamed(source, dialect, seal, noted)
        live = LiveStream(source, dialect.reader(self._ask, seal), seal, noted.since_start_ms())
        noted.first_byte_ms = live.first_byte_ms
        failure: Failure | None = LEFT
        try:
            failure = await live.await_content()
        finally:
            if failure is not None:
                live.close()
        return failure or Opened(live, noted)

    async def _source(
        self, provider: Provider, dialect: Dialect, call: Call, patience: Patience
    ) -> Source | Reply | Failure:
        if dialect.offline:
            pieces = dialect.perform_stream(call)
            return pieces if isinstance(pieces, Reply) else Recital(pieces)
        stream = await self._gateway.upstream.open(provider, call, patience)
        return stream

    def _unstreamed(self, reply: Reply, dialect: Dialect, seal: Seal, noted: "Noted") -> "Opened | Failure":
        """A whole reply where a stream was asked for: an error, or an answer that is told as chunks."""
        answer = dialect.answer(self._ask, reply, seal)
        if isinstance(answer, Failure):
            return answer
        spoken = Spoken(chunks_of(answer, seal), answer.usage, answer.model)
        return Opened(LiveStream(Silence(), spoken, seal, reply.first_byte_ms), noted)

    async def _call(self, step: Step, provider: Provider, dialect: Dialect, patience: Patience) -> Call | Failure:
        proof = await self._gateway.credentials.proof(dialect, provider, patience)
        if isinstance(proof, Failure):
            return proof
        return dialect.request(self._ask, step.offer, provider, proof)

    def _seal(self, provider: Provider) -> Seal:
        visit = self._visit
        return Seal(
            id=ID_PREFIX[self._ask.endpoint] + visit.ulid, created=int(visit.started_unix), provider=provider.name
        )

    def _patience(self, provider: Provider) -> Patience:
        timeouts = provider.timeouts
        return Patience(
            connect_s=timeouts.connect_s,
            first_byte_s=timeouts.first_byte_s,
            idle_s=timeouts.idle_s,
            until=min(self._until, self._gateway.clock.monotonic() + timeouts.total_s),
        )

    def _begin(self, step: Step) -> "Noted":
        return Noted(self._gateway, self._trail, step)


class Noted:
    """One attempt being timed; `end` is synchronous and counts once."""

    __slots__ = ("_ended", "_gateway", "_started", "_step", "_trail", "first_byte_ms")

    def __init__(self, gateway: Gateway, trail: Trail, step: Step) -> None:
        self._gateway = gateway
        self._trail = trail
        self._step = step
        self._started = gateway.clock.monotonic()
        self._ended = False
        self.first_byte_ms: float | None = None
        gateway.health.note_start(step.offer.name, step.offer.provider, self._started)

    def since_start_ms(self) -> float:
        return (self._gateway.clock.monotonic() - self._started) * 1000

    def end(self, failure: Failure | None) -> None:
        if self._ended:
            return
        self._ended = True
        offer = self._step.offer
        now = self._gateway.clock.monotonic()
        self._gateway.health.note_end(offer.name, offer.provider, now, self.first_byte_ms, failure)
        self._trail.note(
            Attempt(
                offer=offer.name,
                provider=offer.provider,
                model=offer.model,
                started=self._started,
                ms=(now - self._started) * 1000,
                first_byte_ms=self.first_byte_ms,
                failure=failure,
            )
        )


class Opened:
    """A stream in the hands of whoever passes it on; ending it closes the wire and notes the attempt."""

    __slots__ = ("_noted", "live")

    def __init__(self, live: LiveStream, noted: Noted) -> None:
        self.live = live
        self._noted = noted

    def end(self, failure: Failure | None) -> None:
        self.live.close()
        self._noted.end(failure)
