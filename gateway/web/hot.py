"""The one story of every hot endpoint: understand, serve, answer; and whatever goes wrong ends in the same place."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Literal

from msgspec import Struct

from gateway.domain.ask import Ask
from gateway.domain.key import Scope as KeyScope
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.enter import check_key, enter
from gateway.flow.gateway import Gateway
from gateway.flow.receipt import CLIENT_CLOSED, Receipt
from gateway.flow.rights import may, scope_missing
from gateway.flow.serve import open_receipt, serve, serve_stream
from gateway.web.body import decode_object, read_body, too_large, unsupported
from gateway.web.door import Line, Receive, Scope, Send, line_of
from gateway.web.errors import walled
from gateway.web.introduction import Introduction, introduction
from gateway.web.leaving import Leaving
from gateway.web.once import REPLAYED, Once, once_for
from gateway.web.reply import Reply
from gateway.web.surface import Surface

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


def answer_call(
    gateway: Gateway, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send
) -> Coroutine[Any, Any, None]:
    """From the first byte of a request to the last of its answer."""
    head = introduction(scope, endpoint.also)
    visit = enter(gateway, head.caller)
    reply = Reply(gateway, visit, endpoint.surface, send)
    return walled(tell(gateway, endpoint, reply, head, receive), reply, partial(leave, gateway, endpoint, reply))


async def tell(gateway: Gateway, endpoint: Endpoint, reply: Reply, head: Introduction, receive: Receive) -> None:
    visit, line = reply.visit, line_of(receive)
    check_way_in(gateway, visit, endpoint, head)
    body = body_of(gateway, visit, head, line, receive)
    if not isinstance(body, bytes):
        body = await body
    ask = understood(visit, endpoint, head, body)
    if endpoint.alone is not None:
        await reply.alone(endpoint.alone(gateway, visit, ask))
        return
    once = None if ask.stream or head.once is None else once_of(gateway, visit, endpoint, head.once, body)
    if once is not None and once.told is not None:
        await reply.again(once.told)
        return
    receipt = reply.receipt = open_receipt(gateway, visit, ask, endpoint.name)
    receipt.wants_trace = head.wants_trace
    receipt.trace_parent = None if gateway.traces is None else head.trace_parent
    receipt.experience.retry_budget.note_request(visit.started)
    leaving = Leaving(receive) if line is None else line.watch()
    try:
        if receipt.ask.stream:
            await reply.stream(receipt, await serve_stream(receipt))
        else:
            late = reply.whole(receipt, await serve(receipt), once)
            if late is not None:
                await late
    except asyncio.CancelledError:
        if not (leaving.left or gateway.draining):
            raise
        break_off(reply, receipt, left=leaving.left)
    except RequestError as error:
        receipt.refused(error, reply.status_of(error))
        raise
    finally:
        leaving.unwatch()
        receipt.close()
        if once is not None:
            once.close()


def check_way_in(gateway: Gateway, visit: Visit, endpoint: Endpoint, head: Introduction) -> None:
    if gateway.in_flight + gateway.uploading >= visit.snapshot.server.max_in_flight:
        raise RequestError("overloaded", "overloaded", "The gateway is full. Try again shortly.", retry_after_s=soon())
    if head.method != "POST":
        raise RequestError("method_not_allowed", "method_not_allowed", "This route answers POST.")
    if not endpoint.surface.json_first:
        check_rights(visit, endpoint, head)


def check_rights(visit: Visit, endpoint: Endpoint, head: Introduction) -> None:
    key = visit.key or check_key(visit, head.caller.token)
    if not may(key, endpoint.needs):
        raise scope_missing(endpoint.needs)


def body_of(
    gateway: Gateway, visit: Visit, head: Introduction, line: Line | None, receive: Receive
) -> bytes | Awaitable[bytes]:
    """To be waited for only where it is still on its way."""
    if head.unread is not None:
        raise unsupported(head.unread)
    body = None if line is None else line.take()
    if body is None:
        return upload(gateway, visit, head, receive)
    max_bytes = visit.snapshot.server.max_body
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    return body


async def upload(gateway: Gateway, visit: Visit, head: Introduction, receive: Receive) -> bytes:
    server = visit.snapshot.server
    gateway.uploading += 1
    try:
        return await read_body(receive, head.headers, server.max_body, server.body_timeout_s)
    finally:
        gateway.uploading -= 1


def understood(visit: Visit, endpoint: Endpoint, head: Introduction, body: bytes) -> Ask:
    fields = decode_object(body)
    if endpoint.surface.json_first:
        check_rights(visit, endpoint, head)
    return endpoint.understand(visit, head.headers, fields)


def once_of(gateway: Gateway, visit: Visit, endpoint: Endpoint, key: bytes, body: bytes) -> Once | None:
    """For those who sent a key, where answers are repeated."""
    return once_for(gateway.replays, visit, endpoint.name, key, body) if endpoint.name in REPLAYED else None


def break_off(reply: Reply, receipt: Receipt, *, left: bool) -> None:
    """The work was cancelled: nobody is there to hear of it, or the gateway ends."""
    if left:
        receipt.caller_left()
        reply.status = reply.status or CLIENT_CLOSED
        return
    error = RequestError("overloaded", "draining", "The gateway is shutting down.", retry_after_s=1.0)
    receipt.refused(error, reply.status_of(error))
    raise error from None


def leave(gateway: Gateway, endpoint: Endpoint, reply: Reply) -> None:
    """The request is over: nobody holds its snapshot any more, and it counts."""
    visit, step = reply.visit, None if reply.receipt is None else reply.receipt.step
    gateway.live.leave(visit.snapshot)
    seconds = gateway.clock.monotonic() - visit.started
    if step is None:
        gateway.metrics.answered(endpoint.name, reply.status, seconds=seconds)
    else:
        gateway.metrics.answered(endpoint.name, reply.status, step.offer.provider, step.offer.model, seconds)


def soon() -> float:
    """When to come back to a full gateway: not all at once."""
    return random.uniform(1.0, 3.0)  # noqa: S311 spreads a crowd, hides nothing
