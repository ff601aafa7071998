"""Somebody is told that a cap comes near: in the log and the metrics at once, by webhook beside the requests."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from gateway.clock import Clock
from gateway.domain.call import Call, Patience
from gateway.domain.settings import Webhook
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.state.limits import Alert
from gateway.state.metrics import Metrics
from gateway.ulid import new_ulid
from gateway.upstream.send import Upstream

LOG = logging.getLogger("tokenhub")

WAITING = 1000
PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Before each further try."""
PATIENCE_S = 10.0
SIGNATURE = "X-TokenHub-Signature"


class Letter(Struct, frozen=True):
    """One alert on its way; its id stays the same over all tries."""

    id: str
    body: bytes


class Alerting:
    """Whoever reports an alert never waits; a receiver that is away is tried for about a quarter of an hour."""

    def __init__(
        self,
        upstream: Upstream,
        metrics: Metrics,
        clock: Clock,
        webhook: Callable[[], Webhook | None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._upstream = upstream
        self._metrics = metrics
        self._clock = clock
        self._webhook = webhook
        self._pause = pause
        self._waiting: asyncio.Queue[Letter] = asyncio.Queue(WAITING)

    def report(self, alert: Alert) -> None:
        LOG.warning(
            "the key `%s` has used %g%% of its %s for %s: %g of %g",
            alert.key,
            alert.share * 100,
            "budget" if alert.what == "usd" else "tokens",
            alert.month,
            alert.spent,
            alert.cap,
        )
        self._metrics.note("cap_share_passed")
        if self._webhook() is None:
            return
        letter = Letter(new_ulid(self._clock.unix()), msgspec.json.encode(told(alert, self._clock.unix())))
        try:
            self._waiting.put_nowait(letter)
        except asyncio.QueueFull:
            self._lost(letter, "too many are waiting")

    async def deliver(self) -> None:
        """For ever, one after the other."""
        while True:
            letter = await self._waiting.get()
            for pause_s in (*PAUSES_S, None):
                webhook = self._webhook()
                problem = None if webhook is None else await self._post(webhook, letter)
                if problem is None:
                    break
                if pause_s is None:
                    self._lost(letter, problem)
                    break
                await self._pause(pause_s)

    async def _post(self, webhook: Webhook, letter: Letter) -> str | None:
        """Why it did not arrive, or None."""
        now, unix = self._clock.monotonic(), int(self._clock.unix())
        call = Call(url=webhook.url, headers=headers_of(webhook, letter, unix), body=letter.body)
        patience = Patience(connect_s=PATIENCE_S, first_byte_s=PATIENCE_S, idle_s=PATIENCE_S, until=now + PATIENCE_S)
        answer = await self._upstream.send(place_of(webhook), call, patience)
        if isinstance(answer, Failure):
            return answer.code
        return None if answer.status < 300 else f"it answered {answer.status}"

    def _lost(self, letter: Letter, why: str) -> None:
        self._metrics.note("alert_not_delivered")
        LOG.error("the alert %s was not delivered to the webhook: %s", letter.id, why)


def told(alert: Alert, unix: float) -> dict[str, Any]:
    return {"event": "cap_share_passed", "time": int(unix)} | msgspec.structs.asdict(alert)


def headers_of(webhook: Webhook, letter: Letter, unix: int) -> tuple[tuple[str, str], ...]:
    """Signed with the time, so that nobody can send it again later."""
    headers = (("Content-Type", "application/json"), ("X-TokenHub-Delivery", letter.id))
    if webhook.secret is None or not webhook.secret.reveal():
        return headers
    return (*headers, (SIGNATURE, signature(webhook.secret.reveal(), unix, letter.body)))


def signature(secret: str, unix: int, body: bytes) -> str:
    """`t=<unix>,v1=<hex>`: HMAC-SHA256 over the time, a dot, and the body."""
    digest = hmac.new(secret.encode(), b"%d." % unix + body, hashlib.sha256).hexdigest()
    return f"t={unix},v1={digest}"


def place_of(webhook: Webhook) -> Provider:
    """The receiver as the HTTP client knows places: the operator's own may be private, metadata services never."""
    parts = urlsplit(webhook.url)
    return Provider(
        name="alerts webhook",
        dialect="openai",
        base_url=f"{parts.scheme}://{parts.netloc}",
        options=MappingProxyType({}),
        labels=MappingProxyType({}),
        allow_private=True,
        max_concurrency=1,
        identity=f"webhook:{parts.scheme}://{parts.netloc}",
    )
