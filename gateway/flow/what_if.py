"""Where every name would land if the world were so: which offer, at what cost, with how much room left."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from gateway.config.problem import nearest
from gateway.config.shape.proving import TrialAsk, TrialMoment
from gateway.domain.ask import Endpoint
from gateway.domain.plan import Plan
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Offer, Table
from gateway.flow.outlook import Outlook, outlook
from gateway.flow.suppose import Names, ask_of, moment_of_trial

INPUT_TOKENS = 1000
OUTPUT_TOKENS = 500
"""A middling request, for costs; a quarter of a window where that is less."""

DOWN = frozenset({"down", "out", "off", "dead"})
LIMITED = frozenset({"429", "limited", "rate-limited", "rate_limited"})
LATENCY = re.compile(r"[0-9]+(\.[0-9]+)?(ms|s|m)")
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)%")


class Landing(Struct, frozen=True, kw_only=True):
    """One name, with and without the misfortune."""

    name: str
    endpoint: str
    before: str | None
    """The offer that serves it when all is well; None where none does even then."""
    after: str | None
    error: str | None
    """The code with which it is refused."""
    reason: str | None
    cost_before_usd: float
    cost_after_usd: float
    capacity_before: int
    """Requests at once, over all healthy providers it may fall back on."""
    capacity_after: int


class UnclearError(Exception):
    """What was supposed cannot be understood; the text says what can."""


def supposed(text: str, table: Table) -> TrialMoment:
    """`openai down, anthropic 429, azure 2s, mistral 20%`."""
    found: dict[str, Any] = {"down": [], "rate_limited": [], "latency": {}, "error_rate": {}}
    for clause in filter(None, (part.strip() for part in text.split(","))):
        name, _, state = clause.rpartition(" ")
        name, state = name.strip(), state.lower()
        _check_name(name, clause, table)
        if state in DOWN:
            found["down"].append(name)
        elif state in LIMITED:
            found["rate_limited"].append(name)
        elif LATENCY.fullmatch(state):
            found["latency"][name] = state
        elif (share := share_of(state)) is not None:
            found["error_rate"][name] = share
        else:
            choices = "`down`, `429`, a latency (`2s`) or an error rate (`20%`)"
            raise UnclearError(f"`{state}` in `{clause}` is not {choices}")
    return TrialMoment(
        down=tuple(found["down"]),
        rate_limited=tuple(found["rate_limited"]),
        latency=found["latency"],
        error_rate=found["error_rate"],
    )


def share_of(text: str) -> float | None:
    """`20%` is 0.2."""
    match = _SHARE.fullmatch(text)
    return float(match[1]) / 100 if match and float(match[1]) <= 100 else None


def _check_name(name: str, clause: str, table: Table) -> None:
    if not name:
        raise UnclearError(f"`{clause}` needs a name and a state, such as `openai down`")
    known = (*table.providers, *table.models, *table.aliases, *table.offers)
    if name not in known:
        hint = nearest(name, known)
        raise UnclearError(f"`{name}` is not a provider, model, alias or offer" + (f"; {hint}" if hint else ""))


def what_if(snapshot: Snapshot, said: TrialMoment, unix: float) -> tuple[Landing, ...]:
    """Every name, and every mode of `/v1/chat`."""
    names = Names(snapshot.table)
    well = moment_of_trial(snapshot, TrialMoment(), names, unix)
    then = moment_of_trial(snapshot, said, names, unix)
    landings: list[Landing] = []
    for label, said_ask in _asks(snapshot, names):
        ask = ask_of(snapshot, said_ask)
        before, after = outlook(snapshot, well, ask), outlook(snapshot, then, ask)
        landings.append(_landing(label, said_ask, before, after, snapshot))
    return tuple(landings)


def _asks(snapshot: Snapshot, names: Names) -> Iterator[tuple[str, TrialAsk]]:
    table = snapshot.table
    open_aliases = [name for name, alias in table.aliases.items() if alias.enabled]
    for name in (*(name for name, model in table.models.items() if model.enabled), *open_aliases):
        offers = [table.offers[offer] for offer in names.offers_of(name)]
        window = min((offer.context_window for offer in offers if offer.context_window), default=4 * INPUT_TOKENS)
        yield name, _ask(endpoint_of(offers), min(INPUT_TOKENS, window // 4), model=name)
    if table.wildcard_models and "*" not in table.aliases:
        yield "*", _ask("chat", model="*")
    for mode in snapshot.routing.modes:
        yield f"/v1/chat {mode}", _ask("chat", mode=mode)


def _ask(
    endpoint: Endpoint, input_tokens: int = INPUT_TOKENS, *, model: str | None = None, mode: str | None = None
) -> TrialAsk:
    return TrialAsk(
        endpoint=endpoint, input_tokens=max(1, input_tokens), output_tokens=OUTPUT_TOKENS, model=model, mode=mode
    )


def endpoint_of(offers: Iterable[Offer]) -> Endpoint:
    """The first that most of what a name stands for can serve."""
    known = [offer.capabilities for offer in offers]
    counts: dict[Endpoint, int] = {
        "chat": sum("chat" in one for one in known),
        "completions": sum("completions" in one for one in known),
        "embeddings": sum("embeddings" in one for one in known),
    }
    return max(counts, key=lambda endpoint: counts[endpoint])


def _landing(label: str, ask: TrialAsk, before: Outlook, after: Outlook, snapshot: Snapshot) -> Landing:
    first, second = _first(before), _first(after)
    return Landing(
        name=label,
        endpoint=ask.endpoint or "chat",
        before=first.steps[0].offer.name if first else None,
        after=second.steps[0].offer.name if second else None,
        error=after.error.code if after.error else None,
        reason=second.steps[0].reason if second else None,
        cost_before_usd=first.steps[0].cost_usd if first else 0.0,
        cost_after_usd=second.steps[0].cost_usd if second else 0.0,
        capacity_before=_capacity(first, snapshot.table),
        capacity_after=_capacity(second, snapshot.table),
    )


def _first(found: Outlook) -> Plan | None:
    return found.plan if found.error is None else None


def _capacity(plan: Plan | None, table: Table) -> int:
    steps = plan.steps if plan is not None else ()
    places = {step.offer.provider for step in steps if step.standing in ("well", "trial")}
    return sum(table.providers[place].max_concurrency for place in places)


def told_usd(usd: float) -> str:
    """As many digits as a price of one request needs."""
    return f"${usd:.6f}".rstrip("0").rstrip(".") if usd else "$0"
