"""Models, offers and prices that cannot be meant."""

from collections.abc import Callable, Iterator
from datetime import date, datetime

from gateway.config.check_meaning.facts import Facts
from gateway.config.permits import matches
from gateway.config.shape.offering import Model, SplitAlias
from gateway.config.tree import Path


def _enabled(facts: Facts) -> Iterator[tuple[str, Model]]:
    return ((name, model) for name, model in facts.said.models.items() if model.enabled)


def unreachable_models(facts: Facts) -> None:
    some = False
    for name, _ in _enabled(facts):
        if facts.is_callable(name):
            some = True
            continue
        message = f"`{name}` cannot be reached: none of its providers is enabled"
        facts.complain("TH2201", ("models", name), message, "enable a provider, or disable the model", key=True)
    if not some and not any(name for name, _ in _enabled(facts)):
        hint = "declare a model under `models:`; `configs/tokenhub.yaml` shows how"
        facts.complain("TH2209", ("models",), "there is no enabled model: nothing can be called", hint, key=True)


def prices(facts: Facts) -> None:
    for name, model in facts.said.models.items():
        for index, offer in enumerate(model.offers):
            path: Path = ("models", name, "offers", index)
            unclear = any(facts.findings.is_faulty((*path, field)) for field in ("price", "unpriced"))
            if offer.price is None and not offer.unpriced and not unclear:
                hint = "add `price: {input: …, output: …}` (USD per million tokens), or say `unpriced: true`"
                facts.complain("TH2202", path, f"the offer of `{name}` at `{offer.provider}` has no price", hint)
            elif offer.price is not None and offer.unpriced:
                facts.complain("TH2207", (*path, "unpriced"), "`unpriced` beside a price", "keep one of them")
            elif offer.price and offer.price.above and 0 < (model.context_window or 0) <= offer.price.above.tokens:
                message = f"no prompt is longer than the window of {model.context_window:,} tokens"
                facts.complain("TH2211", (*path, "price", "above", "tokens"), message)


def unpriced_for_capped_keys(facts: Facts) -> None:
    capped: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
    for key in facts.said.keys:
        if key.enabled and key.limits.monthly_usd is not None:
            capped.setdefault((key.models, key.providers), key.name)
    users = [(name, _offers_for(facts, *lists), lists[1]) for lists, name in capped.items()]
    for name, model in facts.said.models.items() if users else ():
        for index, offer in enumerate(model.offers):
            if not offer.unpriced or offer.price:
                continue
            full = f"{offer.provider}/{name}"
            user = next((key for key, may, at in users if _is_among(full, offer.provider, may, at)), None)
            if user:
                message = f"it has no price, and `{user}` may spend only so much a month: it will be refused here"
                facts.complain("TH2203", ("models", name, "offers", index, "unpriced"), message, "give it a price")


def _offers_for(facts: Facts, models: tuple[str, ...], _: tuple[str, ...]) -> frozenset[str] | None:
    return frozenset().union(*map(facts.offers_matching, models)) if models else None


def _is_among(offer: str, provider: str, may: frozenset[str] | None, at: tuple[str, ...]) -> bool:
    return (may is None or offer in may) and (not at or any(matches(pattern, provider) for pattern in at))


def retirement(facts: Facts) -> None:
    limits = facts.said.defaults
    if limits.retire_error_days > limits.retire_warn_days:
        message = "the error comes before the warning"
        facts.complain("TH2507", ("defaults", "retire_error_days"), message, "make `retire_warn_days` the larger one")
    for name, model in _enabled(facts):
        day = _day(model.retires_on)
        if day is None:
            continue
        left = (day - facts.today).days
        when = f"retires on {day} ({left} days left)" if left > 0 else f"retired on {day}"
        hint = "move its users to another model, then remove it or set `enabled: false`"
        if left < limits.retire_error_days:
            facts.complain("TH2205", ("models", name, "retires_on"), f"`{name}` {when}", hint)
        elif left < limits.retire_warn_days:
            facts.complain("TH2204", ("models", name, "retires_on"), f"`{name}` {when}", hint)


def impossible_dates(facts: Facts) -> None:
    said: list[tuple[Path, str | None]] = [(("models", n, "retires_on"), m.retires_on) for n, m in _all(facts)]
    said += [(("keys", index, "expires"), key.expires) for index, key in enumerate(facts.said.keys)]
    for path, text in said:
        if text and _day(text) is None:
            facts.complain("TH1406", path, f"there is no such day as `{text}`", "year, month, day")


def impossible_times(facts: Facts) -> None:
    for index, test in enumerate(facts.said.tests):
        moments: list[tuple[Path, str | None]] = [(("moment", "time"), test.moment.time)]
        moments += [(("cases", row, "moment", "time"), case.moment.time) for row, case in enumerate(test.cases)]
        for path, text in moments:
            if text and not _is_time(text):
                facts.complain("TH1406", ("tests", index, *path), f"there is no such time as `{text}`")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _all(facts: Facts) -> Iterator[tuple[str, Model]]:
    return iter(facts.said.models.items())


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def sizes(facts: Facts) -> None:
    for name, model in facts.said.models.items():
        window, longest = model.context_window, model.max_output_tokens
        if longest and window and longest > window:
            message = f"an answer of {longest:,} tokens does not fit into a window of {window:,}"
            facts.complain("TH2206", ("models", name, "max_output_tokens"), message)
        talks = {"chat", "completions"} & set(model.capabilities)
        if talks and longest is None and not facts.findings.is_faulty(("models", name, "max_output_tokens")):
            message = f"`{name}` serves `{min(talks)}` and needs `max_output_tokens`"
            hint = "the most tokens its provider lets it answer, for example `max_output_tokens: 16384`"
            facts.complain("TH2208", ("models", name), message, hint, key=True)


def bridges(facts: Facts) -> None:
    for name, model in facts.said.models.items():
        path = ("models", name, "completions")
        if model.completions and "chat" not in model.capabilities:
            facts.complain("TH2210", path, "`via-chat` needs the capability `chat`", "add it, or remove this line")
        elif model.completions and "completions" in model.capabilities:
            message = "`via-chat` beside the capability `completions`: which of the two?"
            facts.complain("TH2210", path, message, "remove one of them")


def duplicate_offers(facts: Facts) -> None:
    for name, model in facts.said.models.items():
        seen: dict[str, int] = {}
        for index, offer in enumerate(model.offers):
            first = seen.setdefault(offer.provider, index)
            if first != index:
                where = facts.place(("models", name, "offers", first))
                message = f"`{offer.provider}` already offers `{name}`, in {where}"
                hint = "for another deployment of one vendor, declare a second provider"
                facts.complain("TH2110", ("models", name, "offers", index, "provider"), message, hint)


def weightless(facts: Facts) -> None:
    for name, alias in facts.said.aliases.items():
        path: Path = ("aliases", name, "split")
        if not isinstance(alias, SplitAlias) or sum(share.weight for share in alias.split) > 0:
            continue
        if facts.findings.is_whole(path):
            facts.complain("TH2112", path, "the weights add up to 0: nobody would get anything")
    for name, mode in facts.said.routing.modes.items():
        path = ("routing", "modes", name)
        if mode.cost + mode.latency + mode.failure + mode.capability <= 0 and facts.findings.is_whole(path):
            message = f"the mode `{name}` weighs nothing: its order would be chance"
            facts.complain("TH2112", path, message, "give one of its terms a weight", key=True)


RULES: tuple[Callable[[Facts], None], ...] = (
    unreachable_models,
    prices,
    unpriced_for_capped_keys,
    retirement,
    impossible_dates,
    impossible_times,
    sizes,
    bridges,
    duplicate_offers,
    weightless,
)
