"""The one story of every hot endpoint: understand, serve, answer; and whatever goes wrong ends in the same place."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from gateway.domain.ask import Ask
from gateway.domain.key import Scope as KeyScope
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.enter import check_key, enter
from gateway.flow.gateway import Gateway
from gateway.flow.receipt import CLIENT_CLOSED, Receipt
from gateway.flow.rights import check_scope
from gateway.flow.serve import open_receipt, serve, serve_stream
from gateway.web.body import check_content, decode_object, read_body
from gateway.web.door import HEADERS, Receive, Scope, Send
from gateway.web.errors import walled
from gateway.web.leaving import Leaving
from gateway.web.once import HEADER as ONCE
from gateway.web.once import REPLAYED, Once, once_for
from gateway.web.reply import Reply
from gateway.web.surface import Surface
from gateway.web.wishes import client_id_of, token_of

BODY = "tokenhub.body"
"""Where the bytes of a body are left for those who need them once more."""

Understand = Callable[[Visit, Mapping[bytes, bytes], dict[str, Any]], Ask]
Alone = Callable[[Gateway, Visit, Ask], bytes]


class Endpoint(Struct, frozen=True):
    """What one route adds to the story."""

    name: str
    """A stable word for metrics and records."""
    needs: KeyScope
    understand: Understand
    surface: Surface
    also: Literal[b"x-api-key"] | None = None
    """Where a key may stand besides `Authorization`."""
    alone: Alone | None = None
    """The answer of an endpoint that calls no provider and charges nothing."""


async def answer_call(gateway: Gateway, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
    """From the first byte of a request to the last of its answer."""
    headers: dict[bytes, bytes] = scope[HEADERS]
    token = token_of(headers, endpoint.also)
    visit = enter(gateway, token, client_id=client_id_of(headers), peer=peer_of(scope))
    reply = Reply(gateway, visit, endpoint.surface, send)
    try:
        await walled(tell(gateway, endpoint, reply, Incoming(scope, headers, token, receive)), reply)
    finally:
        gateway.live.leave(visit.snapshot)
        count(gateway, endpoint, reply)


class Incoming(Struct, frozen=True):
    """The request as it stands at the door."""

    scope: Scope
    headers: dict[bytes, bytes]
    token: bytes | None
    receive: Receive


async def tell(gateway: Gateway, endpoint: Endpoint, reply: Reply, incoming: Incoming) -> None:
    visit = reply.visit
    check_way_in(gateway, visit, incoming)
    early = await body_of(gateway, visit, incoming) if endpoint.surface.json_first else None
    check_scope(check_key(visit, incoming.token), endpoint.needs)
    fields = early if early is not None else await body_of(gateway, visit, incoming)
    ask = endpoint.understand(visit, incoming.headers, fields)
    if endpoint.alone is not None:
        await reply.alone(endpoint.alone(gateway, visit, ask))
        return
    once = None if ask.stream or ONCE not in incoming.headers else once_of(gateway, visit, endpoint, incoming)
    if once is not None and once.told is not None:
        await reply.again(once.told)
        return
    receipt = reply.receipt = open_receipt(gateway, visit, ask, endpoint.name)
    heed(gateway, receipt, incoming.headers)
    receipt.experience.retry_budget.note_request(visit.started)
    leaving = Leaving(incoming.receive)
    try:
        if receipt.ask.stream:
            await reply.stream(receipt, await serve_stream(receipt))
        else:
            late = reply.whole(receipt, await serve(receipt), once)
            if late is not None:
                await late
    except asyncio.CancelledError:
        if leaving.left:
            receipt.caller_left()
            reply.status = reply.status or CLIENT_CLOSED
        elif gateway.draining:
            error = RequestError("overloaded", "draining", "The gateway is shutting down.", retry_after_s=1.0)
            receipt.refused(error, reply.status_of(error))
            raise error from None
        else:
            raise
    except RequestError as error:
        receipt.refused(error, reply.status_of(error))
        raise
    finally:
        leaving.close()
        receipt.close()
        if once is not None:
            once.close()


def check_way_in(gateway: Gateway, visit: Visit, incoming: Incoming) -> None:
    if gateway.in_flight + gateway.uploading >= visit.snapshot.server.max_in_flight:
        raise RequestError("overloaded", "overloaded", "The gateway is full. Try again shortly.", retry_after_s=soon())
    if incoming.scope["method"] != "POST":
        raise RequestError("method_not_allowed", "method_not_allowed", "This route answers POST.")


def count(gateway: Gateway, endpoint: Endpoint, reply: Reply) -> None:
    step = None if reply.receipt is None else reply.receipt.step
    seconds = gateway.clock.monotonic() - reply.visit.started
    if step is None:
        gateway.metrics.answered(endpoint.name, reply.status, seconds=seconds)
    else:
        gateway.metrics.answered(endpoint.name, reply.status, step.offer.provider, step.offer.model, seconds)


def heed(gateway: Gateway, receipt: Receipt, headers: Mapping[bytes, bytes]) -> None:
    """What the caller wants told of the request: to themselves, or to whoever collects their spans."""
    receipt.wants_trace = headers.get(b"x-tokenhub-trace") == b"1"
    if gateway.traces is not None and (parent := headers.get(b"traceparent")) is not None:
        receipt.trace_parent = parent.decode("latin-1")


async def body_of(gateway: Gateway, visit: Visit, incoming: Incoming) -> dict[str, Any]:
    check_content(incoming.headers)
    server = visit.snapshot.server
    gateway.uploading += 1
    try:
        body = await read_body(incoming.receive, incoming.headers, server.max_body, server.body_timeout_s)
    finally:
        gateway.uploading -= 1
    if ONCE in incoming.headers:
        incoming.scope[BODY] = body
    return decode_object(body)


def once_of(gateway: Gateway, visit: Visit, endpoint: Endpoint, incoming: Incoming) -> Once | None:
    """For those who sent a key, where answers are repeated."""
    if endpoint.name not in REPLAYED:
        return None
    return once_for(gateway.replays, visit, endpoint.name, incoming.headers[ONCE], incoming.scope[BODY])


def soon() -> float:
    """When to come back to a full gateway: not all at once."""
    return random.uniform(1.0, 3.0)  # noqa: S311 spreads a crowd, hides nothing


def peer_of(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
