"""What may be told to a running gateway over and above its files, and how that shows: as drift."""

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.config.shape.words import seconds
from gateway.domain.snapshot import Snapshot
from gateway.errors import RequestError
from gateway.flow.fleet import share_overrides
from gateway.flow.gateway import Gateway
from gateway.web.admin.audit import audit
from gateway.web.body import decode_json

MAX_RUNGS = 50


@get("/wildcard-models", sync_to_thread=False)
def read_ladder(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """The rungs of `*` in force, and who said so."""
    return ladder_told(gateway)


@put("/wildcard-models")
async def put_ladder(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Takes `["id", …]`, `[{"model_id": "id"}, …]` or `{"models": […], "expires_in": "24h"}`; in force at once."""
    models, expires_in_s = understand_ladder(decode_json(await request.body()))
    before = ladder_told(gateway)
    gateway.overrides.set_ladder(models, gateway.clock.unix(), expires_in_s)
    await share_overrides(gateway)
    audit(gateway, request, "wildcard_models.put", "*", before=_ids(before), after=list(models))
    return ladder_told(gateway)


@delete("/wildcard-models", status_code=200)
async def delete_ladder(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Back to the file or the configuration."""
    before = ladder_told(gateway)
    gateway.overrides.clear_ladder()
    await share_overrides(gateway)
    after = ladder_told(gateway)
    audit(gateway, request, "wildcard_models.delete", "*", before=_ids(before), after=_ids(after))
    return after


@post("/providers/{name:str}/disable", status_code=200)
async def disable(
    request: Request[Any, Any, Any], gateway: NamedDependency[Gateway], name: FromPath[str]
) -> Response[dict[str, Any]]:
    """No new request goes to this provider until it is enabled again."""
    return await _switched(gateway, request, name, on=False)


@post("/providers/{name:str}/enable", status_code=200)
async def enable(
    request: Request[Any, Any, Any], gateway: NamedDependency[Gateway], name: FromPath[str]
) -> Response[dict[str, Any]]:
    """Takes back what `disable` did; a provider that the files switch off stays off."""
    return await _switched(gateway, request, name, on=True)


def understand_ladder(body: Any) -> tuple[tuple[str, ...], float | None]:
    """Ids that are not empty, not `*`, no two alike, at most fifty; unknown ones may be declared later."""
    expires = None
    if isinstance(body, dict):
        expires = body.get("expires_in")
        body = body.get("models")
    if not isinstance(body, list) or not body or len(body) > MAX_RUNGS:
        raise _wrong(f"models must be a list of 1 to {MAX_RUNGS} ids", "models")
    names: list[Any] = [item.get("model_id") if isinstance(item, dict) else item for item in body]
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or name.strip() == "*":
            raise _wrong("a model id must be a string, neither empty nor `*`", f"models[{place}]")
    trimmed = tuple(name.strip() for name in names)
    if len(set(trimmed)) != len(trimmed):
        raise _wrong("no model id may stand twice", "models")
    return trimmed, None if expires is None else _seconds(expires)


def ladder_told(gateway: Gateway) -> dict[str, Any]:
    snapshot, ladder = gateway.live.current, gateway.overrides.ladder
    models = snapshot.table.wildcard_models if ladder is None else ladder.models
    override = gateway.overrides.book.ladder
    return {
        "models": [{"rank": rank, "model_id": name} | _standing(snapshot, name) for rank, name in enumerate(models)],
        "source": "config" if ladder is None else ladder.source,
        "version": gateway.overrides.book.serial,
        "drift": override is not None,
        "expires_at": None if override is None else override.expires_unix,
    }


def drift_of(gateway: Gateway) -> list[dict[str, Any]]:
    """Every override in force."""
    book = gateway.overrides.book
    told: list[dict[str, Any]] = [
        {"what": "provider.disabled", "subject": name, "since": since}
        for name, since in book.disabled_providers.items()
    ]
    if book.ladder is not None:
        told.append({"what": "wildcard_models", "subject": "*", "since": book.ladder.set_unix})
    if gateway.canary.promoted:
        told.append({"what": "canary.promoted", "subject": str(gateway.canary.path), "since": gateway.canary.since})
    return told


def _standing(snapshot: Snapshot, name: str) -> dict[str, Any]:
    """Whether this rung could serve, by the files alone."""
    table = snapshot.table
    offer = table.offers.get(name)
    model = table.models.get(name)
    if model is not None:
        offers = [one for one in model.offers if table.providers[one.provider].enabled]
        if not model.enabled or not offers:
            return {"provider_id": None, "available": False, "reason": "disabled"}
        return {"provider_id": offers[0].provider, "available": True, "reason": None}
    if offer is not None:
        enabled = table.providers[offer.provider].enabled
        return {"provider_id": offer.provider, "available": enabled, "reason": None if enabled else "disabled"}
    if name in table.aliases:
        return {"provider_id": None, "available": table.aliases[name].enabled, "reason": None}
    return {"provider_id": None, "available": False, "reason": "unknown model"}


def _ids(told: dict[str, Any]) -> list[str]:
    return [str(row["model_id"]) for row in told["models"]]


async def _switched(
    gateway: Gateway, request: Request[Any, Any, Any], name: str, *, on: bool
) -> Response[dict[str, Any]]:
    provider = gateway.live.current.table.providers.get(name)
    if provider is None:
        raise RequestError("not_found", "not_found", f"There is no provider `{name[:64]}`.", param="name")
    was = name not in gateway.overrides.disabled_providers
    if on:
        gateway.overrides.enable_provider(name)
    else:
        gateway.overrides.disable_provider(name, gateway.clock.unix())
    await share_overrides(gateway)
    audit(gateway, request, f"provider.{'enable' if on else 'disable'}", name, before=was, after=on)
    return Response({"name": name, "enabled": provider.enabled and on, "drift": not on})


def _seconds(expires: Any) -> float:
    try:
        return seconds(expires) if isinstance(expires, str) else _not_a_duration()
    except (ValueError, msgspec.ValidationError):
        return _not_a_duration()


def _not_a_duration() -> float:
    raise _wrong("expires_in must be a duration such as `30m` or `24h`", "expires_in")


def _wrong(message: str, param: str) -> RequestError:
    return RequestError("invalid_value", "invalid_value", message, param=param)
