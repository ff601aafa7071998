"""A promise that lint believes is kept in every outage by the planner itself, and one it refutes is really broken."""

from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import load
from gateway.config.shape.proving import TrialAsk, TrialMoment
from gateway.errors import RequestError
from gateway.flow.decide import explain
from gateway.flow.suppose import Names, ask_of, moment_of_trial
from tests.config.worlds import a_world, written

PROVIDERS = ("eu1", "eu2", "eu3", "us")
MODELS = ("a", "b", "c", "d")
NAMES = (*MODELS, "x", "y", "z")


@st.composite
def worlds(draw: st.DrawFn) -> str:
    lines = ["version: 1", "providers:"]
    for place in PROVIDERS:
        enabled = "" if draw(st.integers(0, 5)) else ", enabled: false"
        lines.append(f"  {place}: {{dialect: echo, labels: {{region: {place[:2]}}}{enabled}}}")
    lines.append("models:")
    for model in MODELS:
        places = draw(st.lists(st.sampled_from(PROVIDERS), min_size=1, max_size=2, unique=True))
        offers = ", ".join(f"{{provider: {place}, price: {{input: 1, output: 1}}}}" for place in places)
        lines.append(f"  {model}: {{max_output_tokens: 9, offers: [{offers}]}}")
    members = st.lists(st.sampled_from(MODELS), min_size=1, max_size=3, unique=True)
    lines += ["aliases:", f"  x: {draw(st.sampled_from(MODELS))}", f"  y: {{tier: [{', '.join(draw(members))}]}}"]
    shares = ", ".join(f"{{model: {model}, weight: 1}}" for model in draw(members))
    lines += [f"  z: {{split: [{shares}]}}", "fallbacks:"]
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)):
        others = [other for other in NAMES if other > name]
        if others:
            chain = draw(st.lists(st.sampled_from(others), min_size=1, max_size=3, unique=True))
            lines.append(f"  {name}: [{', '.join(chain)}]")
    if lines[-1] == "fallbacks:":
        lines.pop()
    return "\n".join(lines) + "\n"


def refuted(folder: Path, text: str, name: str) -> list[str]:
    """Names of the promise's breach; an empty list where it holds, or where something else is wrong."""
    promise = f"policies: [{{name: eu, aliases: [{name}], require: {{region: eu}}}}]\n"
    loading = load(written(folder, {"tokenhub.yaml": text + promise}), a_world(secrets="skip"))
    return [problem.message for problem in loading.problems if problem.code == "TH2703"]


def reached(folder: Path, text: str, name: str) -> set[str] | None:
    """Providers that any plan holds, whichever one or two are down, whoever asks; None where nothing can be planned."""
    loading = load(written(folder, {"tokenhub.yaml": text}), a_world(secrets="skip"))
    if loading.declaration is None:
        return None
    snapshot = drive(compile_snapshot(loading))
    names = Names(snapshot.table)
    found: set[str] = set()
    outages = [(), *((one,) for one in PROVIDERS), *combinations(PROVIDERS, 2)]
    for outage in outages:
        moment = moment_of_trial(snapshot, TrialMoment(down=outage), names, 0.0)
        for caller in range(4):
            ask = ask_of(snapshot, TrialAsk(model=name), request_id=f"{caller:026d}")
            try:
                plan = explain(snapshot, moment, ask)
            except RequestError:
                continue
            found.update(step.offer.provider for step in (*plan.steps, *plan.wider))
    return found


@settings(max_examples=60, deadline=None)
@given(worlds(), st.sampled_from(NAMES))
def test_what_is_not_refuted_is_kept_in_every_single_and_double_outage(text: str, name: str) -> None:
    with TemporaryDirectory() as folder:
        places = reached(Path(folder), text, name)
        if places is not None and not refuted(Path(folder), text, name):
            assert "us" not in places


SECOND_LEVEL = """
version: 1
providers:
  eu1: {dialect: echo, labels: {region: eu}}
  eu2: {dialect: echo, labels: {region: eu}}
  us: {dialect: echo, labels: {region: us}}
models:
  a: {max_output_tokens: 9, offers: [{provider: eu1, price: {input: 1, output: 1}}]}
  b: {max_output_tokens: 9, offers: [{provider: eu1, price: {input: 2, output: 2}}]}
  c: {max_output_tokens: 9, offers: [{provider: us, price: {input: 3, output: 3}}]}
aliases: {eu-chat: a}
fallbacks: {a: [b, c]}
"""


def test_a_breach_on_the_second_level_under_one_outage_is_refuted_with_that_way_and_the_planner_goes_it(
    tmp_path: Path,
) -> None:
    (message,) = refuted(tmp_path, SECOND_LEVEL, "eu-*")
    assert message.startswith("with `eu1` down, `eu-chat` -> fallback `c` can reach `us`, whose `region` is not `eu`")
    (nested,) = refuted(tmp_path, SECOND_LEVEL.replace("{a: [b, c]}", "{a: [b], b: [c]}"), "eu-*")
    assert nested.startswith("with `eu1` down, `eu-chat` -> fallback `b` -> fallback `c` can reach `us`")
    snapshot = drive(compile_snapshot(load(written(tmp_path, {"t.yaml": SECOND_LEVEL}), a_world(secrets="skip"))))
    moment = moment_of_trial(snapshot, TrialMoment(down=("eu1",)), Names(snapshot.table), 0.0)
    plan = explain(snapshot, moment, ask_of(snapshot, TrialAsk(model="eu-chat")))
    assert plan.steps[0].offer.name == "us/c"
