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
from gateway.config.problem import Problem
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
    told = [problem for problem in findings.problems if not is_left_to_the_merge(problem)]
    assert bool(errors) == bool(told), (errors, findings.problems)


def is_left_to_the_merge(problem: Problem) -> bool:
    """Something is missing in a map: another file may say it. What stands in a list is whole."""
    missing = problem.code == "TH1402" or (problem.code == "TH1410" and problem.message.endswith("an empty map"))
    return missing and "[" not in problem.path


OVERLAYS = (
    "models: {gpt-4o: {weight: 9}}",
    "models: {gpt-4o: {enabled: false, retires_on: 2027-06-30}}",
    "models: {gpt-4o: {offers: [{provider: openai, price: {input: 1, output: 2}}]}}",
    "providers: {openai: {max_concurrency: 5, timeouts: {total: 5m}}}",
    "aliases: {premium: {strategy: cost}, claude-opus: claude-opus-5}",
    "routing: {modes: {cheap: {cost: 0.5}}}",
    "records: {bodies: false}",
    "server: {workers: 1}",
)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_that_is_accepted_fits_the_schema(overlay: str, tmp_path: Path) -> None:
    main, above = tmp_path / "tokenhub.yaml", tmp_path / "above.yaml"
    main.write_text("version: 1\ninclude: [catalog/tiers.yaml, above.yaml]\noverlay: [above.yaml]\n")
    above.write_text(overlay)
    problems = load(main, a_world(secrets="skip")).problems
    assert [problem.message for problem in problems if problem.severity == "error"] == []
    for path in (main, above):
        tree = compose(Source(path.name, path.read_text()), Findings())
        assert tree is not None
        assert list(VALIDATOR.iter_errors(plain_or_rounded(tree))) == []


def test_what_stands_in_a_list_is_demanded_and_what_can_be_merged_is_not() -> None:
    demanding = {name for name, section in SCHEMA["$defs"].items() if "required" in section}
    assert demanding >= {"Offer", "Price", "Key", "Trial"}
    assert not demanding & {"Model", "Provider", "Timeouts", "TierAlias", "SplitAlias", "Mode", "Routing"}
    assert "required" not in SCHEMA


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
