"""A caller's schema is judged before anything is spent on it."""

import json
import socket
from typing import Any

import pytest

from gateway.errors import RequestError
from gateway.output.schema import MOST_BYTES, check_schema, compiled

DEEP: dict[str, Any] = {}
for _ in range(70):
    DEEP = {"items": DEEP}
BOMB = {
    "$ref": "#/$defs/a0",
    "$defs": {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(100)} | {"a100": {}},
}
REFUSED: list[tuple[str, Any, str]] = [
    ("text that is no JSON", "{", "is not JSON"),
    ("a string", '"string"', "a schema is an object"),
    ("a list", [], "a schema is an object"),
    ("text too long", json.dumps({"description": "x" * MOST_BYTES}), "longer than 65536 bytes"),
    ("an object too long", {"description": "x" * MOST_BYTES}, "longer than 65536 bytes"),
    ("brackets without end", "[" * 60_000, "nested too deeply"),
    ("schemas without end", '{"not":' * 6000 + "true" + "}" * 6000, "nested too deeply"),
    ("schemas too deep", DEEP, "nested deeper than 64"),
    ("too many schemas", {"anyOf": [True] * 2001}, "more than 2000 schemas"),
    ("a remote reference", {"$ref": "http://127.0.0.1:1/x"}, "#/$ref: only references into the schema itself"),
    ("a file reference", {"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "#/properties/a/$ref: only references"),
    ("a relative reference", {"$ref": "other.json#/x"}, "only references"),
    ("a reference to nothing", {"$ref": "#/$defs/x"}, "leads to no schema"),
    ("a reference to no schema", {"$ref": "#/enum/0", "enum": [{}]}, "leads to no schema"),
    ("a reference to itself", {"$ref": "#"}, "refers to itself"),
    (
        "a circle",
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        "refers to itself",
    ),
    ("a circle through allOf", {"allOf": [{"not": {"if": {"$ref": "#"}}}]}, "refers to itself"),
    ("a circle on a shelf", {"$defs": {"a": {"$ref": "#/$defs/a"}}}, "refers to itself"),
    ("alternatives without end", BOMB, "compared with countless schemas"),
    ("a dynamic reference", {"$dynamicRef": "#x"}, "`$dynamicRef` is not supported"),
    ("an inner id", {"properties": {"a": {"$id": "http://x/"}}}, "`$id` is allowed at the top only"),
    ("look-ahead", {"pattern": "(?=a)b"}, "cannot be used (invalid perl operator: (?=)"),
    ("back-reference", {"patternProperties": {"(a)\\1": True}}, "cannot be used"),
    ("broken expression", {"pattern": "("}, "cannot be used"),
    ("giant expression", {"pattern": "((a{0,900}){0,900}){0,900}"}, "cannot be used"),
    ("long expression", {"pattern": "a" * 3000}, "longer than 2048 characters"),
    ("many expressions", {"anyOf": [{"pattern": "a"}] * 65}, "more than 64 regular expressions"),
    ("costly expressions", {"anyOf": [{"pattern": f"\\w{{0,{900 + n}}}"} for n in range(9)]}, "too costly together"),
    ("an unknown type", {"type": "text"}, "`type` must be the name of a JSON type"),
    ("types by number", {"type": [1]}, "`type` must be"),
    ("a negative length", {"minLength": -1}, "`minLength` must be a whole number"),
    ("a wrong bound", {"minimum": "1"}, "`minimum` must be a number"),
    ("properties by list", {"properties": []}, "`properties` must be an object"),
    ("an inner string", {"properties": {"a": "string"}}, "#/properties/a: a schema is an object"),
    ("items by list", {"items": [{}]}, "`prefixItems`"),
    ("nothing to choose", {"oneOf": []}, "at least one schema"),
    ("required by name", {"required": "a"}, "`required` must be a list of names"),
    ("an expression by number", {"pattern": 3}, "`pattern` must be a string"),
    ("a mixture", {"patternProperties": {"a": True}, "unevaluatedProperties": False}, "beside `patternProperties`"),
]


@pytest.mark.parametrize(("schema", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_c24_a_schema_that_cannot_be_used_is_refused_with_the_reason(schema: Any, why: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_schema(schema, "request.output_schema")
    error = caught.value
    assert (error.kind, error.code, error.param) == ("bad_request", "invalid_schema", "request.output_schema")
    assert error.message.startswith("request.output_schema")
    assert why in error.message
    assert len(error.message) < 400


ACCEPTED: list[Any] = [
    True,
    {},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/x", "type": "object"},
    {"type": ["string", "null"], "format": "uuid", "x-unknown": {"pattern": "("}},
    {"definitions": {"a": {"type": "string"}}, "$ref": "#/definitions/a"},
    {"$defs": {"a/b": {"$anchor": "here"}}, "anyOf": [{"$ref": "#here"}, {"$ref": "#/$defs/a~1b"}]},
    {"properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}},
    {"pattern": "^(a+)+$"},
    {"properties": {str(n): {"type": "string"} for n in range(1500)}},
    {"enum": list(range(5000))},
]


@pytest.mark.parametrize("schema", ACCEPTED)
def test_an_ordinary_schema_is_taken_as_text_or_as_an_object(schema: Any) -> None:
    assert check_schema(schema) == schema
    assert check_schema(json.dumps(schema)) == schema


def test_nothing_is_ever_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a packet was sent")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(RequestError):
        check_schema({"$ref": "http://127.0.0.1:9/schema.json"})
    schema = {
        "$schema": "http://127.0.0.1:9/meta",
        "$id": "http://127.0.0.1:9/x",
        "$ref": "#/$defs/a",
        "$defs": {"a": {"type": "string"}},
    }
    assert compiled(check_schema(schema)).fault(3) is not None


def test_a_schema_is_compiled_once() -> None:
    assert compiled({"type": "string"}) is compiled({"type": "string"})


FITS: list[tuple[Any, Any, str | None]] = [
    ({"pattern": "^(a+)+$"}, "a" * 5000 + "b", "$: 'aaa"),
    ({"pattern": "^b"}, "bc", None),
    ({"pattern": "\\d"}, 3, None),
    ({"patternProperties": {"^n_": {"type": "integer"}}}, {"n_a": "x"}, "$.n_a: 'x' is not of type 'integer'"),
    (
        {"patternProperties": {"^n_": {}}, "additionalProperties": False},
        {"n_a": 1, "b": 2},
        "$: unexpected properties: 'b'",
    ),
    (
        {"properties": {"a": {}}, "additionalProperties": {"type": "string"}},
        {"a": 1, "b": 2},
        "$.b: 2 is not of type 'string'",
    ),
    ({"additionalProperties": False}, [], None),
    ({"uniqueItems": True}, [1, {"a": 1}, {"a": 1.0}], "$: item 2 is there twice"),
    ({"uniqueItems": True}, [1, "1", True, None, [1]], None),
    ({"uniqueItems": False}, [1, 1], None),
    ({"uniqueItems": True}, {"a": 1}, None),
    ({"items": {"properties": {"a": {"minimum": 3}}}}, [{"a": 3}, {"a": 1}], "$[1].a: 1 is less than the minimum of 3"),
    ({"required": ["a"]}, {}, "$: 'a' is a required property"),
    ({"prefixItems": [{"type": "string"}], "items": False}, ["a", "b"], "$: Expected at most 1 item but found 1 extra"),
    (
        {"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]},
        {"a": 1, "b": 1},
        "$: Unevaluated properties",
    ),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 1}}}, 2, "$: 1 was expected"),
    (False, 1, "$: False schema does not allow 1"),
    (True, 1, None),
]


@pytest.mark.parametrize(("schema", "value", "fault"), FITS)
def test_a_value_is_held_against_the_whole_schema(schema: Any, value: Any, fault: str | None) -> None:
    found = compiled(check_schema(schema)).fault(value)
    if fault is None:
        assert found is None
    else:
        assert str(found).startswith(fault)
        assert len(str(found)) < 450


def test_a_value_nested_too_deeply_is_a_mismatch() -> None:
    value: Any = 1
    for _ in range(900):
        value = [value]
    assert "nested too deeply" in str(compiled({"items": {"$ref": "#"}}).fault(value))
