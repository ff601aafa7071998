"""Somebody is told when a cap comes near: once for each share, signed, tried again, and never in a caller's way."""

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.domain.settings import Webhook
from gateway.flow.alerting import PAUSES_S, SIGNATURE, Alerting, signature
from gateway.secret import Secret
from gateway.state.limits import Alert
from gateway.state.metrics import Metrics
from gateway.upstream.send import Upstream
from tests.serving import a_config, serving
from tests.wire import Wire, json_reply, openai_chat

CHAT = "/v1/chat/completions"
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
DOLLAR = {"prompt_tokens": 500_000, "completion_tokens": 500_000, "total_tokens": 1_000_000}
ALERT = Alert(key="web-app", month="2027-01", what="usd", share=0.8, spent=8.1, cap=10.0)


@pytest.fixture
def hook() -> Iterator[Wire]:
    with Wire() as one:
        one.default = lambda _: json_reply({})
        yield one


def test_each_share_of_a_cap_is_told_once_and_signed(
    hook: Wire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    more = (
        f"alerts: {{shares: [0.5, 1.0], webhook: {{url: '{hook.url}/hook?team=a', secret: '${{env:HOOK_SECRET}}'}}}}\n"
    )
    env = {"HOOK_SECRET": "CANARY-hook-secret"}
    with (
        Wire() as wire,
        serving(a_config(wire.url, key="limits: {monthly_usd: 4}", more=more), tmp_path, env=env) as it,
    ):
        wire.script(openai_chat(usage=DOLLAR), always=True)
        with it.client() as client:
            for _ in range(4):
                assert client.post(CHAT, json=ASK).is_success
        told = hook.wait_requests(2)
        assert [(each.json["share"], each.json["spent"], each.json["key"]) for each in told] == [
            (0.5, 2.0, "web-app"),
            (1.0, 4.0, "web-app"),
        ]
        for each in told:
            assert each.target == "/hook?team=a"
            signed = each.header(SIGNATURE) or ""
            stamp = int(signed.split(",")[0].removeprefix("t="))
            assert abs(stamp - time.time()) < 60
            assert signed == signature("CANARY-hook-secret", stamp, each.body)
            assert each.header("x-tokenhub-delivery")
        assert caplog.text.count("has used 50% of its budget") == 1
        with it.client() as client:
            assert 'tokenhub_events_total{event="cap_share_passed"} 2.0' in client.get("/metrics").text


def test_a_receiver_that_is_away_is_tried_again_under_the_same_id(hook: Wire) -> None:
    hook.script(json_reply({}, status=500), json_reply({}, status=429), json_reply({}))
    pauses = told_to(hook)
    assert pauses == list(PAUSES_S[:2])
    assert len({each.header("x-tokenhub-delivery") for each in hook.requests}) == 1
    assert len(hook.requests) == 3


def test_what_is_never_taken_is_given_up_loudly(hook: Wire, caplog: pytest.LogCaptureFixture) -> None:
    hook.script(json_reply({}, status=404), always=True)
    assert told_to(hook, tries=len(PAUSES_S) + 1) == list(PAUSES_S)
    assert "was not delivered to the webhook: it answered 404" in caplog.text


def test_without_a_secret_nothing_is_signed_and_an_empty_one_signs_nothing(hook: Wire) -> None:
    """A13: an empty secret would verify for everybody."""
    for secret in (None, Secret("")):
        hook.forget()
        told_to(hook, secret=secret, tries=1)
        assert hook.requests[0].header(SIGNATURE) is None


def test_clouds_metadata_services_are_never_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tokenhub")
    pauses: list[float] = []

    async def story() -> None:
        alerting, upstream = an_alerting("http://169.254.169.254/latest", None, pauses)
        await delivered(alerting, lambda: "not delivered" in caplog.text)
        await upstream.aclose()

    asyncio.run(story())
    assert len(pauses) == len(PAUSES_S)


def told_to(hook: Wire, *, secret: Secret | None = None, tries: int = 3) -> list[float]:
    """The pauses that were made until so many requests had come."""
    pauses: list[float] = []

    async def story() -> None:
        alerting, upstream = an_alerting(hook.url, secret, pauses)
        await delivered(alerting, lambda: len(hook.requests) >= tries)
        await upstream.aclose()

    asyncio.run(story())
    return pauses


def an_alerting(url: str, secret: Secret | None, pauses: list[float]) -> tuple[Alerting, Upstream]:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    upstream = Upstream(clock=SystemClock())
    webhook = Webhook(url=url, secret=secret)
    return Alerting(upstream, Metrics(), SystemClock(), lambda: webhook, pause), upstream


async def delivered(alerting: Alerting, done: Any) -> None:
    alerting.report(ALERT)
    task = asyncio.create_task(alerting.deliver())
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
