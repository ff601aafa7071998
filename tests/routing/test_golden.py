"""Worlds, asks, and the plans that were reviewed: `pytest --update-golden` rewrites them, the diff is read."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.domain.plan import Plan
from gateway.errors import RequestError
from gateway.routing.make_plan import explain_plan, make_plan
from tests.routing.worlds import a_moment_of, a_world, an_ask_of, told, told_error

FOLDER = Path(__file__).parent.parent / "golden" / "routing"
FILES = sorted(FOLDER.glob("*.yaml"))


def planned(world: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    snapshot, moment, ask = a_world(world), a_moment_of(case.get("moment", {})), an_ask_of(case["ask"])
    try:
        plan = make_plan(snapshot, moment, ask)
    except RequestError as error:
        return told_error(error)
    explained = explain_plan(snapshot, moment, ask)
    assert_same_decision(plan, explained)
    return told(explained)


def assert_same_decision(plan: Plan, explained: Plan) -> None:
    assert explained.steps[: len(plan.steps)] == plan.steps
    for field in ("asked", "kind", "alias_from", "mode", "strategy", "turn", "healthy", "retry_after_s"):
        assert getattr(plan, field) == getattr(explained, field)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_case_is_planned_as_reviewed(path: Path, update_golden: bool) -> None:
    golden = yaml.safe_load(path.read_text())
    for case in golden["cases"]:
        plan = planned(golden["world"], case)
        if update_golden:
            case["plan"] = plan
        else:
            assert plan == case["plan"], f"{path.name}: {case['name']}"
    if update_golden:
        path.write_text(yaml.safe_dump(golden, sort_keys=False, width=140, allow_unicode=True))
