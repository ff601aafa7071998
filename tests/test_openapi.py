"""The OpenAPI document: printed from the routes, served, complete, and true."""

from pathlib import Path

from jsonschema import Draft202012Validator

from gateway.web.app import HOT, document
from tests.generate import openapi_text
from tests.serving import a_config, serving

ROOT = Path(__file__).parent.parent


def test_the_published_document_is_the_one_the_routes_print() -> None:
    assert (ROOT / "schemas" / "openapi.json").read_text() == openapi_text(), "run `make generate`"


def test_it_is_served_to_everybody(tmp_path: Path) -> None:
    with serving(a_config("http://127.0.0.1:9"), tmp_path) as gateway, gateway.client(None) as client:
        assert client.get("/schema").json() == document()


def test_hot_routes_are_in_it_though_no_framework_looks_into_them() -> None:
    paths = document()["paths"]
    assert set(HOT) <= set(paths)
    assert all("post" in paths[path] for path in HOT)


def test_every_schema_in_it_is_a_schema() -> None:
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
