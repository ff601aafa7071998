"""The application: which path leads to which story."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from litestar import Litestar, Request, Response, asgi
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException

from gateway.errors import RequestError
from gateway.flow.enter import caller_of, enter
from gateway.flow.gateway import Gateway
from gateway.web.admin.routes import ADMIN
from gateway.web.answer import config_line, head_of, refusal_pairs, send_in_two
from gateway.web.door import HEADERS, App, Door, Receive, Scope, Send
from gateway.web.errors import INTERNAL, LOG, openai_body, openai_status
from gateway.web.explain import PATH as EXPLAIN
from gateway.web.explain import answer_explain
from gateway.web.head import NO_LINES, joined, lines_of, pairs_of
from gateway.web.hot import Endpoint, answer_call
from gateway.web.introduction import peer_of
from gateway.web.limit_headers import STANDING
from gateway.web.messages import MESSAGES, count_tokens
from gateway.web.models import list_models, one_model
from gateway.web.openai import OPENAI, refusal, status
from gateway.web.openapi import openapi
from gateway.web.policy import POLICY
from gateway.web.probes import described, healthz, metrics, readyz
from gateway.web.responses import RESPONSES
from gateway.web.understand_chat import understand_chat
from gateway.web.understand_completions import understand_completions
from gateway.web.understand_embeddings import understand_embeddings
from gateway.web.understand_messages import understand_count, understand_messages
from gateway.web.understand_policy import understand_policy
from gateway.web.understand_responses import understand_responses
from gateway.web.wishes import client_id_of

HOT: Mapping[str, Endpoint] = MappingProxyType(
    {
        "/v1/chat/completions": Endpoint("chat.completions", "chat", understand_chat, OPENAI),
        "/v1/completions": Endpoint("completions", "chat", understand_completions, OPENAI),
        "/v1/embeddings": Endpoint("embeddings", "embeddings", understand_embeddings, OPENAI),
        "/v1/chat": Endpoint("chat", "chat", understand_policy, POLICY),
        "/v1/messages": Endpoint("messages", "chat", understand_messages, MESSAGES, also=b"x-api-key"),
        "/v1/messages/count_tokens": Endpoint(
            "messages.count_tokens", "chat", understand_count, MESSAGES, also=b"x-api-key", alone=count_tokens
        ),
        "/v1/responses": Endpoint("responses", "chat", understand_responses, RESPONSES),
    }
)
"""Path to name, scope, understanding and surface."""


PROBES = (healthz, readyz, described)
PRIVATE = (metrics, ADMIN)
"""What moves to the second listener where there is one."""


def build_app(gateway: Gateway, *, alone: bool | None = None) -> App:
    """What callers reach: everything where they have the only listener (left out: as the files say)."""
    alone = gateway.live.current.server.admin_listen is None if alone is None else alone
    lanes: dict[str, App] = {path: partial(answer_call, gateway, endpoint) for path, endpoint in HOT.items()}
    lanes[EXPLAIN] = partial(answer_explain, gateway, HOT)
    hot = (asgi(path, copy_scope=False)(handler_of(lane)) for path, lane in lanes.items())
    return assembled(gateway, [*hot, list_models, one_model, *PROBES, *(PRIVATE if alone else ())], lanes)


def build_admin_app(gateway: Gateway) -> App:
    """What operators reach at a listener of their own."""
    return assembled(gateway, [*PROBES, *PRIVATE], {})


def document() -> dict[str, Any]:
    """What `/schema` says and `schemas/openapi.json` holds."""
    ordinary: list[Any] = [list_models, one_model, *PROBES, *PRIVATE]
    nobody = Provide(lambda: None, sync_to_thread=False)
    return openapi(Litestar(ordinary, dependencies={"gateway": nobody}, openapi_config=None, logging_config=None), HOT)


def assembled(gateway: Gateway, handlers: list[Any], lanes: Mapping[str, App]) -> App:
    app = Litestar(
        route_handlers=handlers,
        dependencies={"gateway": Provide(lambda: gateway, sync_to_thread=False)},
        exception_handlers={HTTPException: say_http, RequestError: say_request, Exception: say_internal},
        state=State({"gateway": gateway, "document": document}),
        openapi_config=None,
        logging_config=None,
    )
    return Door(dressed(gateway, app), lanes, at_the_door(gateway), gateway.live)


def handler_of(lane: App) -> Any:
    async def handle(scope: Any, receive: Any, send: Any) -> None:
        await lane(scope, receive, send)

    return handle


def dressed(gateway: Gateway, app: Any) -> App:
    """Ordinary routes answer through Litestar; their heads get what every response of ours carries."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        visit = enter(gateway, caller_of(None, client_id=client_id_of(scope[HEADERS]), peer=peer_of(scope)))
        digest = visit.snapshot.digest

        async def send_dressed(message: Any) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                ours = pairs_of(joined(head_of(gateway, visit, config_line(digest)), scope.get(STANDING, NO_LINES)))
                message["headers"] = [*message["headers"], *(pair for pair in ours if pair[0] not in there)]
            await send(message)

        try:
            await app(scope, receive, send_dressed)
        finally:
            gateway.live.leave(visit.snapshot)

    return handle


def at_the_door(gateway: Gateway) -> Any:
    """Refuses what no route should see, and closes the connection it came on."""

    async def refuse(scope: Scope, _: Receive, send: Send, error: RequestError) -> None:
        visit = enter(gateway, caller_of(None, peer=peer_of(scope)))
        try:
            told = joined(
                config_line(visit.snapshot.digest), lines_of([*refusal_pairs(error), (b"connection", b"close")])
            )
            body = refusal(error, visit)
            await send_in_two(send, status(error, visit), head_of(gateway, visit, told, len(body)), body)
        finally:
            gateway.live.leave(visit.snapshot)

    return refuse


def say_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """Litestar's own refusals in our words."""
    if error.status_code == 405:
        told = RequestError("method_not_allowed", "method_not_allowed", "This route does not answer this method.")
    elif error.status_code < 500 and error.status_code != 404:
        told = RequestError("bad_request", "bad_request", error.detail)
    elif error.status_code == 404:
        told = RequestError("not_found", "not_found", "There is no such route.")
    else:
        told = RequestError("internal", "internal_error", "The gateway failed.")
    return say_request(_, told, headers=dict(error.headers or {}))


def say_internal(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Our own fault: the log hears of it, the caller hears no detail."""
    LOG.error("internal error in %s %s", request.method, request.url.path, exc_info=error)
    return say_request(request, INTERNAL)


def say_request(
    _: Request[Any, Any, Any], error: RequestError, headers: Mapping[str, str] | None = None
) -> Response[dict[str, Any]]:
    pairs = {name.decode(): value.decode("latin-1") for name, value in refusal_pairs(error)}
    return Response(openai_body(error), status_code=openai_status(error, 429), headers=pairs | dict(headers or {}))
