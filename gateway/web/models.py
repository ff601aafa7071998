"""What a key may use: `GET /v1/models`, and one of them by its id, slashes and all."""

from collections.abc import Iterator
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.domain.key import Key
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Model, Offer, Plain, Split, Table
from gateway.flow.enter import caller_of, check_key, enter
from gateway.flow.gateway import Gateway
from gateway.routing.refuse import unknown_model
from gateway.web.answer import encode
from gateway.web.door import HEADERS
from gateway.web.limit_headers import STANDING, limit_lines
from gateway.web.wishes import token_of

ENDPOINTS = ("chat", "completions", "embeddings")
FEATURES = ("tools", "vision", "audio", "json_schema", "reasoning")
MAX_ALIAS_STEPS = 32

Row = dict[str, Any]


@get("/v1/models", sync_to_thread=False)
def list_models(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[bytes]:
    """Every name this key may use."""
    return _said({"object": "list", "data": _rows_for(request, gateway)})


@get("/v1/models/{model_id:path}", sync_to_thread=False)
def one_model(
    request: Request[Any, Any, Any], gateway: NamedDependency[Gateway], model_id: FromPath[str]
) -> Response[bytes]:
    """One row, or 404."""
    wanted = model_id.removeprefix("/")
    for row in _rows_for(request, gateway):
        if row["id"] == wanted:
            return _said(row)
    raise unknown_model(wanted)


def _rows_for(request: Request[Any, Any, Any], gateway: Gateway) -> list[Row]:
    token = token_of(request.scope[HEADERS])  # type: ignore[literal-required]
    client = request.scope["client"]
    visit = enter(gateway, caller_of(token, peer=client[0] if client else ""))
    try:
        request.scope[STANDING] = limit_lines(gateway, visit.key)  # type: ignore[literal-required]
        return sorted(rows_of(visit.snapshot, check_key(visit, token)), key=lambda row: str(row["id"]))
    finally:
        gateway.live.leave(visit.snapshot)


def _said(value: Row) -> Response[bytes]:
    return Response(encode(value), media_type="application/json")


def rows_of(snapshot: Snapshot, key: Key) -> Iterator[Row]:
    """One row a model and provider, one a short name, one an alias."""
    table = snapshot.table
    usable = {name: offers for name, model in table.models.items() if (offers := _usable(model, table, key))}
    for name, offers in usable.items():
        best = offers[0]
        yield _row(name, "tokenhub", best)
        for offer in offers:
            yield _row(offer.name, offer.provider, offer)
    for alias in table.aliases.values():
        behind = _behind(alias, table, usable)
        if behind is not None and alias.enabled:
            yield _row(alias.name, "tokenhub", behind)


def _usable(model: Model, table: Table, key: Key) -> tuple[Offer, ...]:
    if not model.enabled:
        return ()
    return tuple(
        offer
        for offer in model.offers
        if table.providers[offer.provider].enabled and (key.offers is None or offer.name in key.offers)
    )


def _behind(alias: Alias, table: Table, usable: dict[str, tuple[Offer, ...]]) -> Offer | None:
    """The first offer that an alias leads to, for this key."""
    meaning = alias.meaning
    for _ in range(MAX_ALIAS_STEPS):
        if isinstance(meaning, Plain):
            names: tuple[str, ...] = (meaning.target,)
        else:
            names = tuple(share.model for share in meaning.shares) if isinstance(meaning, Split) else meaning.models
        for name in names:
            if name in usable:
                return usable[name][0]
            offer = table.offers.get(name)
            if offer is not None and offer in usable.get(offer.model, ()):
                return offer
        onward = next((table.aliases[name] for name in names if name in table.aliases), None)
        if onward is None:
            return None
        meaning = onward.meaning
    return None


def _row(name: str, owner: str, offer: Offer) -> Row:
    capabilities = {one: one in offer.capabilities for one in (*ENDPOINTS, *FEATURES)}
    capabilities["completions"] = capabilities["completions"] or offer.via_chat
    price = offer.price
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": owner,
        "context_window": offer.context_window or None,
        "max_output_tokens": offer.max_output_tokens or None,
        "capabilities": capabilities,
        "pricing": None if price is None else {"input": price.input, "output": price.output},
    }
