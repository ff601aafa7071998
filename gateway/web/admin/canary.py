"""Deciding about a candidate configuration by hand, before the rule does, or against it."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from msgspec import to_builtins

from gateway.errors import RequestError
from gateway.flow.canary import Decision
from gateway.flow.canary_status import canary_status
from gateway.flow.gateway import Gateway
from gateway.web.admin.audit import audit
from gateway.web.admin.guard import WHO


@get("/canary")
async def canary(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """The candidate, how both sides do, and what the verdict waits for."""
    return await told(gateway)


@post("/canary/promote", status_code=200)
async def promote(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """The candidate serves everybody, at once."""
    before = gateway.live.current.digest
    digest = gateway.canary.in_question
    if digest is None or not await gateway.canary.decide(Decision("promote", digest, by(request))):
        raise RequestError("conflict", "no_candidate", "No candidate is being tried.")
    audit(gateway, request, "canary.promote", "configuration", before=before, after=gateway.live.current.digest)
    return await told(gateway)


@post("/canary/rollback", status_code=200)
async def rollback(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Nobody gets the candidate any more; after a promotion, what served before it serves again."""
    digest = gateway.canary.in_question
    if digest is None or not await gateway.canary.decide(Decision("roll back", digest, by(request))):
        raise RequestError("conflict", "no_candidate", "No candidate is being tried, and none was promoted.")
    audit(gateway, request, "canary.rollback", "configuration", before=digest, after=gateway.live.current.digest)
    return await told(gateway)


def by(request: Request[Any, Any, Any]) -> str:
    return f"by hand: {request.scope[WHO]}"  # type: ignore[literal-required]


async def told(gateway: Gateway) -> dict[str, Any]:
    body: dict[str, Any] = to_builtins(await canary_status(gateway))
    return body
