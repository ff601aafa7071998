"""How the gateway is: which configuration serves, whether it is the one on disk, and what became of every change."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from msgspec import to_builtins

from gateway import __version__
from gateway.flow.canary_status import canary_status
from gateway.flow.config_status import config_status
from gateway.flow.fleet import reload_all, workers_told
from gateway.flow.gateway import Gateway
from gateway.flow.history import ReloadOutcome
from gateway.web.admin.audit import audit
from gateway.web.admin.overrides import drift_of


@get("/status")
async def status(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Version, digests, the last reload, overrides in force."""
    last = gateway.reloader.history.last
    return {
        "version": __version__,
        "uptime_seconds": round(gateway.clock.monotonic() - gateway.started, 3),
        "config": to_builtins(config_status(gateway)),
        "last_reload": None if last is None else to_builtins(last),
        "canary": to_builtins(await canary_status(gateway)),
        "drift": drift_of(gateway),
        "degraded": list(gateway.degraded()),
        "in_flight": gateway.in_flight,
        "draining": gateway.draining,
        "workers": [
            {name: value for name, value in row.items() if name != "last_used"} for row in await workers_told(gateway)
        ],
    }


@post("/reload", status_code=200)
async def reload(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[dict[str, Any]]:
    """Reads the files now: 200 with what changed, or 422 with every problem and the old configuration still serving."""
    outcome, others = await reload_all(gateway)
    audit(gateway, request, "config.reload", "configuration", before=outcome.digest_before, after=outcome.digest)
    return Response(told(outcome) | ({"workers": others} if others else {}), status_code=200 if outcome.ok else 422)


@get("/config/history", sync_to_thread=False)
def history(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """The reload ledger, newest first."""
    return {"data": [to_builtins(entry) for entry in gateway.reloader.history.entries()]}


def told(outcome: ReloadOutcome) -> dict[str, Any]:
    body: dict[str, Any] = to_builtins(outcome)
    if not outcome.ok:
        body["error"] = {
            "type": "invalid_request_error",
            "code": "config_invalid" if outcome.outcome == "refused" else "draining",
            "message": "The files have problems; the configuration that served before still serves.",
            "param": None,
        }
    return body
