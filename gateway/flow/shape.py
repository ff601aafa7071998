"""An answer in the shape its caller asked for: held against the contract, sent back for repair, or passed over."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.domain.answer import Answer, Chunk
from gateway.domain.ask import Ask, OutputContract
from gateway.domain.plan import Step
from gateway.domain.trail import Failure
from gateway.flow.exchange import Exchange
from gateway.flow.receipt import Receipt
from gateway.flow.stream import LiveStream
from gateway.output.asking import repaired, with_contract
from gateway.output.judge import Judge
from gateway.output.stream import StreamShaper
from gateway.output.validator import Mismatch

MISMATCH = "output_schema_mismatch"

Send = Callable[[Step], Awaitable[Answer | Failure]]


def shaped(receipt: Receipt, contract: OutputContract, exchange_for: Callable[[Ask], Exchange]) -> Send:
    """A `send` that hands on only what keeps the contract."""
    judge = receipt.gateway.judge
    repairs = receipt.visit.snapshot.routing.structured_output.repairs

    async def send(step: Step) -> Answer | Failure:
        ask = asking_for(receipt.ask, contract, step)
        for repair in range(repairs, -1, -1):
            if not receipt.can_pay(step):
                return over_budget()
            answer = await exchange_for(ask).whole(step)
            if isinstance(answer, Failure):
                return answer
            outcome = await judge.shape(answer, contract)
            if not isinstance(outcome, Mismatch):
                return outcome
            receipt.wasted(step, answer)
            if repair == 0:
                return mismatched(outcome)
            ask = replace(ask, payload=repaired(ask.payload, text_of(answer), outcome))
        return over_budget()

    return send


def asking_for(ask: Ask, contract: OutputContract, step: Step) -> Ask:
    native = "json_schema" in step.offer.capabilities
    return replace(ask, payload=with_contract(ask.payload, contract, native=native))


def mismatched(mismatch: Mismatch) -> Failure:
    return Failure(kind="garbled", code=MISMATCH, message=str(mismatch), blame="nobody", same_offer=False)


def over_budget() -> Failure:
    return Failure(
        kind="garbled",
        code="budget_spent",
        message="What was spent on answers in the wrong shape leaves too little of the budget for another.",
        blame="nobody",
        same_offer=False,
    )


def text_of(answer: Answer) -> str:
    choices: Any = answer.fields.get("choices")
    if isinstance(choices, msgspec.Raw):
        choices = msgspec.json.decode(choices)
    message = choices[0].get("message") if choices else None
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


class ShapedStream:
    """A live stream whose thoughts are taken out as it passes, and which is judged when it is over."""

    def __init__(self, live: LiveStream, contract: OutputContract, judge: Judge) -> None:
        self._live = live
        self._contract = contract
        self._judge = judge
        self._shaper = StreamShaper(contract)
        self._judged = False
        self._failure: Failure | None = None

    @property
    def failure(self) -> Failure | None:
        return self._failure or self._live.failure

    async def pour(self, into: Callable[[list[Chunk]], bool]) -> bool:
        while chunks := await self.next():
            if not into(chunks):
                return False
        return True

    async def next(self) -> list[Chunk]:
        while chunks := await self._live.next():
            kept = [kept for chunk in chunks for kept in self._shaper.take(chunk)]
            if kept:
                return kept
        if not self._judged and self._live.failure is None:
            self._judged = True
            mismatch = await self._ruling()
            self._failure = mismatched(mismatch) if mismatch is not None else None
        return []

    async def _ruling(self) -> Mismatch | None:
        said = self._shaper.end()
        if isinstance(said, Mismatch):
            return said
        judged = [text for text in said if text.judge]
        if self._contract.schema is None or not judged:
            return None
        return await self._judge.rule(
            self._contract.schema, [text.value for text in judged], [len(text.text) for text in judged]
        )
