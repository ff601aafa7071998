"""`POST /v1/explain`: the body of any call, answered with the decision that would be made about it now."""

from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qs

from gateway.domain.key import Key
from gateway.errors import RequestError
from gateway.flow.enter import check_key, enter
from gateway.flow.gateway import Gateway, moment_of
from gateway.flow.rights import check_scope, may
from gateway.web.answer import encode
from gateway.web.body import decode_object
from gateway.web.door import Receive, Scope, Send, line_of
from gateway.web.errors import walled
from gateway.web.explaining import decided, endpoint_of, told
from gateway.web.hot import Endpoint, body_of
from gateway.web.introduction import Introduction, introduction
from gateway.web.openai import OPENAI
from gateway.web.reply import Reply
from gateway.web.surface import Surface

PATH = "/v1/explain"


class Explaining(Reply):
    """Speaks as the explained endpoint does, as soon as it is known which one that is."""

    def speak_as(self, surface: Surface) -> None:
        self.surface = surface


def answer_explain(
    gateway: Gateway, endpoints: Mapping[str, Endpoint], scope: Scope, receive: Receive, send: Send
) -> Coroutine[Any, Any, None]:
    """Nothing is sent to a provider, nothing is counted, nothing is taken."""
    head = introduction(scope)
    visit = enter(gateway, head.caller)
    reply = Explaining(gateway, visit, OPENAI, send)

    def leave() -> None:
        gateway.live.leave(visit.snapshot)
        gateway.metrics.answered("explain", reply.status)

    return walled(_tell(gateway, endpoints, reply, head, scope, receive), reply, leave)


async def _tell(
    gateway: Gateway,
    endpoints: Mapping[str, Endpoint],
    reply: Explaining,
    head: Introduction,
    scope: Scope,
    receive: Receive,
) -> None:
    visit = reply.visit
    if head.method != "POST":
        raise RequestError("method_not_allowed", "method_not_allowed", "This route answers POST.")
    key = check_key(visit, head.caller.token)
    body = body_of(gateway, visit, head, line_of(receive), receive)
    fields = decode_object(body if isinstance(body, bytes) else await body)
    names = {path: endpoint.name for path, endpoint in endpoints.items()}
    name = endpoint_of(fields, _said(scope), names)
    endpoint = next(one for one in endpoints.values() if one.name == name)
    reply.speak_as(endpoint.surface)
    _check_rights(key, endpoint)
    ask = endpoint.understand(visit, head.headers, fields)
    decision = decided(visit.snapshot, ask, moment_of(gateway, visit.snapshot), gateway.limits)
    await reply.alone(encode(told(visit.snapshot, ask, decision)))


def _said(scope: Any) -> str | None:
    values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("endpoint")
    return values[-1] if values else None


def _check_rights(key: Key, endpoint: Endpoint) -> None:
    """`explain`, or the scope of what is explained."""
    if not may(key, "explain"):
        check_scope(key, endpoint.needs)
