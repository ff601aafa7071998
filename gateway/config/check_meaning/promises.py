"""Policies and routing tests: about names that exist, and, as far as files can tell, kept."""

from collections.abc import Callable, Iterable

from gateway.config.check_meaning.facts import EVERYTHING, Facts
from gateway.config.check_meaning.keeping import breach
from gateway.config.shape.access import Policy
from gateway.config.shape.proving import Trial, TrialAsk, TrialExpect, TrialMoment
from gateway.config.tree import Path


def duplicate_names(facts: Facts) -> None:
    policies_and_tests = (
        ("policies", [policy.name for policy in facts.said.policies]),
        ("tests", [trial.name for trial in facts.said.tests]),
    )
    for part, names in policies_and_tests:
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            other = first.setdefault(name, index)
            if other != index:
                message = f"this name is already used, in {facts.place((part, other, 'name'))}"
                facts.complain("TH2701", (part, index, "name"), message, "say what is different here")


def policies(facts: Facts) -> None:
    labels = {label for provider in facts.said.providers.values() for label in provider.labels}
    for index, policy in enumerate(facts.said.policies):
        good = True
        for label in policy.require:
            if label not in labels:
                good = False
                message = f"no provider has a label `{label}`"
                path: Path = ("policies", index, "require", label)
                facts.complain("TH2012", path, message, facts.nearest(label, labels), key=True)
        for number, pattern in enumerate(policy.aliases):
            names = facts.names_matching(pattern)
            if not names:
                message = f"`{pattern}` matches no model and no alias"
                hint = facts.nearest_target(pattern.rstrip("*"))
                facts.complain("TH2014", ("policies", index, "aliases", number), message, hint)
            elif good:
                _kept(facts, policy, ("policies", index, "aliases", number), names)


def _kept(facts: Facts, policy: Policy, path: Path, names: Iterable[str]) -> None:
    """One counter-example a pattern: the others are usually the same."""
    for name in names:
        found = breach(facts, policy, name)
        if found is not None:
            facts.complain("TH2703", path, found.told(), f"promised by the policy `{policy.name}`")
            return


def tests(facts: Facts) -> None:
    for index, trial in enumerate(facts.said.tests):
        path: Path = ("tests", index)
        refused = trial.expect.error is not None or any(case.expect.error for case in trial.cases)
        _ask(facts, (*path, "ask"), trial.ask, refused=refused)
        _moment(facts, (*path, "moment"), trial.moment)
        _expect(facts, (*path, "expect"), trial.expect)
        for number, case in enumerate(trial.cases):
            here = (*path, "cases", number)
            _ask(facts, (*here, "ask"), case.ask, refused=refused)
            _moment(facts, (*here, "moment"), case.moment)
            _expect(facts, (*here, "expect"), case.expect)
        if _expects_nothing(trial) and not facts.findings.is_faulty(path):
            facts.complain("TH2702", (*path, "name"), "this test expects nothing: it can never fail", "add `expect:`")


def _expects_nothing(trial: Trial) -> bool:
    nothing = TrialExpect()
    return trial.expect == nothing and all(case.expect == nothing for case in trial.cases)


def _ask(facts: Facts, path: Path, ask: TrialAsk, *, refused: bool) -> None:
    if ask.key is not None and not any(key.name == ask.key for key in facts.said.keys):
        hint = facts.nearest(ask.key, [key.name for key in facts.said.keys])
        facts.complain("TH2013", (*path, "key"), f"`{ask.key}` is not a declared key", hint)
    if refused:
        return
    if ask.mode is not None and ask.mode not in facts.modes:
        facts.complain("TH2006", (*path, "mode"), f"`{ask.mode}` is not a mode", facts.nearest(ask.mode, facts.modes))
    named: list[tuple[Path, str]] = [((*path, "model"), ask.model)] if ask.model is not None else []
    named += [((*path, "fallback", index), name) for index, name in enumerate(ask.fallback or ())]
    for where, name in named:
        if name not in EVERYTHING and not facts.is_target(name):
            _unknown(facts, where, name)


def _moment(facts: Facts, path: Path, moment: TrialMoment) -> None:
    named: list[tuple[Path, str]] = []
    for field in ("down", "rate_limited"):
        named += [((*path, field, index), name) for index, name in enumerate(getattr(moment, field))]
    for field in ("latency", "error_rate"):
        named += [((*path, field, name), name) for name in getattr(moment, field)]
    for where, name in named:
        if name not in facts.said.providers and not facts.is_target(name):
            known = (*facts.said.providers, *facts.said.models)
            hint = facts.nearest(name, known) if "/" not in name else facts.nearest_target(name)
            message = f"`{name}` is not a declared provider, model or `provider/model`"
            facts.complain("TH2013", where, message, hint, key=isinstance(where[-1], str))


def _expect(facts: Facts, path: Path, expect: TrialExpect) -> None:
    if expect.provider is not None and expect.provider not in facts.said.providers:
        hint = facts.nearest(expect.provider, facts.said.providers)
        facts.complain("TH2013", (*path, "provider"), f"`{expect.provider}` is not a declared provider", hint)
    named: list[tuple[Path, str]] = [((*path, "model"), expect.model)] if expect.model is not None else []
    named += [((*path, "then", index), name) for index, name in enumerate(expect.then or ())]
    named += [((*path, "refused", name), name) for name in expect.refused]
    for where, name in named:
        if not facts.is_target(name):
            _unknown(facts, where, name)


def _unknown(facts: Facts, path: Path, name: str) -> None:
    message = f"`{name}` is not a declared model, alias or `provider/model`"
    facts.complain("TH2013", path, message, facts.nearest_target(name), key=len(path) > 1 and path[-2] == "refused")


RULES: tuple[Callable[[Facts], None], ...] = (duplicate_names, policies, tests)
