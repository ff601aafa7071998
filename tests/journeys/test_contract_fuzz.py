"""The published document, fuzzed: no status that it does not name, nothing of our own fault, whatever is sent."""

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from gateway.web.app import document
from tests.serving import ADMIN, Serving, serving

ROOT = Path(__file__).parent.parent.parent
CASES = int(os.environ.get("TOKENHUB_FUZZ_CASES", "10"))
QUICKSTART_KEY = "th-quickstart"

PROVIDERS_FAULT = {"POST /v1/chat": 502}
"""An echo does not answer in the shape of a random schema: that it is not believed is the promise."""

OPERATIONS = {
    operation.label: operation
    for operation in (result.ok() for result in schemathesis.openapi.from_dict(document()).get_all_operations())
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(ROOT / "configs" / "tokenhub.yaml", tmp_path_factory.mktemp("fuzz")) as running:
        yield running


@pytest.mark.parametrize("label", sorted(OPERATIONS))
@pytest.mark.parametrize("authorised", [True, False], ids=["with a key", "without one"])
def test_every_answer_is_one_that_the_document_names(gateway: Serving, label: str, authorised: bool) -> None:
    operation = OPERATIONS[label]
    known = set(operation.definition.raw["responses"])
    key = ADMIN if "/admin/" in label else QUICKSTART_KEY
    headers = {"Authorization": f"Bearer {key}"} if authorised else {}

    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def fuzz(case: Any) -> None:
        answer = case.call(base_url=gateway.url, headers=headers)
        assert str(answer.status_code) in known, (answer.status_code, answer.text)
        assert answer.status_code < 500 or answer.status_code == PROVIDERS_FAULT.get(label), answer.text

    fuzz()
