"""What is printed from code equals what is kept in the repository, and the schema agrees with the loader."""

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from gateway.config.check_shape import ShapeCheck
from gateway.config.compose import compose
from gateway.config.findings import Findings
from gateway.config.forms import form_of
from gateway.config.load import load
from gateway.config.print_schema import print_schema
from gateway.config.printed import PRINTED
from gateway.config.shape import Declaration
from gateway.config.tree import BROKEN, Node, Source
from tests.config.mistakes import ROWS
from tests.config.worlds import a_world, completed

ROOT = Path(__file__).parent.parent
SCHEMA = msgspec.json.decode(print_schema())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_file_is_what_the_code_prints(name: str, update_golden: bool) -> None:
    path = ROOT / name
    if update_golden:
        path.write_text(PRINTED[name]())
    assert path.read_text() == PRINTED[name](), "run `python -m gateway.config.printed` and review the difference"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_object_is_closed_and_every_key_is_explained() -> None:
    for section in (SCHEMA, *SCHEMA["$defs"].values()):
        assert section["additionalProperties"] is False
        for name, field in section["properties"].items():
            assert field.get("description"), name


def test_every_example_and_default_is_valid() -> None:
    for section in (SCHEMA, *SCHEMA["$defs"].values()):
        for name, field in section["properties"].items():
            validator = jsonschema.Draft202012Validator({**field, "$defs": SCHEMA["$defs"]})
            for value in [*field.get("examples", []), *([field["default"]] if "default" in field else [])]:
                assert not list(validator.iter_errors(value)), (name, value)


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: plain(child) for name, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    if node.value is BROKEN or (isinstance(node.value, float) and (node.value != node.value or node.value % 1 == 0)):
        raise ValueError("JSON Schema reads 1.0 as a whole number, and knows no infinity")
    return node.value


LEFT_TO_THE_SCHEMA_ALONE = {"TH2007"}
"""The schema lists the dialects; the loader has a rule of meaning for them."""

COMPARED = [(code, completed(text.replace("§", ""))) for code, text in ROWS if code not in LEFT_TO_THE_SCHEMA_ALONE]


@pytest.mark.parametrize(("code", "text"), COMPARED, ids=[f"{code}-{n}" for n, (code, _) in enumerate(COMPARED)])
def test_schema_and_loader_agree(code: str, text: str) -> None:
    findings = Findings()
    tree = compose(Source("x.yaml", text), findings)
    if tree is None or findings.problems:
        return
    ShapeCheck(findings).plain(form_of(Declaration), tree, ())
    try:
        value = plain(tree)
    except ValueError:
        return
    errors = list(VALIDATOR.iter_errors(value))
    assert bool(errors) == findings.failed, (errors, findings.problems)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=str)
def test_shipped_configuration_fits_the_schema_and_names_it(path: Path) -> None:
    text = path.read_text()
    tree = compose(Source(path.name, text), Findings())
    assert tree is not None
    assert not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(plain_or_rounded(tree)))
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("$schema=")[2]).resolve() == ROOT / "schemas/tokenhub.schema.json"


def plain_or_rounded(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {name: plain_or_rounded(child) for name, child in node.value.items()}
    return [plain_or_rounded(child) for child in node.value] if isinstance(node.value, list) else node.value


def test_a_projected_schema_knows_the_names_of_a_configuration() -> None:
    declaration = load(ROOT / "configs/tokenhub.yaml", a_world(secrets="skip")).declaration
    assert declaration is not None
    projected = msgspec.json.decode(print_schema(declaration))
    names = projected["properties"]["wildcard_models"]["items"]["enum"]
    assert {"echo-small", "echo-large", "smart"} <= set(names)
    validator = jsonschema.Draft202012Validator(projected)
    assert not list(validator.iter_errors({"wildcard_models": ["echo-small"]}))
    assert list(validator.iter_errors({"wildcard_models": ["echo-smal"]}))
