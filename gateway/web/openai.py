"""The OpenAI surface: its objects, its chunks, its errors."""

from functools import lru_cache
from typing import Any

from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.receipt import Receipt
from gateway.sse import frame
from gateway.web.answer import encode, first_lines, header_safe
from gateway.web.errors import openai_body, openai_status
from gateway.web.head import Lines, joined, lines_of
from gateway.web.surface import Surface

DONE = b"data: [DONE]\n\n"


def status(error: RequestError, visit: Visit) -> int:
    return openai_status(error, visit.snapshot.defaults.over_limit_status)


def refusal(error: RequestError, visit: Visit) -> bytes:  # noqa: ARG001
    return encode(openai_body(error))


def whole(receipt: Receipt, answer: Answer) -> bytes:
    said = answer.whole
    return said if type(said) is bytes and answer.usage is not None else encode(with_usage(receipt, answer))


def with_usage(receipt: Receipt, answer: Answer) -> dict[str, Any]:
    """The provider's object with our id and model; usage is always there."""
    fields = answer.fields
    if answer.usage is None and receipt.usage is not None:
        fields["usage"] = usage_object(receipt.usage)
    return fields


def lines(receipt: Receipt, kind: Lines) -> Lines:
    """Who served, why, and how many attempts it took."""
    step, digest = receipt.step, receipt.visit.snapshot.digest
    if step is None:
        return first_lines(kind, digest)
    offer = step.offer
    told = served_by(kind, digest, offer.provider, offer.name, step.reason, receipt.attempts)
    if receipt.dropped:
        return joined(told, lines_of([(b"x-tokenhub-dropped", header_safe(",".join(receipt.dropped)))]))
    return told


@lru_cache(maxsize=4096)
def served_by(kind: Lines, digest: str, provider: str, name: str, reason: str, attempts: int) -> Lines:
    """The same for most answers of an offer: made once, of names from the files."""
    pairs = [
        (b"x-inferoute-provider", header_safe(provider)),
        (b"x-tokenhub-model", header_safe(name)),
        (b"x-tokenhub-reason", header_safe(reason)),
        (b"x-tokenhub-attempts", b"%d" % attempts),
    ]
    return joined(first_lines(kind, digest), lines_of(pairs))


class ChunkWriter:
    """Passes chunks on as they are; the usage chunk only to those who asked for it."""

    __slots__ = ("_receipt", "_usage_sent")

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self._usage_sent = False

    def frames(self, chunks: list[Chunk]) -> bytes:
        if len(chunks) == 1 and not chunks[0].usage_only:
            return b"data: %b\n\n" % chunks[0].data
        wanted = self._receipt.ask.include_usage
        parts = []
        for chunk in chunks:
            if chunk.usage_only:
                self._usage_sent = True
                if not wanted:
                    continue
            parts.append(b"data: %b\n\n" % chunk.data)
        return b"".join(parts)

    def done(self) -> bytes:
        receipt = self._receipt
        if not receipt.ask.include_usage or self._usage_sent or receipt.usage is None or receipt.stream is None:
            return DONE
        seal = receipt.stream.live.seal
        chunk: dict[str, Any] = {
            "id": seal.id,
            "object": "text_completion" if receipt.ask.endpoint == "completions" else "chat.completion.chunk",
            "created": seal.created,
            "model": receipt.served_model,
            "choices": [],
            "usage": usage_object(receipt.usage),
        }
        return frame(encode(chunk)) + DONE

    def broken(self, error: RequestError) -> bytes:
        return frame(encode(openai_body(error)))


def usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


OPENAI = Surface(status=status, refusal=refusal, whole=whole, lines=lines, writer=ChunkWriter)
