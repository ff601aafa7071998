"""The `model_list`: deployments of one name become a model with several offers."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.config.litellm.calls import ENDPOINTS, mode_of, why_not
from gateway.config.litellm.known import catalogued_names, has_catalogue, known
from gateway.config.litellm.places import Places, wrong_address
from gateway.config.litellm.sheet import Sheet
from gateway.config.litellm.vendors import vendor_of
from gateway.config.litellm.whys import DEPLOYMENT, INFO, NOTHING_LIKE_IT
from gateway.config.shape.offering import Model

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "supports_function_calling": "tools",
        "supports_vision": "vision",
        "supports_response_schema": "json_schema",
        "supports_reasoning": "reasoning",
        "supports_audio_input": "audio",
    }
)
PRICES: tuple[tuple[str, str], ...] = (
    ("input_cost_per_token", "input"),
    ("output_cost_per_token", "output"),
    ("cache_read_input_token_cost", "cached_input"),
    ("cache_creation_input_token_cost", "cache_write"),
)
UNKNOWN_OUTPUT = 4096
MILLION = 1_000_000


class Deployment(Struct, kw_only=True):
    """One entry, understood."""

    offer: dict[str, Any]
    dialect: str
    endpoint: str
    features: set[str]
    window: int | None
    output: int | None
    catalogued: Model | None
    named_features: bool
    sheet: Sheet


class Models(Struct, kw_only=True):
    """Everything that `model_list` comes to."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """What they are called there, and here."""


def models_of(root: Sheet, places: Places, credentials: Mapping[str, Sheet]) -> Models:
    found, groups = Models(), dict[str, list[Deployment]]()
    entries = root.sheets("model_list")
    whole = [entry for entry in entries if _is_wildcard(entry)]
    for entry in whole:
        _wildcard(entry, found, places)
    for entry in entries:
        name = entry.text("model_name")
        if entry in whole:
            continue
        if name is None:
            entry.note("lost", "model_name", "there is none: the entry is left out")
            continue
        deployment = _deployment(entry, places, credentials)
        if deployment is not None:
            groups.setdefault(_named(entry, name, found), []).append(deployment)
    for name, deployments in groups.items():
        found.models[name] = _model(deployments)
    return found


def _is_wildcard(entry: Sheet) -> bool:
    return "*" in (entry.text("model_name") or "") or "*" in (entry.sheet("litellm_params").text("model") or "")


def _named(entry: Sheet, name: str, found: Models) -> str:
    """What cannot be a name here gets another."""
    here = re.sub(r"[\s,{}]+", "-", name)[:200]
    if name in ("auto", "*"):
        here = f"{name}-model"
    if here != name:
        entry.note("approximated", "model_name", f"called `{here}` here")
    found.names[name] = here
    return here


def _wildcard(entry: Sheet, found: Models, places: Places) -> None:
    """`openai/*` passes on any name there; here every model is declared, and the catalogue declares many."""
    params = entry.sheet("litellm_params")
    _, vendor, _ = vendor_of(params.text("model") or "", params.text("custom_llm_provider"))
    info = entry.sheet("model_info")
    entry.rest({}, NOTHING_LIKE_IT)
    info.rest(INFO, NOTHING_LIKE_IT)
    if vendor is None or not has_catalogue(vendor.dialect):
        entry.note("lost", "model_name", "every model is declared here: the entry is left out; write what you use")
        return
    include = f"catalog/{vendor.dialect}.yaml"
    if wrong_address(params):
        entry.note("lost", "litellm_params", "nobody knows where it is: the entry is left out")
        return
    if include in found.includes:
        entry.note("lost", "model_name", f"the models of {include} are here already: the entry is left out")
        return
    found.includes.append(include)
    places.reserved.add(vendor.dialect)
    for name in catalogued_names(vendor.dialect):
        found.names |= {name: name, f"{vendor.dialect}/{name}": f"{vendor.dialect}/{name}"}
    entry.note(
        "approximated", "model_name", f"the models of {include}, by their own names and as `{vendor.dialect}/NAME`"
    )
    places.providers[vendor.dialect] = places.provider_of(params, vendor)
    params.rest(DEPLOYMENT, "say it in `providers:`, over what the catalogue says")


def _deployment(entry: Sheet, places: Places, credentials: Mapping[str, Sheet]) -> Deployment | None:
    params, info = entry.sheet("litellm_params"), entry.sheet("model_info")
    model = params.text("model") or ""
    prefix, vendor, id_ = vendor_of(model, params.text("custom_llm_provider"))
    endpoint = ENDPOINTS.get(info.text("mode") or mode_of(prefix, model))
    why = why_not(vendor, prefix, endpoint, id_)
    if vendor is None or endpoint is None or why is not None:
        entry.note("lost", "litellm_params", f"{why}: the deployment is left out")
        return None
    with_credential(params, credentials)
    if wrong_address(params):
        entry.note("lost", "litellm_params", "nobody knows where it is: the deployment is left out")
        return None
    catalogued = known(vendor.dialect, id_, (info.text("base_model") or "").rpartition("/")[2], _undated(id_))
    price = _price(params, info)
    offer: dict[str, Any] = {"provider": places.name_of(params, vendor), "id": id_}
    if price is None and catalogued is not None and catalogued[1].price is not None:
        offer["price"] = msgspec.to_builtins(catalogued[1].price)
    else:
        offer |= {"unpriced": True} if price is None else {"price": price}
    weight = _weight(params)
    offer |= {} if not weight else {"weight": min(weight, 1e6)}
    said = {ours for theirs, ours in FEATURES.items() if info.flag(theirs)}
    deployment = Deployment(
        offer=offer,
        dialect=vendor.dialect,
        endpoint=endpoint,
        features=said,
        window=_whole(info.number("max_input_tokens")),
        output=_whole(info.number("max_output_tokens") or info.number("max_tokens")),
        catalogued=None if catalogued is None else catalogued[0],
        named_features=any(info.take(name) is not None for name in FEATURES),
        sheet=entry,
    )
    params.rest(DEPLOYMENT, NOTHING_LIKE_IT)
    info.rest(INFO, NOTHING_LIKE_IT)
    entry.rest({}, NOTHING_LIKE_IT)
    return deployment


def _weight(params: Sheet) -> float | None:
    """The first that is said; the others have no place."""
    said = None
    for name in ("weight", "rpm", "tpm"):
        number = params.number(name)
        if number is None:
            continue
        if said is None and name != "weight":
            params.note("approximated", name, "the offer's part in a rotation; `max_concurrency` bounds calls at once")
        elif said is not None:
            params.note("lost", name, "`max_concurrency` of the provider bounds calls at once")
        said = number if said is None else said
    return said


def with_credential(params: Sheet, credentials: Mapping[str, Sheet]) -> None:
    """A named credential stands for what it holds."""
    name = params.text("litellm_credential_name")
    if name is None:
        return
    if name not in credentials:
        params.note("lost", "litellm_credential_name", f"no credential is called `{name}` in this file")
        return
    for field_name, node in credentials[name].entries.items():
        params.entries.setdefault(field_name, node)


def _undated(name: str) -> str:
    return re.sub(r"[-@](20\d{2}-?\d{2}-?\d{2}|latest)(-v\d+(:\d+)?)?$", "", name)


def _price(params: Sheet, info: Sheet) -> dict[str, Any] | None:
    """Theirs are per token, ours per million."""
    price: dict[str, Any] = {}
    for theirs, ours in PRICES:
        own, listed = params.number(theirs), info.number(theirs)
        cost = own if own is not None else listed
        if cost is not None:
            price[ours] = float(f"{cost * MILLION:.10g}")
    above = {
        ours: info.number(f"{theirs}_above_200k_tokens")
        for theirs, ours in PRICES[:2]
        if info.take(f"{theirs}_above_200k_tokens") is not None
    }
    if not price:
        for theirs, _ in PRICES[:2]:
            info.note("lost", f"{theirs}_above_200k_tokens", "there is no price below it") if above else None
        return None
    price = {"input": 0.0, "output": 0.0} | price
    if above:
        tier = {ours: float(f"{(cost or 0) * MILLION:.10g}") for ours, cost in above.items()}
        price["above"] = {"tokens": 200_000, "input": price["input"], "output": price["output"]} | tier
    return price


def _whole(number: float | None) -> int | None:
    return None if number is None or number < 1 else int(number)


def _model(deployments: list[Deployment]) -> dict[str, Any]:
    """What all its deployments can do."""
    said: dict[str, Any] = {}
    catalogued = [one.catalogued for one in deployments if one.catalogued is not None]
    if catalogued and catalogued[0].weight:
        said["weight"] = min(model.weight for model in catalogued)
    windows = [one.window or (one.catalogued.context_window if one.catalogued else None) for one in deployments]
    outputs = [one.output or (one.catalogued.max_output_tokens if one.catalogued else None) for one in deployments]
    known_windows, known_outputs = [size for size in windows if size], [size for size in outputs if size]
    if known_windows:
        said["context_window"] = min(known_windows)
    endpoints = list(dict.fromkeys(one.endpoint for one in deployments))
    if known_outputs or set(endpoints) - {"embeddings"}:
        most = min(known_outputs, default=UNKNOWN_OUTPUT)
        said["max_output_tokens"] = min(most, said.get("context_window", most))
    said["capabilities"] = [*endpoints, *sorted(set.intersection(*(_features(one) for one in deployments)))]
    said["offers"] = _offers(deployments)
    _assumptions(deployments[0], said, known_outputs=bool(known_outputs))
    return said


def _features(one: Deployment) -> set[str]:
    if one.named_features:
        return one.features
    if one.catalogued is not None:
        return {str(what) for what in one.catalogued.capabilities} - set(ENDPOINTS.values())
    return {"tools"} if one.endpoint == "chat" else set()


def _offers(deployments: list[Deployment]) -> list[dict[str, Any]]:
    """The same model at the same place is one offer, twice as heavy."""
    offers: dict[tuple[str, str], dict[str, Any]] = {}
    for one in deployments:
        mine = offers.setdefault((one.offer["provider"], one.offer["id"]), one.offer)
        if mine is not one.offer:
            mine["weight"] = mine.get("weight", 1.0) + one.offer.get("weight", 1.0)
            one.sheet.note(
                "approximated", "litellm_params", "the same model at the same place: one offer, with both weights"
            )
    return list(offers.values())


def _assumptions(first: Deployment, said: Mapping[str, Any], *, known_outputs: bool) -> None:
    """What is not in the file, and not in the catalogue either."""
    guessed = []
    if first.catalogued is None and not first.named_features and first.endpoint == "chat":
        guessed.append("capabilities: tools and nothing else")
    if "max_output_tokens" in said and not known_outputs:
        guessed.append(f"max_output_tokens: {UNKNOWN_OUTPUT}")
    if any(offer.get("unpriced") for offer in said["offers"]):
        guessed.append("no price, so keys with a monthly cap in USD cannot use it")
    if guessed:
        first.sheet.note("assumed", "model_name", "; ".join(guessed))
