"""A whole reply with our id and model in it: what we read is typed, everything else stays as the bytes it was."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.dialects.base import Seal
from gateway.dialects.chunks import model_name, text_length, usage_fields
from gateway.dialects.failures import garbled
from gateway.dialects.openai.errors import hidden_error
from gateway.dialects.openai.splice import OBJECTS, ChoiceLook, is_plain, spliced
from gateway.dialects.openai.usage import SAID, counted, is_openais
from gateway.dialects.openai.words import BROKEN_OFF, straighten
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure

FIELDS = msgspec.json.Decoder(dict[str, Raw])
ANYTHING = msgspec.json.Decoder()
ENCODE = msgspec.json.Encoder().encode


CHOICES = msgspec.json.Decoder(list[ChoiceLook])


def read_answer(endpoint: str, reply: Reply, seal: Seal) -> Answer | Failure:
    """A 200 of `/chat/completions` or `/completions`."""
    return spliced(endpoint, reply.body, seal) or read_in_full(endpoint, reply, seal)


def read_in_full(endpoint: str, reply: Reply, seal: Seal) -> Answer | Failure:
    """An answer of any order and in any host's words."""
    fields = read_fields(reply.body)
    if fields is None:
        return garbled("The provider's answer is not a JSON object.")
    try:
        if is_error(fields):
            return hidden_error(ANYTHING.decode(reply.body))
        return _read(endpoint, fields, seal)
    except (ValueError, RecursionError):
        return garbled("The provider's answer has a shape that cannot be read.")


def read_fields(body: bytes) -> dict[str, Raw] | None:
    """The top level of an answer; None where it is no JSON object of valid UTF-8."""
    try:
        if not body.isascii():
            body.decode()
        return FIELDS.decode(body)
    except (ValueError, RecursionError):
        return None


class ModelLook(Struct):
    id: str


class Listing(Struct):
    data: list[ModelLook]


LISTING = msgspec.json.Decoder(Listing | list[ModelLook])


def model_ids(body: bytes) -> tuple[str, ...] | Failure:
    """The ids of `/models`; Together answers with the bare list."""
    try:
        listing = LISTING.decode(body)
    except (ValueError, RecursionError):
        return garbled("The provider's list of models cannot be read.")
    return tuple(row.id for row in (listing if isinstance(listing, list) else listing.data))


NOTHING = frozenset({b"null", b"[]", b'""', b"{}"})
ERROR = Raw(b'"error"')


def is_error(fields: dict[str, Raw]) -> bool:
    """An error object where an answer should be."""
    if "error" in fields and bytes(fields["error"]) not in NOTHING:
        return True
    return fields.get("object") == ERROR


def sealed(fields: dict[str, Raw], kind: str, seal: Seal) -> tuple[dict[str, Any], str]:
    """The fields under our name, and the provider's name for the model."""
    said = fields.get("model")
    model = model_name(seal, None if said is None else ANYTHING.decode(said))
    ours = {"id": seal.id, "object": kind, "created": seal.created, "model": f"{seal.provider}/{model}"}
    fields.pop("error", None)
    return {**ours, **fields, **ours}, model


def usage_in(fields: dict[str, Any]) -> Usage | None:
    """Usage that can be believed, put into OpenAI's counts; one that cannot is taken out of the fields."""
    raw = fields.get("usage")
    if raw is None:
        return None
    try:
        said = SAID.decode(raw)
    except msgspec.ValidationError:
        said = None
    usage = None if said is None else counted(said)
    if said is None or usage is None:
        del fields["usage"]
    elif not is_openais(said, usage):
        fields["usage"] = ANYTHING.decode(raw) | usage_fields(usage)
    return usage


def _read(endpoint: str, fields: dict[str, Raw], seal: Seal) -> Answer | Failure:
    looks = CHOICES.decode(fields.get("choices", b"null"))
    if not looks:
        return garbled("The provider's answer has no choices.")
    plain = is_plain(looks, endpoint)
    if not plain and any(look.finish_reason in BROKEN_OFF for look in looks):
        return Failure(kind="transient", code="upstream_error", message="The provider broke off.", status=200)
    whole, model = sealed(fields, OBJECTS[endpoint], seal)
    if not plain:
        choices = [straighten(choice, place) for place, choice in enumerate(ANYTHING.decode(fields["choices"]))]
        if any(_is_hollow(choice, endpoint) for choice in choices):
            return garbled("A choice of the provider's answer has no message.")
        whole["choices"] = [{**choice, "finish_reason": _finish(choice)} for choice in choices]
    usage = usage_in(whole)
    chars = 0 if usage is not None else _chars(whole["choices"])
    return Answer(whole=whole, usage=usage, model=model, output_chars=chars)


def _is_hollow(choice: dict[str, Any], endpoint: str) -> bool:
    if endpoint == "completions":
        return not isinstance(choice.get("text"), str)
    return not isinstance(choice.get("message"), dict) or not choice["message"]


def _finish(choice: dict[str, Any]) -> str:
    said = choice.get("finish_reason")
    if isinstance(said, str):
        return said
    return "tool_calls" if choice.get("message", {}).get("tool_calls") else "stop"


def _chars(choices: Any) -> int:
    plain = ANYTHING.decode(choices) if isinstance(choices, Raw) else choices
    return sum(len(choice.get("text") or "") + text_length(choice.get("message") or {}) for choice in plain)
