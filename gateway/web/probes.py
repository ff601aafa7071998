"""What Kubernetes and Prometheus ask: alive, ready, and how it goes."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from gateway.flow.fleet import metrics_of_all
from gateway.flow.gateway import Gateway


@get("/healthz", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """200 while the process lives."""
    return {"status": "alive"}


@get("/readyz", sync_to_thread=False)
def readyz(gateway: NamedDependency[Gateway]) -> Response[dict[str, Any]]:
    """200 when a configuration serves and the process is not draining."""
    body = {
        "status": "draining" if gateway.draining else "ready",
        "config": gateway.live.current.short_digest,
        "degraded": list(gateway.degraded()),
    }
    return Response(body, status_code=503 if gateway.draining else 200)


@get("/schema", sync_to_thread=False)
def described(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The API as an OpenAPI document."""
    document: dict[str, Any] = request.app.state["document"]()
    return document


@get("/metrics")
async def metrics(gateway: NamedDependency[Gateway]) -> Response[bytes]:
    """Prometheus text, of all workers together."""
    return Response(await metrics_of_all(gateway), media_type="text/plain; version=0.0.4; charset=utf-8")
