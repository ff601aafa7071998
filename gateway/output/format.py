"""Bring the text of an answer into the shape its contract asks for, in place: all that is not text stays."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from gateway.domain.answer import Answer
from gateway.domain.ask import OutputContract
from gateway.output.fences import readings
from gateway.output.plain import plain_text
from gateway.output.schema import compiled
from gateway.output.think import strip_think
from gateway.output.validator import Mismatch
from gateway.output.wellformed import xml_fault

DECODE = msgspec.json.Decoder().decode


class Shaped(Struct, frozen=True):
    """An answer in shape, and the values in it that a schema has still to judge."""

    answer: Answer
    values: tuple[Any, ...] = ()
    sizes: tuple[int, ...] = ()
    """The length of the text that each value was read from."""


def shape(answer: Answer, contract: OutputContract) -> Answer | Mismatch:
    """The answer as the contract wants it, judged here and now."""
    shaped = reshape(answer, contract)
    return shaped if isinstance(shaped, Mismatch) else judged(shaped, contract)


def judged(shaped: Shaped, contract: OutputContract) -> Answer | Mismatch:
    if contract.schema is not None:
        fault = compiled(contract.schema).fault
        for value in shaped.values:
            if (mismatch := fault(value)) is not None:
                return mismatch
    return shaped.answer


def reshape(answer: Answer, contract: OutputContract) -> Shaped | Mismatch:
    """Everything but the judgement of the schema, which may be costly."""
    choices = answer.fields.get("choices")
    if isinstance(choices, msgspec.Raw):
        choices = DECODE(choices)
    if not isinstance(choices, list):
        return Shaped(answer)
    values: list[Any] = []
    sizes: list[int] = []
    told: list[Any] = []
    for choice in choices:
        text = _text_of(choice)
        if text is None:
            told.append(choice)
            continue
        done = reshape_text(text, contract)
        if isinstance(done, Mismatch):
            return done
        told.append({**choice, "message": {**choice["message"], "content": done.text}})
        if done.judge:
            values.append(done.value)
            sizes.append(len(done.text))
    fields = {**answer.fields, "choices": told}
    return Shaped(msgspec.structs.replace(answer, whole=fields), tuple(values), tuple(sizes))


class Text(Struct, frozen=True):
    text: str
    value: Any = None
    judge: bool = False
    """Whether `value` is to be held against a schema."""


def reshape_text(text: str, contract: OutputContract) -> Text | Mismatch:
    """One text in shape."""
    if contract.strip_think:
        text = strip_think(text)
    kind = contract.type or ("json" if contract.schema is not None else None)
    return SHAPES[kind](text, contract) if kind is not None else Text(text)


def _text_of(choice: Any) -> str | None:
    """The text to be shaped; None where there is none because the model called tools or refused."""
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or message.get("refusal"):
        return None
    content = message.get("content")
    if not content and message.get("tool_calls"):
        return None
    return content if isinstance(content, str) else ("" if content is None else None)


def _json(text: str, contract: OutputContract) -> Text | Mismatch:
    why = ""
    for reading in readings(text):
        try:
            value = DECODE(reading)
        except (msgspec.DecodeError, UnicodeError) as error:
            why = why or str(error)
        except RecursionError:
            return Mismatch("$", "nested too deeply")
        else:
            return Text(reading, value, judge=contract.schema is not None)
    return Mismatch("$", f"not JSON ({why})" if text.strip() else "empty, where JSON was asked for")


def _xml(text: str, contract: OutputContract) -> Text | Mismatch:  # noqa: ARG001
    first: Mismatch | None = None
    for reading in readings(text):
        fault = xml_fault(reading)
        if fault is None:
            return Text(reading)
        first = first or fault
    return first or Mismatch("$", "not XML")


def _markdown(text: str, contract: OutputContract) -> Text:  # noqa: ARG001
    return Text(text.strip())


def _text(text: str, contract: OutputContract) -> Text:  # noqa: ARG001
    return Text(plain_text(text))


SHAPES: Mapping[str, Callable[[str, OutputContract], Text | Mismatch]] = MappingProxyType(
    {"json": _json, "xml": _xml, "markdown": _markdown, "text": _text}
)
