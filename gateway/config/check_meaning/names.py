"""Names that lead nowhere."""

from gateway.config.check_meaning.facts import EVERYTHING, Facts, target_paths, targets
from gateway.config.shape.offering import TierAlias
from gateway.config.tree import Path
from gateway.domain.dialect_facts import DIALECTS


def unknown_providers(facts: Facts) -> None:
    known = facts.said.providers
    for name, model in facts.said.models.items():
        for index, offer in enumerate(model.offers):
            if offer.provider not in known:
                path = ("models", name, "offers", index, "provider")
                hint = facts.nearest(offer.provider, known) or _listed(known)
                facts.complain("TH2001", path, f"`{offer.provider}` is not a declared provider", hint)


def unknown_dialects(facts: Facts) -> None:
    for name, provider in facts.said.providers.items():
        if provider.dialect not in DIALECTS:
            hint = facts.nearest(provider.dialect, DIALECTS) or _listed(DIALECTS)
            facts.complain("TH2007", ("providers", name, "dialect"), f"`{provider.dialect}` is not a dialect", hint)


def aliases_of_nothing(facts: Facts) -> None:
    for name, alias in facts.said.aliases.items():
        code = "TH2009" if len(targets(alias)) > 1 or isinstance(alias, TierAlias) else "TH2002"
        for target, path in zip(targets(alias), target_paths(name, alias), strict=True):
            known = facts.is_name(target) if isinstance(alias, TierAlias) else facts.is_target(target)
            if not known:
                kinds = "a declared model or alias" if isinstance(alias, TierAlias) else _TARGETS
                facts.complain(code, path, f"`{target}` is not {kinds}", facts.nearest_target(target))


_TARGETS = "a declared model, alias or `provider/model`"


def unknown_fallbacks(facts: Facts) -> None:
    for name, chain in facts.said.fallbacks.items():
        if not facts.is_name(name):
            message = f"fallbacks of `{name}`, which is not a declared model or alias"
            facts.complain("TH2004", ("fallbacks", name), message, facts.nearest_target(name), key=True)
        for index, target in enumerate(chain):
            if not facts.is_target(target):
                message = f"fallback `{target}` is not a declared model or alias"
                facts.complain("TH2003", ("fallbacks", name, index), message, facts.nearest_target(target))


def unknown_rungs(facts: Facts) -> None:
    for index, rung in enumerate(facts.said.wildcard_models):
        path = ("wildcard_models", index)
        if rung == "*":
            facts.complain("TH2005", path, "`*` cannot be a rung of its own ladder", "name models here")
        elif not facts.is_target(rung):
            message = f"rung `{rung}` is not a declared model or alias"
            facts.complain("TH2005", path, message, facts.nearest_target(rung))


def unknown_modes(facts: Facts) -> None:
    said = facts.said
    used: list[tuple[Path, str]] = [(("defaults", "mode"), said.defaults.mode)]
    used += [(("routing", "capability_modes", name), mode) for name, mode in said.routing.capability_modes.items()]
    for path, mode in used:
        if mode not in facts.modes:
            hint = facts.nearest(mode, facts.modes) or _listed(facts.modes)
            facts.complain("TH2006", path, f"`{mode}` is not a mode", hint)


def unknown_default_model(facts: Facts) -> None:
    name = facts.said.defaults.default_model
    if name is not None and name not in EVERYTHING and not facts.is_target(name):
        path = ("defaults", "default_model")
        facts.complain("TH2008", path, f"`{name}` is not {_TARGETS}", facts.nearest_target(name))


def _listed(names: object) -> str | None:
    some = sorted(names)[:20] if isinstance(names, dict | frozenset) else sorted(map(str, DIALECTS))
    return "known here: " + ", ".join(f"`{name}`" for name in some) if some else None


RULES = (
    unknown_providers,
    unknown_dialects,
    aliases_of_nothing,
    unknown_fallbacks,
    unknown_rungs,
    unknown_modes,
    unknown_default_model,
)
