"""What is reached and cannot do the job: fallbacks too small, rungs dearer and weaker, budgets below every price."""

from collections.abc import Callable, Iterable
from itertools import pairwise

from gateway.config.check_meaning.facts import Facts
from gateway.config.check_meaning.reach import chains
from gateway.config.shape.offering import Model

MUCH_SMALLER = 0.5
"""Windows differ from vendor to vendor: 128,000 tokens may well step in for 200,000, but not 16,000."""
FEATURES = ("tools", "vision", "audio", "json_schema")
OUTPUT_TOKENS = 512
"""What estimates count with where a request does not say (docs/configuration.md)."""
UNKNOWN = 10**12


def fallbacks_too_small(facts: Facts) -> None:
    for name, chain in facts.said.fallbacks.items():
        first, others = _models(facts, (name,)), _models(facts, chain)
        if not first or not others:
            continue
        window = max(model.context_window or 0 for model in first)
        largest = max(model.context_window or UNKNOWN for model in others)
        if largest < window * MUCH_SMALLER:
            message = f"`{name}` holds {window:,} tokens, its fallbacks at most {largest:,}: longer requests have none"
            facts.complain("TH2117", ("fallbacks", name), message, "add a fallback with a larger window", key=True)
        lost = [one for one in FEATURES if _can(first, one) and not _can(others, one)]
        if lost:
            message = f"`{name}` does {', '.join(lost)}, none of its fallbacks does: such requests have none"
            facts.complain("TH2117", ("fallbacks", name), message, "add a fallback that can", key=True)


def _models(facts: Facts, names: Iterable[str]) -> list[Model]:
    return [facts.said.models[model] for name in names for model in facts.models_of(name)]


def _can(models: Iterable[Model], feature: str) -> bool:
    return any(feature in model.capabilities for model in models)


def worse_rungs(facts: Facts) -> None:
    """Going down should be for something: cheaper, or stronger, or larger."""
    for path, _, names, _ in chains(facts, fallbacks=False):
        for index, (above, name) in enumerate(pairwise(names), 1):
            upper, lower = _worth(facts, above), _worth(facts, name)
            if upper is None or lower is None or lower[0] <= upper[0]:
                continue
            weaker = lower[1] < upper[1] and lower[2] <= upper[2]
            smaller = lower[1] <= upper[1] and lower[2] < upper[2]
            if weaker or smaller:
                what = "weaker" if lower[1] < upper[1] else "smaller"
                message = f"`{name}` is dearer and {what} than `{above}` above it"
                facts.complain("TH2118", (*path, index), message, "put it above, or take another")


def _worth(facts: Facts, name: str) -> tuple[float, float, int] | None:
    """Least list price, capability, window; None where one of them is not declared."""
    models = _models(facts, (name,))
    offers = (facts.offers[offer][1] for offer in facts.open_offers(name))
    prices = [offer.price.input + offer.price.output for offer in offers if offer.price is not None]
    windows = [model.context_window for model in models]
    if not prices or not models or None in windows:
        return None
    return min(prices), max(model.weight for model in models), max(window or 0 for window in windows)


def budgets_below_every_price(facts: Facts) -> None:
    everything = frozenset(name for model in facts.said.models for name in facts.open_offers(model))
    budget, cheapest = facts.said.defaults.max_budget_usd, _cheapest(facts, everything, "chat")
    if cheapest is not None and budget < cheapest[0]:
        message = f"the cheapest answer costs {cheapest[0]:.6f} USD (`{cheapest[1]}`): `/v1/chat` refuses every request"
        facts.complain("TH2119", ("defaults", "max_budget_usd"), message, _HINT)
    known: dict[frozenset[str], tuple[float, str] | None] = {}
    for number, key in enumerate(facts.said.keys):
        most = key.limits.monthly_usd
        if not most:
            continue
        offers = facts.offers_of_key(key)
        mine = known[offers] if offers in known else known.setdefault(offers, _cheapest(facts, offers & everything))
        if mine is not None and most < mine[0]:
            message = f"the cheapest answer `{key.name}` may ask for costs {mine[0]:.6f} USD (`{mine[1]}`)"
            facts.complain("TH2119", ("keys", number, "limits", "monthly_usd"), message, _HINT)


_HINT = f"a request that sets no `max_tokens` is counted with {OUTPUT_TOKENS} tokens of output"


def _cheapest(facts: Facts, offers: Iterable[str], call: str | None = None) -> tuple[float, str] | None:
    """Of one token of input and the usual output; None where something is free or unpriced."""
    costs: list[tuple[float, str]] = []
    for name in offers:
        model, offer = facts.offers[name]
        said = facts.said.models[model]
        if call is not None and call not in said.capabilities:
            continue
        if offer.price is None:
            return None
        talks = facts.calls_of_offer(name) != {"embeddings"}
        output = min(OUTPUT_TOKENS, said.max_output_tokens or OUTPUT_TOKENS) if talks else 0
        costs.append(((offer.price.input + output * offer.price.output) / 1_000_000 + offer.price.request, name))
    return min(costs, default=None)


RULES: tuple[Callable[[Facts], None], ...] = (fallbacks_too_small, worse_rungs, budgets_below_every_price)
