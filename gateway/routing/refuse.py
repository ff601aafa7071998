"""How a request ends before any attempt, and why."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.domain.plan import Plan, Refusal
from gateway.errors import RequestError
from gateway.routing.scene import Scene, back_in_s

SHOWN = 64
"""Characters of a caller's own text that an answer repeats."""

FALLBACK_HEADER = "X-Inferoute-Fallback"


def shown(name: str) -> str:
    """A caller's word, safe to repeat: cut, and everything but plain ASCII escaped."""
    return ascii(name[:SHOWN])[1:-1].replace("`", "'")[:SHOWN]


def no_name() -> RequestError:
    return RequestError(
        "bad_request",
        "missing_field",
        "`model` is missing: name one, or send a strategy header to have one chosen",
        param="model",
    )


def unknown_model(name: str) -> RequestError:
    """One answer for what does not exist and for what this key may not use."""
    return RequestError(
        "not_found",
        "model_not_found",
        f"The model `{shown(name)}` does not exist or you do not have access to it.",
        param="model",
    )


def unknown_fallback(name: str) -> RequestError:
    return RequestError(
        "invalid_value",
        "invalid_value",
        f"{FALLBACK_HEADER} names `{shown(name)}`, which does not exist or which you may not use.",
        param=FALLBACK_HEADER,
    )


def wrong_endpoint(name: str, scene: Scene, serves: frozenset[str]) -> RequestError:
    endpoints = sorted(serves & {"chat", "completions", "embeddings"})
    instead = f"; it serves {', '.join(endpoints)}" if endpoints else ""
    return RequestError(
        "bad_request",
        "unsupported_endpoint",
        f"The model `{shown(name)}` does not serve {scene.ask.endpoint}{instead}.",
        param="model",
    )


def lacks(name: str, feature: str) -> RequestError:
    return RequestError(
        "invalid_value", "invalid_value", f"The model `{shown(name)}` does not support `{feature}`.", param=feature
    )


def cannot_say(field: str, provider: str) -> RequestError:
    return RequestError(
        "invalid_value",
        "unsupported_parameter",
        f"`{field}` cannot be expressed to the provider `{provider}`. Leave it out, or ask another model.",
        param=field,
        provider=provider,
    )


def unknown_mode(mode: str, modes: tuple[str, ...]) -> RequestError:
    return RequestError(
        "bad_request",
        "invalid_value",
        f"policy.mode `{shown(mode)}` is unknown; it must be one of {', '.join(modes)}",
        param="policy.mode",
    )


def nothing_to_try(plan: Plan, scene: Scene) -> RequestError:
    """The verdict on a plan without steps that looked at everything."""
    if scene.policy is not None:
        facts = {"attempts": [], "refused": [_told(refusal) for refusal in plan.refused]}
        return RequestError("no_eligible", "no_eligible_models", "no eligible models", facts=facts)
    rules = {refusal.rule for refusal in plan.refused}
    for rule, verdict in _VERDICTS.items():
        if rule in rules:
            return verdict(plan, scene)
    return unknown_model(plan.asked)


def _told(refusal: Refusal) -> dict[str, str]:
    return {"name": refusal.name, "rule": refusal.rule, "why": refusal.why}


def _no_provider(plan: Plan, scene: Scene) -> RequestError:
    offers = scene.table.offers
    waits = [back_in_s(offers[each.name], scene.moment) for each in plan.refused if each.rule == "circuit"]
    return RequestError(
        "no_provider",
        "no_healthy_provider",
        "No healthy provider can serve this request right now.",
        retry_after_s=min(waits, default=None),
    )


def _too_long(plan: Plan, scene: Scene) -> RequestError:
    offers = scene.table.offers
    window = max(offers[each.name].context_window for each in plan.refused if each.rule == "window")
    return RequestError(
        "bad_request",
        "context_length_exceeded",
        f"The longest context available is {window} tokens, but your input is about {scene.ask.input_tokens}.",
        param="messages" if scene.ask.endpoint == "chat" else "prompt",
    )


def _no_feature(_plan: Plan, scene: Scene) -> RequestError:
    wanted = ", ".join(sorted(scene.ask.features))
    return RequestError(
        "bad_request", "unsupported_feature", f"No model that may be used here supports {wanted}.", param="model"
    )


def _no_parameter(_plan: Plan, scene: Scene) -> RequestError:
    fields = ", ".join(sorted({field for fields in scene.ask.unsupported.values() for field in fields or ()}))
    return RequestError(
        "invalid_value", "unsupported_parameter", f"No provider that may be used here can express {fields}."
    )


def _no_endpoint(plan: Plan, scene: Scene) -> RequestError:
    return wrong_endpoint(plan.asked, scene, frozenset())


_VERDICTS: Mapping[str, Callable[[Plan, Scene], RequestError]] = MappingProxyType(
    {
        "circuit": _no_provider,
        "disabled": _no_provider,
        "window": _too_long,
        "parameters": _no_parameter,
        "features": _no_feature,
        "endpoint": _no_endpoint,
    }
)
"""Strongest first: what time heals, then what the caller can change."""
