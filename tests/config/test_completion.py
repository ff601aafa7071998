"""What an editor does with `schema --project`: it completes one's own names where one is expected, and nothing else."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.config.load import World, load
from gateway.config.print_schema import print_schema
from tests.config.worlds import completed

PROJECT = """
version: 1
providers: {here: {dialect: echo}, there: {dialect: echo}}
models:
  small: {weight: 3, context_window: 8192, max_output_tokens: 1024, capabilities: [chat], offers: [OFFER here}]}
  large: {weight: 8, context_window: 8192, max_output_tokens: 1024, capabilities: [chat], offers: [OFFER there}]}
aliases: {smart: large}
routing: {modes: {frugal: {cost: 1, latency: 0, failure: 0, capability: 0}}}
keys: [{name: app, digest: 'sha256:abababababababababababababababababababababababababababababababab'}]
""".replace("OFFER", "{price: {input: 1, output: 1}, provider:")
NAMES = ["large", "small", "smart"]
TARGETS = [*NAMES, "here/small", "there/large"]
MODES = ["cheap", "frugal", "high_confidence", "normal", "planning", "thompson"]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("project") / "tokenhub.yaml"
    path.write_text(PROJECT)
    loading = load(path, World(env={}, today=date(2026, 11, 1), secrets="skip"))
    assert loading.declaration is not None, loading.problems
    made: dict[str, Any] = json.loads(print_schema(loading.declaration))
    return made


def completions(schema: dict[str, Any], *path: str) -> list[str]:
    """What is offered at a place; `*` is any key of a map, `[]` any item of a list."""
    nodes = [schema]
    for step in path:
        nodes = [below for node in nodes for below in into(schema, node, step)]
    return sorted(
        {str(value) for node in nodes for one in flat(schema, node) for value in one.get("enum", ()) if value}
    )


def into(schema: dict[str, Any], node: dict[str, Any], step: str) -> Iterator[dict[str, Any]]:
    for one in flat(schema, node):
        if step == "[]" and isinstance(one.get("items"), dict):
            yield one["items"]
        elif step == "*" and isinstance(one.get("additionalProperties"), dict):
            yield one["additionalProperties"]
        elif step in one.get("properties", {}):
            yield one["properties"][step]


def flat(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Through references and alternatives."""
    if "$ref" in node:
        yield from flat(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    yield node
    for option in node.get("anyOf", ()):
        yield from flat(schema, option)


@pytest.mark.parametrize(
    ("path", "offered"),
    [
        (("models", "*", "offers", "[]", "provider"), ["here", "there"]),
        (("fallbacks", "*", "[]"), TARGETS),
        (("wildcard_models", "[]"), NAMES),
        (("aliases", "*", "tier", "[]"), NAMES),
        (("aliases", "*", "split", "[]", "model"), TARGETS),
        (("defaults", "mode"), MODES),
        (("defaults", "default_model"), TARGETS),
        (("routing", "capability_modes", "*"), MODES),
        (("tests", "[]", "ask", "mode"), MODES),
        (("tests", "[]", "ask", "key"), ["app"]),
        (("tests", "[]", "expect", "model"), NAMES),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_own_names_are_offered_where_one_is_expected(
    schema: dict[str, Any], path: tuple[str, ...], offered: list[str]
) -> None:
    assert completions(schema, *path) == sorted(offered)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("fallbacks: {large: [smal]}", "smal"),
        ("wildcard_models: [large, tiny]", "tiny"),
        ("defaults: {mode: frugale}", "frugale"),
    ],
)
def test_what_is_not_declared_is_underlined(schema: dict[str, Any], said: str, fault: str) -> None:
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(yaml.safe_load(PROJECT))) == []
    errors = list(validator.iter_errors(yaml.safe_load(PROJECT) | yaml.safe_load(said)))
    assert [error.instance for error in errors] == [fault]


def test_a_file_of_the_language_alone_is_checked_by_the_published_schema() -> None:
    Draft202012Validator(json.loads(print_schema())).validate(yaml.safe_load(completed("aliases: {smart: m}\n")))


def test_every_key_is_described(schema: dict[str, Any]) -> None:
    folder = Path(__file__).parent.parent.parent / "schemas"
    published = json.loads((folder / "tokenhub.schema.json").read_text())
    lacking = [
        f"{name}.{key}"
        for name, body in published["$defs"].items()
        for key, value in body.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]
    assert lacking == []
    assert schema["$defs"].keys() == published["$defs"].keys()
