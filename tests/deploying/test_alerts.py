"""Alert rules ask for metrics that a gateway really has, with labels and values that really occur."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway.state.metrics import Metrics
from tests.serving import ADMIN, a_config, serving
from tests.wire import Wire, openai_error

RULES = Path(__file__).parent.parent.parent / "examples/kubernetes/monitoring/prometheusrule.yaml"
OF_THE_SCRAPE = {"job", "pod", "namespace", "instance"}
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]


def rules() -> list[dict[str, Any]]:
    said = yaml.safe_load(RULES.read_text())
    return [rule for group in said["spec"]["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Of a gateway to which everything happened that anybody wants to be woken for."""
    folder = tmp_path_factory.mktemp("alerts")
    config = folder / "tokenhub.yaml"
    more = "reload: {keep_last_good: true}\ncanary: {config: candidate.yaml, share: 0.5}\n"
    with Wire() as wire:
        (folder / "candidate.yaml").write_text(a_config(wire.url, more="aliases: {new: gpt-4o}\n"))
        with serving(a_config(wire.url, more=more), folder) as gateway:
            with gateway.client() as client, gateway.client(ADMIN) as admin:
                client.post("/v1/chat/completions", json=ASK)
                wire.script(openai_error(500), always=True)
                client.post("/v1/chat/completions", json=ASK)
                admin.post("/admin/v1/providers/p1/disable")
                while admin.get("/admin/v1/canary").json()["state"] != "trying":
                    pass
                admin.post("/admin/v1/canary/rollback")
                config.write_text("version: [")
                admin.post("/admin/v1/reload")
                text = client.get("/metrics").text
        with serving(config, folder) as gateway, gateway.client() as client:
            text += client.get("/metrics").text
    shared = Metrics()
    shared.watch(lambda: {"state_store_up": 1.0}, tuple)
    text += shared.exposition().decode()
    return list(parsed(text))


def parsed(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield Sample(sample.name, sample.labels)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_can_fire(rule: dict[str, Any], samples: list[Sample]) -> None:
    selectors = list(selectors_of(promql_parser.parse(rule["expr"])))
    assert selectors
    for selector in selectors:
        fitting = [sample for sample in samples if sample.name == selector.name and fits(sample, selector)]
        assert fitting, f"no gateway has {selector.name}{selector.matchers}"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_names_labels_that_are_there(rule: dict[str, Any], samples: list[Sample]) -> None:
    names = {selector.name for selector in selectors_of(promql_parser.parse(rule["expr"]))}
    known = {label for sample in samples if sample.name in names for label in sample.labels} | OF_THE_SCRAPE
    grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in labels.split(",")}
    assert grouped <= known
    told = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert told <= grouped, "only what is grouped by can be told"


def test_replicas_on_different_configurations_are_told_after_three_minutes() -> None:
    (rule,) = [rule for rule in rules() if rule["alert"] == "TokenhubReplicasDisagree"]
    assert rule["for"] == "3m"
    assert "digest" in rule["expr"]
    assert 'role="running"' in rule["expr"], "a candidate on trial is no disagreement"


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    assert all(name.startswith("Tokenhub") for name in names)


def selectors_of(node: Any) -> Iterator[Any]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    for part in ("lhs", "rhs", "expr", "args"):
        below = getattr(node, part, None)
        for one in below if isinstance(below, list) else [below] if below is not None else []:
            yield from selectors_of(one)


def fits(sample: Sample, selector: Any) -> bool:
    for matcher in selector.matchers.matchers:
        value = sample.labels.get(matcher.name)
        op = str(matcher.op).rpartition(".")[2]
        if value is None or not MEANT[op](value, matcher.value):
            return False
    return True


MEANT: dict[str, Callable[[str, str], bool]] = {
    "Equal": lambda value, wanted: value == wanted,
    "NotEqual": lambda value, wanted: value != wanted,
    "Re": lambda value, wanted: re.fullmatch(wanted, value) is not None,
}
