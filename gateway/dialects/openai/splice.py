"""An answer that is in OpenAI's words keeps its bytes: only its beginning, up to the choices, is swapped for ours."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gateway.dialects.base import Seal
from gateway.dialects.chunks import chunk_head, model_name
from gateway.dialects.openai.usage import Said, counted, is_openais
from gateway.dialects.openai.words import BROKEN_OFF, FINISH
from gateway.domain.answer import Answer

OBJECTS = {"chat": "chat.completion", "completions": "text_completion"}
CROOKED = BROKEN_OFF | FINISH.keys()
"""Finish reasons that are not passed on as they are."""


class MessageLook(Struct, gc=False):
    """Only what tells whether the message is already in OpenAI's words."""

    content: str | list[Any] | None = None
    reasoning: Any = None


class ChoiceLook(Struct, gc=False):
    index: int | None = None
    message: MessageLook | None = None
    text: str | None = None
    finish_reason: str | None = None


class Beginning(Struct, gc=False, forbid_unknown_fields=True):
    """All that may stand before the choices."""

    choices: int
    model: Any
    id: Any = None
    object: Any = None
    created: Any = None


Nothing = Annotated[int, Meta(gt=0, lt=0)]
"""No value fits: where there is one, decoding fails."""


class Rest(Struct, gc=False):
    """From the choices on: of what is swapped, nothing may come again."""

    choices: list[ChoiceLook]
    usage: Said
    id: Nothing = 0
    object: Nothing = 0
    created: Nothing = 0
    model: Nothing = 0
    error: Nothing = 0


BEGINNING = msgspec.json.Decoder(Beginning).decode
REST = msgspec.json.Decoder(Rest).decode
HINGE = b'"choices"'
CLOSED = b'"choices":0}'
"""In place of the rest: if that makes an object of the beginning, the hinge is a name at its top level."""


def spliced(endpoint: str, body: bytes, seal: Seal) -> Answer | None:
    """None where the answer has to be read in full: it says something else, or says it otherwise."""
    at = body.find(HINGE)
    if at < 0:
        return None
    try:
        if not body.isascii():
            body.decode()
        said = BEGINNING(body[:at] + CLOSED)
        if said.object == "error":
            return None
        tail = body[at:]
        rest = REST(b"{" + tail)
    except (ValueError, RecursionError):
        return None
    usage = counted(rest.usage)
    if usage is None or not is_openais(rest.usage, usage) or not is_plain(rest.choices, endpoint):
        return None
    model = model_name(seal, said.model)
    return Answer(whole=chunk_head(seal, model, OBJECTS[endpoint]) + tail, usage=usage, model=model)


def is_plain(looks: Sequence[ChoiceLook], endpoint: str) -> bool:
    """In OpenAI's words as it stands."""
    for place, look in enumerate(looks):
        if look.index != place or look.finish_reason is None or look.finish_reason in CROOKED:
            return False
        message = look.message
        if endpoint == "completions":
            if look.text is None:
                return False
        elif message is None or message.reasoning is not None or type(message.content) is list:
            return False
    return len(looks) > 0
