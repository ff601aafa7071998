"""Judge a caller's schema before anything is spent on it, and make a validator of it: bounded, without network."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec
import re2
from msgspec import Struct

from gateway.errors import RequestError
from gateway.output.survey import PLENTY, SchemaError, Survey, survey, total, weights
from gateway.output.validator import Mismatch, first_fault, pattern_of, validator_of

Schema = Mapping[str, Any] | bool

MOST_BYTES = 64 * 1024
MOST_PATTERNS = 64
MOST_PATTERN_CHARS = 2048
MOST_PROGRAM = 10_000
"""Instructions of all regular expressions together."""
MOST_ALTERNATIVES = 1000
"""Schemas that one value may have to be compared with."""
KEPT = 256


class Compiled(Struct, frozen=True):
    """A schema ready for use, and what one look at a value costs at most."""

    validator: Any
    breadth: int | None
    """How many comparisons it stands for with every reference written out; None where it refers to itself."""
    patterns: int

    def fault(self, value: Any) -> Mismatch | None:
        return first_fault(self.validator, value)


def check_schema(given: object, where: str = "output_format.schema") -> Schema:
    """The schema, if it can be used; it may come as JSON text. Raises RequestError with the reason where it cannot."""
    try:
        schema = _read(given)
        compiled(schema)
    except SchemaError as fault:
        place = "" if fault.pointer == "#" else f" at {fault.pointer[:120]}"
        raise RequestError("bad_request", "invalid_schema", f"{where}{place}: {fault.why}", param=where) from None
    return schema


def compiled(schema: Schema) -> Compiled:
    """The same schema is compiled once; the longest unused of many is forgotten. Raises SchemaError."""
    key = msgspec.json.encode(schema)
    known = _CACHE.get(key)
    if known is None:
        known = _compile(schema)
        _CACHE[key] = known
        if len(_CACHE) > KEPT:
            _CACHE.popitem(last=False)
    else:
        _CACHE.move_to_end(key)
    return known


_CACHE: OrderedDict[bytes, Compiled] = OrderedDict()


def _read(given: object) -> Schema:
    text = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else None
    try:
        if text is None:
            text = msgspec.json.encode(given)
        if len(text) > MOST_BYTES:
            raise SchemaError("#", f"it is longer than {MOST_BYTES} bytes")
        schema = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SchemaError("#", "it is not JSON") from None
    except RecursionError:
        raise SchemaError("#", "it is nested too deeply") from None
    if not isinstance(schema, dict | bool):
        raise SchemaError("#", "a schema is an object, or true or false")
    return schema


def _compile(schema: Schema) -> Compiled:
    if isinstance(schema, bool):
        return Compiled(validator_of(schema), 1, 0)
    found = survey(schema)
    _bound_patterns(found)
    _bound_alternatives(found)
    _refuse_mixtures(found)
    ways = [[*same, *parts] for same, parts in zip(found.same_value, found.parts, strict=True)]
    both = total(ways, weights(found))
    breadth = None if isinstance(both, int) or _looks_twice(found) else both[0]
    plain = {name: value for name, value in schema.items() if name not in ("$id", "$schema")}
    return Compiled(validator_of(plain), breadth, len(found.patterns))


def _bound_patterns(found: Survey) -> None:
    if len(found.patterns) > MOST_PATTERNS:
        raise SchemaError("#", f"it holds more than {MOST_PATTERNS} regular expressions")
    size = 0
    for pattern, place in found.patterns:
        if len(pattern) > MOST_PATTERN_CHARS:
            raise SchemaError(place, f"a regular expression is longer than {MOST_PATTERN_CHARS} characters")
        try:
            size += pattern_of(pattern).programsize
        except re2.error as error:
            raise SchemaError(place, f"the regular expression cannot be used ({_words(error)})") from None
        if size > MOST_PROGRAM:
            raise SchemaError(place, "the regular expressions are too costly together")


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else b""
    return said.decode("utf-8", "replace")[:100] if isinstance(said, bytes) else str(said)[:100]


def _bound_alternatives(found: Survey) -> None:
    counts = total(found.same_value, [1] * len(found.schemas))
    if isinstance(counts, int):
        raise SchemaError(found.pointers[counts], "it refers to itself without getting nearer to an end")
    most = max(counts)
    if most > MOST_ALTERNATIVES:
        told = "countless" if most >= PLENTY else str(most)
        place = found.pointers[counts.index(most)]
        raise SchemaError(place, f"one value would be compared with {told} schemas; {MOST_ALTERNATIVES} are allowed")


def _refuse_mixtures(found: Survey) -> None:
    if any("patternProperties" in each for each in found.schemas):
        for schema, pointer in zip(found.schemas, found.pointers, strict=True):
            if "unevaluatedProperties" in schema:
                raise SchemaError(pointer, "`unevaluatedProperties` beside `patternProperties` is not supported")


def _looks_twice(found: Survey) -> bool:
    """`unevaluated…` looks at every value again."""
    return any("unevaluatedProperties" in each or "unevaluatedItems" in each for each in found.schemas)
