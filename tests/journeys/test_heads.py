"""The head of an answer: the same headers on every way out, and never those of another key or configuration."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import ADMIN, Serving, a_config, digest_of, serving
from tests.wire import Wire

CHAT = "/v1/chat/completions"
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
KEYS = {
    "both": "limits: {requests_per_minute: 60, tokens_per_minute: 90000}",
    "requests": "limits: {requests_per_minute: 70}",
    "tokens": "limits: {tokens_per_minute: 80000}",
    "none": "",
}
RATES = ("requests", "tokens")
OURS = {
    *("date", "content-type", "content-length", "x-inferoute-request-id", "x-request-id", "x-inferoute-latency-ms"),
    *("x-tokenhub-config", "x-inferoute-provider", "x-tokenhub-model", "x-tokenhub-reason", "x-tokenhub-attempts"),
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as one:
        yield one


def with_keys(wire: Wire) -> str:
    rows = (f"  - {{name: {name}, digest: '{digest_of(name)}', {limits}}}\n" for name, limits in KEYS.items())
    return a_config(wire.url) + "".join(rows)


def limits_in(answer: httpx.Response) -> dict[str, str]:
    return {
        what: answer.headers[f"x-ratelimit-limit-{what}"]
        for what in RATES
        if f"x-ratelimit-limit-{what}" in answer.headers
    }


def test_keys_on_one_connection_are_told_their_own_limits_alone(wire: Wire, tmp_path: Path) -> None:
    with serving(with_keys(wire), tmp_path) as gateway, gateway.client(None) as client:
        told = {
            name: {str(limits_in(answered(client, name, stream=stream))) for stream in (False, True) for _ in range(2)}
            for name in (*KEYS, *KEYS)
        }
    assert told == {
        "both": {"{'requests': '60', 'tokens': '90000'}"},
        "requests": {"{'requests': '70'}"},
        "tokens": {"{'tokens': '80000'}"},
        "none": {"{}"},
    }


def answered(client: httpx.Client, key: str, *, stream: bool) -> httpx.Response:
    return client.post(
        CHAT, json=ASK | {"stream": stream}, headers={"Authorization": f"Bearer {key}"}
    ).raise_for_status()


def test_an_answer_has_the_headers_of_the_contract_once_each(wire: Wire, tmp_path: Path) -> None:
    with serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        whole, stream = client.post(CHAT, json=ASK), client.post(CHAT, json=ASK | {"stream": True})
    for answer, names in (
        (whole, OURS),
        (stream, (OURS - {"content-length"}) | {"cache-control", "x-accel-buffering", "transfer-encoding"}),
    ):
        assert sorted(name for name, _ in answer.headers.multi_items()) == sorted(names)
        assert re.fullmatch(r"req-[0-9a-z]{26}", answer.headers["x-request-id"])
        assert answer.headers["x-request-id"] == answer.headers["x-inferoute-request-id"]
        assert answer.headers["x-inferoute-latency-ms"].isdigit()


def test_an_id_of_the_caller_is_told_back_to_that_request_alone(wire: Wire, tmp_path: Path) -> None:
    with serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        mine = client.post(CHAT, json=ASK, headers={"X-Request-Id": "mine_1"})
        next_one = client.post(CHAT, json=ASK)
    assert mine.headers["x-request-id"] == "mine_1"
    assert next_one.headers["x-request-id"] == next_one.headers["x-inferoute-request-id"]


def test_after_a_reload_the_new_configuration_is_told_on_a_connection_that_stays(wire: Wire, tmp_path: Path) -> None:
    with serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        before = client.post(CHAT, json=ASK).headers["x-tokenhub-config"]
        (tmp_path / "tokenhub.yaml").write_text(a_config(wire.url, more="aliases: {other: gpt-4o}\n"))
        reloaded(gateway)
        after = [client.post(CHAT, json=body).headers["x-tokenhub-config"] for body in (ASK, ASK | {"model": "nope"})]
        running = gateway.gateway.live.current.digest[:12]
    assert before != running
    assert after == [running, running]


def test_an_answer_that_is_repeated_after_a_reload_tells_the_configuration_of_now(wire: Wire, tmp_path: Path) -> None:
    once = {"Idempotency-Key": "one"}
    with serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        first = client.post(CHAT, json=ASK, headers=once)
        (tmp_path / "tokenhub.yaml").write_text(a_config(wire.url, more="aliases: {other: gpt-4o}\n"))
        reloaded(gateway)
        again = client.post(CHAT, json=ASK, headers=once)
        running = gateway.gateway.live.current.digest[:12]
    names = [name for name, _ in again.headers.multi_items()]
    assert sorted(names) == sorted(OURS | {"idempotent-replayed"})
    assert again.headers["x-tokenhub-config"] == running != first.headers["x-tokenhub-config"]
    assert again.content == first.content


def reloaded(gateway: Serving) -> None:
    with gateway.client(ADMIN) as client:
        answer = client.post("/admin/v1/reload")
    assert answer.is_success, answer.text
