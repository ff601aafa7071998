"""One attempt: an ask goes to an offer's provider in its dialect, and comes back in OpenAI's words or as a failure."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.base import Dialect, Seal
from gateway.dialects.bridge import is_bridged, join_answers, split_prompts, via_chat
from gateway.dialects.chunks import chunks_of
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer, Chunk
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Patience, Reply
from gateway.domain.plan import Step
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Attempt, Failure, Trail
from gateway.domain.visit import Visit
from gateway.flow.gateway import Gateway
from gateway.flow.stream import LiveStream, Recital, Silence, Source, Spoken, measure_of
from gateway.flow.trial import Experience
from gateway.routing.thompson import FAILED, bucket

ID_PREFIX: Mapping[str, str] = {"chat": "chatcmpl-th-", "completions": "cmpl-th-", "embeddings": "embd-th-"}

PROMPTS_AT_ONCE = 8
"""Prompts of one completions request that are asked side by side where each needs a chat of its own."""

LEFT = Failure(
    kind="bad_request", code="client_closed", message="The caller left.", blame="nobody", possibly_billed=True
)
LATE = Failure(
    kind="transient",
    code="deadline_exceeded",
    message="Nothing had been said when the time for the request was over.",
    blame="nobody",
    same_offer=False,
    possibly_billed=True,
)


class Exchange(Struct, frozen=True, eq=False):
    """Makes the attempts of one request and notes each, in the trail and in the health of its offer."""

    gateway: Gateway
    visit: Visit
    ask: Ask
    trail: Trail
    until: float
    """Monotonic time when the caller stops waiting."""

    async def whole(self, step: Step) -> Answer | Failure:
        """The answer in one piece."""
        talk = self._begin(step)
        failure: Failure | None = LEFT
        try:
            answer = self._answers if talk.bridged else self._answer
            outcome = await answer(talk, self._asked(step))
            failure = outcome if type(outcome) is Failure else None
            return outcome
        finally:
            talk.end(failure)

    async def opened(self, step: Step) -> "Opened | Failure":
        """A stream that has shown its first content; whoever takes it must `end` it."""
        talk = self._begin(step)
        outcome: Opened | Failure = LEFT
        try:
            outcome = await self._in_time(self._open(talk, self._asked(step)))
            return outcome
        finally:
            if isinstance(outcome, Failure):
                talk.end(outcome)

    async def _in_time(self, opening: "Awaitable[Opened | Failure]") -> "Opened | Failure":
        """A policy's deadline is that of the first content; from then on a stream takes as long as any other."""
        if self.ask.policy is None:
            return await opening
        try:
            async with asyncio.timeout(max(0.0, self.until - self.gateway.clock.monotonic())):
                return await opening
        except TimeoutError:
            return LATE

    def _asked(self, step: Step) -> Ask:
        """The ask, with the output cut where only that fits."""
        if step.max_tokens is None:
            return self.ask
        payload = {name: value for name, value in self.ask.payload.items() if name != "max_completion_tokens"}
        return replace(self.ask, payload={**payload, "max_tokens": step.max_tokens})

    async def _answers(self, talk: "Talk", ask: Ask) -> Answer | Failure:
        """One for each prompt, joined."""
        prompts = split_prompts(ask)
        answers: list[Answer] = []
        for start in range(0, len(prompts), PROMPTS_AT_ONCE):
            batch = prompts[start : start + PROMPTS_AT_ONCE]
            for answer in await asyncio.gather(*(self._answer(talk, one) for one in batch)):
                if isinstance(answer, Failure):
                    return answer
                answers.append(answer)
        return join_answers(answers)

    async def _answer(self, talk: "Talk", ask: Ask) -> Answer | Failure:
        dialect = talk.dialect
        call = (
            await self._signed(talk, ask) if dialect.fetches_tokens else dialect.request(ask, talk.offer, talk.provider)
        )
        if type(call) is Failure:
            return call
        if dialect.offline:
            await self.gateway.pause(dialect.pause_s(call))
            reply: Reply | Failure = dialect.perform(call)
        else:
            reply = await self.gateway.upstream.send(talk.provider, call, talk.patience)
        if type(reply) is Failure:
            return reply
        talk.first_byte_ms = reply.first_byte_ms or talk.since_start_ms()
        return dialect.answer(ask, reply, talk.seal)

    async def _open(self, talk: "Talk", ask: Ask) -> "Opened | Failure":
        if talk.bridged and len(split_prompts(ask)) > 1:
            answer = await self._answers(talk, ask)
            return answer if isinstance(answer, Failure) else Opened(recited(answer, talk.seal), talk)
        dialect = talk.dialect
        call = (
            await self._signed(talk, ask) if dialect.fetches_tokens else dialect.request(ask, talk.offer, talk.provider)
        )
        if isinstance(call, Failure):
            return call
        source = await self._source(talk, call)
        if isinstance(source, Failure):
            return source
        if isinstance(source, Reply):
            talk.first_byte_ms = source.first_byte_ms
            answer = talk.dialect.answer(ask, source, talk.seal)
            return answer if isinstance(answer, Failure) else Opened(recited(answer, talk.seal), talk)
        talk.first_byte_ms = talk.since_start_ms()
        reader = talk.dialect.reader(ask, talk.seal)
        live = LiveStream(source, reader, talk.seal, measure_of(ask), self.gateway.clock.monotonic)
        failure: Failure | None = LEFT
        try:
            failure = await live.await_content()
        finally:
            if failure is not None:
                live.close()
        return failure or Opened(live, talk)

    async def _source(self, talk: "Talk", call: Call) -> Source | Reply | Failure:
        if not talk.dialect.offline:
            return await self.gateway.upstream.open(talk.provider, call, talk.patience)
        pieces = talk.dialect.perform_stream(call)
        if isinstance(pieces, Reply):
            return pieces
        return Recital(pieces, self.gateway.pause, talk.dialect.pause_s(call))

    async def _signed(self, talk: "Talk", ask: Ask) -> Call | Failure:
        """A call that takes more than the provider's own key."""
        proof = await self.gateway.credentials.proof(talk.dialect, talk.provider, talk.patience)
        if isinstance(proof, Failure):
            return proof
        return talk.dialect.request(ask, talk.offer, talk.provider, proof)

    def _begin(self, step: Step) -> "Talk":
        """Who is called, in which dialect, under which seal, with how much patience; from here on it counts."""
        offer, visit, ask, until = step.offer, self.visit, self.ask, self.until
        provider = visit.snapshot.table.providers[offer.provider]
        dialect, timeouts = dialect_of(provider.dialect), provider.timeouts
        bridged = is_bridged(ask, offer)
        now = self.gateway.clock.monotonic()
        if now + timeouts.total_s < until or (ask.stream and ask.policy is not None):
            until = now + timeouts.total_s
        experience = self.gateway.experience_of(visit.snapshot)
        experience.health.note_start(offer.name, offer.provider, now)
        return Talk(
            self,
            experience,
            offer,
            provider,
            via_chat(dialect) if bridged else dialect,
            Seal(
                id=ID_PREFIX[ask.endpoint] + visit.ulid,
                created=int(visit.started_unix),
                provider=provider.name,
                model=offer.id,
            ),
            Patience(
                connect_s=timeouts.connect_s,
                first_byte_s=timeouts.first_byte_s,
                idle_s=timeouts.idle_s,
                until=until,
            ),
            bridged,
            now,
        )


class Talk(Struct, eq=False):
    """One attempt: all that it needs to know of the other side, and how long it takes. `end` is synchronous."""

    exchange: Exchange
    experience: Experience
    offer: Offer
    provider: Provider
    dialect: Dialect
    seal: Seal
    patience: Patience
    bridged: bool
    """Completions spoken through chat."""
    started: float
    """Monotonic seconds."""
    first_byte_ms: float | None = None
    ended: bool = False

    def since_start_ms(self) -> float:
        return (self.exchange.gateway.clock.monotonic() - self.started) * 1000

    def end(self, failure: Failure | None) -> None:
        """Counts once."""
        if self.ended:
            return
        self.ended = True
        exchange, experience, offer = self.exchange, self.experience, self.offer
        started, first_byte_ms = self.started, self.first_byte_ms
        now = exchange.gateway.clock.monotonic()
        experience.health.note_end(offer.name, offer.provider, now, first_byte_ms, failure, started)
        if failure is not None and failure.blame != "nobody":
            experience.arms.teach(offer.name, bucket(exchange.ask.input_tokens), FAILED, now)
        exchange.trail.note(
            Attempt(
                offer=offer.name,
                provider=offer.provider,
                model=offer.model,
                started=started,
                ms=(now - started) * 1000,
                first_byte_ms=first_byte_ms,
                failure=failure,
            )
        )


def recited(answer: Answer, seal: Seal) -> LiveStream:
    """A whole answer told as a stream."""
    return LiveStream(Silence(), Spoken(tuple(chunks_of(answer, seal)), answer.usage, answer.model), seal)


class Shown(Protocol):
    """Chunks until there are none; then `failure` says whether that was the end."""

    @property
    def failure(self) -> Failure | None: ...

    async def pour(self, into: Callable[[list[Chunk]], bool]) -> bool:
        """Chunks into `into` until there are none; False if that had enough before."""
        ...


class Opened:
    """A stream in the hands of whoever passes it on; ending it closes the wire and notes the attempt."""

    __slots__ = ("_talk", "live", "shown")

    def __init__(self, live: LiveStream, talk: Talk) -> None:
        self.live = live
        self.shown: Shown = live
        """What the caller sees of it."""
        self._talk = talk

    def end(self, failure: Failure | None) -> None:
        self.live.close()
        self._talk.end(failure)
