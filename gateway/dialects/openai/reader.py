"""Pass a stream on: each event is looked at once, and its constant beginning is swapped for ours byte by byte."""

from typing import Any

import msgspec
from msgspec import Raw

from gateway.dialects.base import Seal
from gateway.dialects.chunks import model_name
from gateway.dialects.failures import garbled
from gateway.dialects.openai.errors import complaint_of, hidden_error
from gateway.dialects.openai.look import LOOK, ChoiceLook, ChunkLook, is_crooked, size, text_of
from gateway.dialects.openai.stencil import Stencil, stencil_of
from gateway.dialects.openai.usage import in_openais_counts, usage_of
from gateway.dialects.openai.words import BROKEN_OFF, straighten
from gateway.domain.answer import Chunk, Usage
from gateway.domain.trail import Failure
from gateway.sse import Event, SseReader

ENCODE = msgspec.json.Encoder().encode
FIELDS = msgspec.json.Decoder(dict[str, Raw])
ANYTHING = msgspec.json.Decoder()
DONE = b"[DONE]"
HINGE = b'"choices":'
BLANK = b"\n\n"
LESSONS = 4
"""How often in a row a stencil is cut that turns out to fit nothing."""
SWAPPED = ("id", "object", "created", "model")


class OpenAIReader:
    """The stream of one answer; see `StreamReader`."""

    __slots__ = (
        "_choices",
        "_ended",
        "_kind",
        "_lessons",
        "_over",
        "_prefix",
        "_seal",
        "_sse",
        "_stencil",
        "_swap",
        "_whole",
        "finished",
        "model",
        "usage",
    )

    def __init__(self, seal: Seal, *, choices: int = 1, kind: str = "chat.completion.chunk") -> None:
        self.finished = False
        self.usage: Usage | None = None
        self.model = ""
        self._seal = seal
        self._kind = kind
        self._choices = choices
        self._ended: set[int] = set()
        self._over = False
        """Nothing that still comes is read: the stream said it is done, or it broke."""
        self._sse = SseReader()
        self._whole = False
        """All events that were begun have ended."""
        self._stencil: Stencil | None = None
        self._lessons = LESSONS
        self._prefix = b"\x00"
        self._swap = b""

    def feed(self, data: bytes) -> list[Chunk | Failure]:
        if self._over:
            return []
        stencil = self._stencil
        if stencil is None or not self._whole or not data.endswith(BLANK):
            out: list[Chunk | Failure] = []
            self._read(data, out)
            return out
        block = data[:-2]
        chunk = stencil.cut(block)
        return self._each(block.split(BLANK)) if chunk is None else [chunk]

    def end(self) -> list[Chunk | Failure]:
        if self._over:
            return []
        out: list[Chunk | Failure] = []
        for event in self._sse.end():
            self._take(event, out)
            if self._over:
                break
        if out and isinstance(out[-1], Failure) and out[-1].code == "malformed_response":
            out.pop()  # half an event: the bytes ended too early
        elif self._over:
            return out
        self._over = True
        if not self.finished:
            out.append(INCOMPLETE)
        return out

    def _each(self, blocks: list[bytes]) -> list[Chunk | Failure]:
        """Whole events, those that fit the stencil and those that do not."""
        out: list[Chunk | Failure] = []
        for block in blocks:
            chunk = self._stencil.cut(block) if self._stencil is not None and self._whole else None
            if chunk is not None:
                out.append(chunk)
            else:
                self._read(block + BLANK, out)
            if self._over:
                break
        return out

    def _read(self, data: bytes, out: list[Chunk | Failure]) -> None:
        sse = self._sse
        for event in sse.feed(data):
            self._take(event, out)
            if self._over:
                return
        self._whole = sse.at_rest
        if sse.overflow:
            self._break(out, TOO_LARGE)

    def _take(self, event: Event, out: list[Chunk | Failure]) -> None:
        data = event.data
        if data.strip() == DONE:
            self._over = self.finished = True
            return
        if not data.strip():
            return  # a keepalive in the shape of an event
        try:
            look = LOOK.decode(data)
            if not data.isascii():
                data.decode()
            self._say(look, event, out)
        except (ValueError, RecursionError):
            self._break(out, self._not_a_chunk(event))

    def _say(self, look: ChunkLook, event: Event, out: list[Chunk | Failure]) -> None:
        data, usage = event.data, None
        if look.usage is not None:
            usage = usage_of(look.usage)
            self.usage = usage or self.usage
            data = _recounted(data, look.usage, usage)
        if look.error or look.choices is None or event.name == b"error":
            self._break(out, self._not_a_chunk(event))
        elif look.choices:
            self._pass(look.choices, data, usage, out)
        elif usage is not None:
            out.append(Chunk(self._sealed(data), usage=usage, usage_only=True))
        # neither choices nor usage that can be true: Azure's notes on the prompt say nothing in OpenAI's words

    def _pass(self, choices: list[ChoiceLook], data: bytes, usage: Usage | None, out: list[Chunk | Failure]) -> None:
        chars = 0
        finish = crooked = False
        for choice in choices:
            chars += size(choice)
            crooked = crooked or is_crooked(choice)
            reason = choice.finish_reason
            if reason is not None:
                finish = True
                self._ended.add(choice.index or 0)
                if reason in BROKEN_OFF:
                    self._break(out, GAVE_UP)
                    return
        if finish and len(self._ended) >= self._choices:
            self.finished = True
        if crooked:
            data = _straight(data)
        out.append(Chunk(self._sealed(data), chars > 0, usage, False, finish, chars))
        if chars and self._lessons and len(choices) == 1 and not (crooked or finish or usage is not None):
            self._study(data, choices[0], chars)

    def _study(self, data: bytes, choice: ChoiceLook, chars: int) -> None:
        """Cuts a stencil from a chunk that says nothing but text; again if the one there is has been of use."""
        text = text_of(choice)
        if len(text) != chars or b"\n" in data:
            return
        stencil = stencil_of(data, text, self._prefix, self._swap)
        self._lessons = LESSONS if self._stencil is not None and self._stencil.used else self._lessons - 1
        self._stencil = stencil or self._stencil

    def _sealed(self, data: bytes) -> bytes:
        """The event with our id, time and model, on one line."""
        if b"\n" in data:
            data = ENCODE(ANYTHING.decode(data))
        if data.startswith(self._prefix):
            return self._swap + data[len(self._prefix) :]
        fields = FIELDS.decode(data)
        ours = self._ours(fields)
        self._learn(data, fields)
        return ENCODE({**ours, **fields, **ours})

    def _ours(self, fields: dict[str, Any]) -> dict[str, Any]:
        if not self.model:
            said = fields.get("model")
            self.model = model_name(self._seal, None if said is None else ANYTHING.decode(said))
        seal = self._seal
        name = f"{seal.provider}/{self.model or seal.model}"
        return {"id": seal.id, "object": self._kind, "created": seal.created, "model": name}

    def _learn(self, data: bytes, fields: dict[str, Raw]) -> None:
        """The bytes before `choices` are the same in every chunk of most providers."""
        hinge = data.find(HINGE)
        if hinge < 0:
            return
        prefix = data[: hinge + len(HINGE)]
        try:
            head = FIELDS.decode(prefix + b"0}")
        except msgspec.DecodeError:
            return
        if "usage" in head or any(name in fields and name not in head for name in SWAPPED):
            return
        ours = self._ours(fields)
        del head["choices"]
        self._prefix = prefix
        self._swap = ENCODE({**ours, **head, **ours})[:-1] + b"," + HINGE

    def _not_a_chunk(self, event: Event) -> Failure:
        """An error in any of the shapes hosts have for it, or nothing that can be read."""
        try:
            said = ANYTHING.decode(event.data)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict) and (event.name == b"error" or _complains(said)):
            return hidden_error(said)
        return garbled("An event of the provider's stream cannot be read.")

    def _break(self, out: list[Chunk | Failure], failure: Failure) -> None:
        self._over = True
        out.append(failure)


INCOMPLETE = Failure(
    kind="transient", code="upstream_incomplete", message="The stream ended before the answer did.", status=200
)
TOO_LARGE = Failure(kind="garbled", code="event_too_large", message="An event of the stream is too large.", status=200)
GAVE_UP = Failure(kind="transient", code="upstream_error", message="The provider broke off.", status=200)


def _recounted(data: bytes, said: Any, usage: Usage | None) -> bytes:
    """Counts that cannot be true are no counts."""
    recounted = None if usage is None else in_openais_counts(said, usage)
    return data if recounted is None and usage is not None else ENCODE(ANYTHING.decode(data) | {"usage": recounted})


def _straight(data: bytes) -> bytes:
    chunk = ANYTHING.decode(data)
    chunk["choices"] = [straighten(choice, place) for place, choice in enumerate(chunk["choices"])]
    return ENCODE(chunk)


def _complains(said: dict[str, Any]) -> bool:
    if said.get("error") or said.get("object") == "error":
        return True
    return "choices" not in said and bool(complaint_of(said).message)
