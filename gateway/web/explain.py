"""`POST /v1/explain`: the body of any call, answered with the decision that would be made about it now."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from gateway.domain.key import Key
from gateway.errors import RequestError
from gateway.flow.enter import check_key, enter
from gateway.flow.gateway import Gateway, moment_of
from gateway.flow.rights import check_scope, may
from gateway.web.answer import encode
from gateway.web.door import HEADERS, Receive, Scope, Send
from gateway.web.errors import walled
from gateway.web.explaining import decided, endpoint_of, told
from gateway.web.hot import Endpoint, Incoming, body_of, peer_of
from gateway.web.openai import OPENAI
from gateway.web.reply import Reply
from gateway.web.surface import Surface
from gateway.web.wishes import client_id_of, token_of

PATH = "/v1/explain"


class Explaining(Reply):
    """Speaks as the explained endpoint does, as soon as it is known which one that is."""

    def speak_as(self, surface: Surface) -> None:
        self.surface = surface


async def answer_explain(
    gateway: Gateway, endpoints: Mapping[str, Endpoint], scope: Scope, receive: Receive, send: Send
) -> None:
    """Nothing is sent to a provider, nothing is counted, nothing is taken."""
    headers: dict[bytes, bytes] = scope[HEADERS]
    token = token_of(headers)
    visit = enter(gateway, token, client_id=client_id_of(headers), peer=peer_of(scope))
    reply = Explaining(gateway, visit, OPENAI, send)
    try:
        await walled(_tell(gateway, endpoints, reply, Incoming(scope, headers, token, receive)), reply)
    finally:
        gateway.live.leave(visit.snapshot)
        gateway.metrics.answered("explain", reply.status)


async def _tell(gateway: Gateway, endpoints: Mapping[str, Endpoint], reply: Explaining, incoming: Incoming) -> None:
    visit = reply.visit
    if incoming.scope["method"] != "POST":
        raise RequestError("method_not_allowed", "method_not_allowed", "This route answers POST.")
    key = check_key(visit, incoming.token)
    fields = await body_of(gateway, visit, incoming)
    names = {path: endpoint.name for path, endpoint in endpoints.items()}
    name = endpoint_of(fields, _said(incoming.scope), names)
    endpoint = next(one for one in endpoints.values() if one.name == name)
    reply.speak_as(endpoint.surface)
    _check_rights(key, endpoint)
    ask = endpoint.understand(visit, incoming.headers, fields)
    decision = decided(visit.snapshot, ask, moment_of(gateway, visit.snapshot), gateway.limits)
    await reply.alone(encode(told(visit.snapshot, ask, decision)))


def _said(scope: Any) -> str | None:
    values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("endpoint")
    return values[-1] if values else None


def _check_rights(key: Key, endpoint: Endpoint) -> None:
    """`explain`, or the scope of what is explained."""
    if not may(key, "explain"):
        check_scope(key, endpoint.needs)
