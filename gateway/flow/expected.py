"""Hold what a test expects against what would happen, one expectation at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from gateway.config.shape.proving import TrialExpect
from gateway.domain.ask import Ask
from gateway.domain.plan import Plan, Step
from gateway.errors import RequestError
from gateway.flow.suppose import Names

Field = tuple[str | int, ...]
Difference = tuple[Field, str]

SHOWN = 4


class Seen(Struct, frozen=True, kw_only=True):
    """What would happen."""

    ask: Ask
    plan: Plan | None
    error: RequestError | None
    whole: Plan | None
    """With every refusal, where somebody looks at them."""

    @property
    def first(self) -> Step | None:
        return self.plan.steps[0] if self.plan is not None and self.error is None else None

    def route(self) -> str:
        """In one line: who would be tried, or why nobody."""
        if self.error is not None:
            return f"the request is refused with `{self.error.code}`: {self.error.message}"
        steps = self.plan.steps if self.plan is not None else ()
        shown = [f"{step.offer.name} ({step.reason})" for step in steps[:SHOWN]]
        return "the route is " + ", then ".join(shown) + (", …" if len(steps) > SHOWN else "")


def differences(expect: TrialExpect, seen: Seen, names: Names) -> Iterator[Difference]:
    """Nothing where all is as expected. A refusal that nobody expected is one difference, not many."""
    if expect.error is not None:
        yield from _error(expect.error, seen)
    elif seen.error is not None:
        field = next((field for field in _NEED_A_ROUTE if getattr(expect, field) is not None), None)
        if field is not None:
            told = f"expected {_wanted(expect, field)}, got `{seen.error.code}` ({seen.error.message})"
            yield (field,), told
    else:
        for name, check in _CHECKS.items():
            if getattr(expect, name) is not None:
                yield from check(expect, seen, names)
    yield from _refused(expect, seen, names)
    yield from _headers(expect, seen)


_NEED_A_ROUTE = ("model", "provider", "reason", "then", "max_cost_usd")


def _wanted(expect: TrialExpect, field: str) -> str:
    value = getattr(expect, field)
    return f"`{value}`" if isinstance(value, str) else "a route"


def _error(code: str, seen: Seen) -> Iterator[Difference]:
    if seen.error is None:
        yield ("error",), f"expected the error `{code}`, got {_served(seen)}"
    elif seen.error.code != code:
        yield ("error",), f"expected the error `{code}`, got `{seen.error.code}` ({seen.error.message})"


def _model(expect: TrialExpect, seen: Seen, names: Names) -> Iterator[Difference]:
    if seen.first is None or expect.model is None or _is(seen.first, expect.model, names):
        return
    yield ("model",), f"expected the model `{expect.model}`, got {_served(seen)}"


def _provider(expect: TrialExpect, seen: Seen, _names: Names) -> Iterator[Difference]:
    if seen.first is not None and seen.first.offer.provider != expect.provider:
        yield ("provider",), f"expected the provider `{expect.provider}`, got {_served(seen)}"


def _reason(expect: TrialExpect, seen: Seen, _names: Names) -> Iterator[Difference]:
    if seen.first is not None and seen.first.reason != expect.reason:
        yield ("reason",), f"expected the reason `{expect.reason}`, got {_served(seen)}"


def _then(expect: TrialExpect, seen: Seen, names: Names) -> Iterator[Difference]:
    steps = seen.plan.steps if seen.plan is not None else ()
    wanted = expect.then or ()
    at = 1
    for index, name in enumerate(wanted):
        at = _past_the_same_model(steps, at, name, names)
        if at >= len(steps) or not _is(steps[at], name, names):
            got = f"`{steps[at].offer.name}`" if at < len(steps) else "nothing more"
            yield ("then", index), f"expected `{name}` to be tried as number {index + 2}, got {got}"
            return
        at += 1
    if not wanted and len(steps) > 1:
        yield ("then",), f"expected nothing to be tried after it, got `{steps[1].offer.name}`"


def _past_the_same_model(steps: Sequence[Step], at: int, name: str, names: Names) -> int:
    """Further offers of a model that was just tried need not be listed."""
    while at < len(steps) and not _is(steps[at], name, names) and steps[at].offer.model == steps[at - 1].offer.model:
        at += 1
    return at


def _max_cost(expect: TrialExpect, seen: Seen, _names: Names) -> Iterator[Difference]:
    most = expect.max_cost_usd
    if seen.first is not None and most is not None and seen.first.cost_usd > most:
        yield (
            ("max_cost_usd",),
            f"expected at most {most:g} USD, got {seen.first.cost_usd:.6f} USD from {_served(seen)}",
        )


def _refused(expect: TrialExpect, seen: Seen, names: Names) -> Iterator[Difference]:
    refused = seen.whole.refused if seen.whole is not None else ()
    for name, rule in expect.refused.items():
        offers = frozenset(names.offers_of(name))
        found = {each.rule for each in refused if each.name == name or each.name in offers}
        tried = next((step for step in (seen.whole.steps if seen.whole else ()) if step.offer.name in offers), None)
        if tried is not None:
            yield ("refused", name), f"expected `{name}` to be passed over ({rule}), but `{tried.offer.name}` is tried"
        elif rule not in found:
            got = f"by {', '.join(f'`{one}`' for one in sorted(found))}" if found else "without a word"
            yield ("refused", name), f"expected `{name}` to be passed over by `{rule}`, it was {got}"


def _headers(expect: TrialExpect, seen: Seen) -> Iterator[Difference]:
    if expect.headers:
        would_be = {name.lower(): (name, value) for name, value in headers_of(seen).items()}
        for name, value in expect.headers.items():
            _, got = would_be.get(name.lower(), (name, None))
            if got != value:
                yield ("headers", name), f"expected the header `{name}: {value}`, got {f'`{got}`' if got else 'none'}"


def headers_of(seen: Seen) -> Mapping[str, str]:
    """The response headers that follow from the decision, if the first step serves at once."""
    step, plan = seen.first, seen.plan
    if step is None or plan is None:
        return {"X-Inferoute-Provider": (seen.error.provider if seen.error else None) or "tokenhub"}
    told = {
        "X-Inferoute-Provider": step.offer.provider,
        "X-TokenHub-Model": step.offer.name,
        "X-TokenHub-Reason": step.reason,
        "X-TokenHub-Attempts": "1",
    }
    if seen.ask.surface == "policy":
        told |= {"X-Negotiated-Model": step.offer.model, "X-TokenHub-Cost-Estimate-Usd": f"{step.cost_usd:.9f}"}
        told |= {"X-Alias-From": plan.alias_from} if plan.alias_from is not None else {}
    return told


def _served(seen: Seen) -> str:
    step = seen.first
    return f"`{step.offer.name}` ({step.reason})" if step is not None else "nobody"


def _is(step: Step, name: str, names: Names) -> bool:
    """A model or alias stands for all its offers."""
    return step.offer.model == name or step.offer.name in names.offers_of(name)


_CHECKS: Mapping[str, Callable[[TrialExpect, Seen, Names], Iterator[Difference]]] = MappingProxyType(
    {"model": _model, "provider": _provider, "reason": _reason, "then": _then, "max_cost_usd": _max_cost}
)
