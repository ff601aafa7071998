"""One attempt: an ask goes to an offer's provider in its dialect, and comes back in OpenAI's words or as a failure."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.base import Dialect, Seal
from gateway.dialects.bridge import is_bridged, join_answers, split_prompts, via_chat
from gateway.dialects.chunks import chunks_of
from gateway.dialects.registry import BY_NAME, PLAIN
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
    experience: Experience
    visit: Visit
    ask: Ask
    trail: Trail
    until: float
    """Monotonic time when the caller stops waiting."""

    async def whole(self, step: Step) -> Answer | Failure:
        """The answer in one piece."""
        offer, ask = step.offer, self.ask
        provider = self.visit.snapshot.table.providers[offer.provider]
        dialect = BY_NAME[provider.dialect]
        if step.max_tokens is not None or dialect not in PLAIN or (offer.via_chat and is_bridged(ask, offer)):
            return await self._whole_otherwise(step)
        began, patience = self._begin(offer, provider)
        first_byte_ms: float | None = None
        failure: Failure | None = LEFT
        try:
            reply = await self.gateway.upstream.send(provider, dialect.request(ask, offer, provider), patience)
            if type(reply) is Failure:
                failure = reply
                return reply
            first_byte_ms = reply.first_byte_ms or self._ms_since(began)
            outcome = dialect.answer(ask, reply, self._seal(offer))
            failure = outcome if type(outcome) is Failure else None
            return outcome
        finally:
            self.over(offer, began, first_byte_ms, failure)

    async def _whole_otherwise(self, step: Step) -> Answer | Failure:
        """With less output, through chat, without a network, or with a credential that has to be fetched."""
        talk = self._talk(step)
        failure: Failure | None = LEFT
        try:
            answer = self._answers if talk.bridged else self._answer
            outcome = await answer(talk, self._asked(step))
            failure = outcome if isinstance(outcome, Failure) else None
            return outcome
        finally:
            talk.end(failure)

    async def opened(self, step: Step) -> "Opened | Failure":
        """A stream that has shown its first content; whoever takes it must `end` it."""
        talk = self._talk(step)
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
        call = await self._call(talk, ask)
        if isinstance(call, Failure):
            return call
        if dialect.offline:
            await self.gateway.pause(dialect.pause_s(call))
            reply: Reply | Failure = dialect.perform(call)
        else:
            reply = await self.gateway.upstream.send(talk.provider, call, talk.patience)
        if isinstance(reply, Failure):
            return reply
        talk.first_byte_ms = reply.first_byte_ms or self._ms_since(talk.began)
        return dialect.answer(ask, reply, talk.seal)

    async def _open(self, talk: "Talk", ask: Ask) -> "Opened | Failure":
        if talk.bridged and len(split_prompts(ask)) > 1:
            answer = await self._answers(talk, ask)
            return answer if isinstance(answer, Failure) else Opened(recited(answer, talk.seal), talk)
        call = await self._call(talk, ask)
        if isinstance(call, Failure):
            return call
        source = await self._source(talk, call)
        if isinstance(source, Failure):
            return source
        if isinstance(source, Reply):
            talk.first_byte_ms = source.first_byte_ms
            answer = talk.dialect.answer(ask, source, talk.seal)
            return answer if isinstance(answer, Failure) else Opened(recited(answer, talk.seal), talk)
        talk.first_byte_ms = self._ms_since(talk.began)
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

    async def _call(self, talk: "Talk", ask: Ask) -> Call | Failure:
        if not talk.dialect.fetches_tokens:
            return talk.dialect.request(ask, talk.offer, talk.provider)
        proof = await self.gateway.credentials.proof(talk.dialect, talk.provider, talk.patience)
        if isinstance(proof, Failure):
            return proof
        return talk.dialect.request(ask, talk.offer, talk.provider, proof)

    def _talk(self, step: Step) -> "Talk":
        """Who is called, in which dialect, under which seal, with how much patience."""
        offer = step.offer
        provider = self.visit.snapshot.table.providers[offer.provider]
        bridged = is_bridged(self.ask, offer)
        dialect = BY_NAME[provider.dialect]
        began, patience = self._begin(offer, provider)
        spoken = via_chat(dialect) if bridged else dialect
        return Talk(self, offer, provider, spoken, self._seal(offer), patience, bridged, began)

    def _begin(self, offer: Offer, provider: Provider) -> tuple[float, Patience]:
        """From here on it counts; for how long it may take."""
        until, timeouts, ask = self.until, provider.timeouts, self.ask
        now = self.gateway.clock.monotonic()
        if now + timeouts.total_s < until or (ask.stream and ask.policy is not None):
            until = now + timeouts.total_s
        self.experience.health.note_start(offer.name, offer.provider, now)
        return now, Patience(
            connect_s=timeouts.connect_s,
            first_byte_s=timeouts.first_byte_s,
            idle_s=timeouts.idle_s,
            until=until,
        )

    def _seal(self, offer: Offer) -> Seal:
        visit = self.visit
        return Seal(
            id=ID_PREFIX[self.ask.endpoint] + visit.ulid,
            created=int(visit.started_unix),
            provider=offer.provider,
            model=offer.id,
        )

    def _ms_since(self, began: float) -> float:
        return (self.gateway.clock.monotonic() - began) * 1000

    def over(self, offer: Offer, began: float, first_byte_ms: float | None, failure: Failure | None) -> None:
        """What became of it, in the health of the offer and in the trail."""
        experience, name, provider = self.experience, offer.name, offer.provider
        now = self.gateway.clock.monotonic()
        experience.health.note_end(name, provider, now, first_byte_ms, failure, began)
        if failure is not None and failure.blame != "nobody":
            experience.arms.teach(name, bucket(self.ask.input_tokens), FAILED, now)
        self.trail.attempts.append(
            Attempt(name, provider, offer.model, began, (now - began) * 1000, first_byte_ms, failure)
        )


class Talk(Struct, eq=False):
    """One attempt: all that it needs to know of the other side, and how long it takes. `end` is synchronous."""

    exchange: Exchange
    offer: Offer
    provider: Provider
    dialect: Dialect
    seal: Seal
    patience: Patience
    bridged: bool
    """Completions spoken through chat."""
    began: float
    """Monotonic seconds."""
    first_byte_ms: float | None = None
    ended: bool = False

    def end(self, failure: Failure | None) -> None:
        """Counts once."""
        if not self.ended:
            self.ended = True
            self.exchange.over(self.offer, self.began, self.first_byte_ms, failure)


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
