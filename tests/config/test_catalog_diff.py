"""Two catalogues compared: what came, went, retired, and which figures changed."""

from pathlib import Path

import pytest

from gateway.config.catalog import SHIPPED_CATALOG, read_catalog
from gateway.config.catalog_diff import Change, Retired, catalog_diff
from gateway.config.shape.offering import Model, Offer, Price
from tests.config.worlds import written


def a_model(price: Price | None = None, provider: str = "p", **more: object) -> Model:
    offer = Offer(provider=provider, price=price or Price(input=1, output=2))
    return Model(**({"offers": (offer,), "context_window": 1000, "max_output_tokens": 100} | more))  # type: ignore[arg-type]


def test_equal_catalogues_do_not_differ() -> None:
    assert catalog_diff({"m": a_model()}, {"m": a_model()}).same


def test_models_come_and_go() -> None:
    found = catalog_diff({"a": a_model(), "b": a_model()}, {"b": a_model(), "c": a_model()})
    assert (found.added, found.removed, found.retired, found.changed) == (("c",), ("a",), (), ())


def test_a_model_that_goes_as_announced_is_retired() -> None:
    found = catalog_diff({"a": a_model(retires_on="2026-10-23")}, {})
    assert (found.removed, found.retired) == ((), (Retired("a", "2026-10-23"),))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (a_model(Price(input=1, output=3)), Change(model="m", offer="p", field="price.output", old=2.0, new=3.0)),
        (
            a_model(Price(input=1, output=2, cached_input=0.1)),
            Change(model="m", offer="p", field="price.cached_input", old=None, new=0.1),
        ),
        (a_model(context_window=2000), Change(model="m", field="context_window", old=1000, new=2000)),
        (a_model(max_output_tokens=None), Change(model="m", field="max_output_tokens", old=100, new=None)),
        (a_model(retires_on="2027-01-01"), Change(model="m", field="retires_on", old=None, new="2027-01-01")),
        (
            a_model(capabilities=("chat", "tools")),
            Change(model="m", field="capabilities", old=("chat",), new=("chat", "tools")),
        ),
        (a_model(enabled=False), Change(model="m", field="enabled", old=True, new=False)),
    ],
)
def test_each_figure_that_changed_is_told(after: Model, expected: Change) -> None:
    assert catalog_diff({"m": a_model()}, {"m": after}).changed == (expected,)


def test_an_offer_that_moved_is_told_with_its_price() -> None:
    fields = [
        (change.offer, change.field) for change in catalog_diff({"m": a_model()}, {"m": a_model(provider="q")}).changed
    ]
    assert fields[:2] == [("p", "offer"), ("p", "price.input")]
    assert ("q", "offer") in fields


def test_a_folder_of_parts_is_read_together() -> None:
    catalog = read_catalog(SHIPPED_CATALOG)
    assert catalog.problems == ()
    assert {"gpt-6-luna", "claude-opus-5-5", "bedrock-eu-nova-lite"} <= set(catalog.models)
    one = read_catalog(SHIPPED_CATALOG / "openai.yaml")
    assert set(one.models) < set(catalog.models)


def test_a_catalogue_of_years_ago_can_be_read(tmp_path: Path) -> None:
    model = "{max_output_tokens: 9, retires_on: 2020-01-01, offers: [{provider: p, price: {input: 1, output: 2}}]}"
    path = written(tmp_path, {"old.yaml": f"version: 1\nproviders: {{p: {{dialect: echo}}}}\nmodels: {{m: {model}}}\n"})
    catalog = read_catalog(path)
    assert catalog.problems == ()
    assert set(catalog.models) == {"m"}


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"broken.yaml": "version: 1\nmodels: {m: {offers: []}}\n"})
    assert [problem.code for problem in read_catalog(path).problems] != []
