"""When everything is failing, slow or full: the answer comes at once, says why, and says when to come back."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import ALONE, MESSAGES, Heard, World, heard, slug, until
from tests.serving import Serving, a_config, digest_of, serving
from tests.wire import HOLE, Scripted, Wire, openai_chat, openai_error, openai_stream

ASK = {"model": "gpt-4o", "messages": MESSAGES}


def chat(gateway: Serving, **more: Any) -> Heard:
    headers = more.pop("headers", None)
    with gateway.client() as client:
        return heard(client.post("/v1/chat/completions", json=ASK | more, headers=headers))


def limited(seconds: int) -> Scripted:
    return openai_error(429, headers={"Retry-After": str(seconds)})


def policy_call(gateway: Serving, *, stream: bool = False, **policy: Any) -> Heard:
    body = {"request": {"messages": MESSAGES, "stream": stream}, "policy": policy}
    with gateway.client() as client:
        return heard(client.post("/v1/chat", json=body))


# what the caller hears when several failed in several ways

LIMIT, SLOW, DOWN, WRONG = limited(9), HOLE, openai_error(500), openai_error(400, "invalid_value", "no")
MIXTURES: dict[str, tuple[Scripted, Scripted, int, str]] = {
    "the caller's mistake wins": (LIMIT, WRONG, 400, "invalid_value"),
    "all rate limited": (LIMIT, limited(4), 429, "provider_rate_limited"),
    "all too slow": (SLOW, SLOW, 503, "deadline_exceeded"),
    "rate limited and down": (LIMIT, DOWN, 503, "all_providers_failed"),
    "slow and rate limited": (SLOW, LIMIT, 503, "all_providers_failed"),
    "all down": (DOWN, DOWN, 503, "all_providers_failed"),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Wire, Wire]]:
    """One model at two providers with little patience."""
    with Wire() as one, Wire() as two:
        config = a_config(one.url, two.url, provider="timeouts: {first_byte: 150ms, idle: 150ms}")
        with serving(config, tmp_path_factory.mktemp("pair")) as gateway:
            yield gateway, one, two


def forget(gateway: Serving) -> None:
    inside = gateway.gateway
    gateway.call(inside.health.adopt, inside.live.current.routing.health, ())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("row", MIXTURES.values(), ids=MIXTURES)
def test_s22_of_several_failures_the_most_telling_one_is_told(
    pair: tuple[Serving, Wire, Wire], row: tuple[Scripted, Scripted, int, str], stream: bool
) -> None:
    gateway, one, two = pair
    first, second, status, code = row
    forget(gateway)
    one.forget(), two.forget()
    one.script(first, always=True)
    two.script(second, always=True)
    answer = chat(gateway, stream=stream)
    assert (answer.status, answer.code) == (status, code)
    if status == 503:
        attempts = answer.error["attempts"]
        assert {attempt["provider"] for attempt in attempts} == {"p1", "p2"}
        assert all(set(attempt) == {"provider", "model", "class", "code", "status"} for attempt in attempts)
        assert answer.headers["x-should-retry"] == "false"


def test_s21_when_all_candidates_are_rate_limited_the_smallest_wait_is_told(pair: tuple[Serving, Wire, Wire]) -> None:
    gateway, one, two = pair
    forget(gateway)
    one.forget(), two.forget()
    one.script(limited(9), always=True)
    two.script(limited(4), always=True)
    first = chat(gateway)
    assert (first.status, first.code, first.headers["retry-after"]) == (429, "provider_rate_limited", "4")
    calls = len(one.requests) + len(two.requests)
    answers = [chat(gateway) for _ in range(3)]
    answer = answers[-1]
    assert (answer.status, answer.code) == (429, "provider_rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 4
    assert len(one.requests) + len(two.requests) <= calls + 2, (
        "but for one trial, those who asked to wait are left alone"
    )


def test_s04_when_our_keys_are_refused_everywhere_nobody_hears_of_rate_limits(pair: tuple[Serving, Wire, Wire]) -> None:
    gateway, one, two = pair
    forget(gateway)
    for wire in (one, two):
        wire.forget()
        wire.script(openai_error(401, "invalid_api_key"), always=True)
    answers = [chat(gateway) for _ in range(4)]
    assert {answer.status for answer in answers} == {503}


# deadlines


def test_t05_t06_the_deadline_of_a_policy_ends_the_whole_call(pair: tuple[Serving, Wire, Wire]) -> None:
    gateway, one, two = pair
    forget(gateway)
    one.forget(), two.forget()
    one.script(HOLE, always=True)
    two.script(HOLE, always=True)
    began = time.monotonic()
    answer = policy_call(gateway, max_latency_ms=100)
    assert (answer.status, answer.code) == (502, "deadline_exceeded")
    assert time.monotonic() - began < 1.5
    assert [attempt["provider"] for attempt in answer.json["attempts"]] == ["p1"]


@pytest.mark.parametrize("pings", [False, True], ids=["silence", "pings"])
def test_t03_a_policys_deadline_holds_for_the_first_content_of_a_stream_and_not_for_the_rest(
    pair: tuple[Serving, Wire, Wire], pings: bool
) -> None:
    gateway, one, two = pair
    forget(gateway)
    one.forget(), two.forget()
    late = openai_stream(["Hello"] * 5, pace_s=0.08)
    one.script(late, always=True)
    answer = policy_call(gateway, stream=True, max_latency_ms=300)
    assert answer.content == "Hello" * 5, "the stream took longer than the deadline and was not cut"
    one.forget()
    one.script(Scripted(parts=(b": ping\n\n",) * 40, framing="chunked", pace_s=0.05) if pings else HOLE, always=True)
    two.script(HOLE, always=True)
    answer = policy_call(gateway, stream=True, max_latency_ms=140)
    assert (answer.status, answer.code) == (502, "deadline_exceeded")


def test_t07_no_pause_reaches_past_the_deadline(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url).replace("backoff: 1ms", "backoff: 5s"), tmp_path) as gateway:
        wire.script(openai_error(500), always=True)
        began = time.monotonic()
        answer = policy_call(gateway, max_latency_ms=1000)
        assert (answer.status, answer.code) == (502, "deadline_exceeded")
        assert time.monotonic() - began < 0.9
        assert len(wire.requests) == 1


def test_t10_timeouts_of_each_phase_come_from_the_files(world: World) -> None:
    answer = world.chat(slug("T02-never-answers"), headers=ALONE)
    assert (answer.status, answer.code) == (500, "upstream_timeout")


# all circuits open, and back


def test_u20_with_all_circuits_open_the_answer_is_immediate_and_one_trial_an_interval_goes_out(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        wire.script(openai_error(500), always=True)

        def call() -> Heard:
            return heard(client.post("/v1/chat/completions", json=ASK))

        while call().code != "no_healthy_provider":
            assert len(wire.requests) < 30
        calls = len(wire.requests)
        answers = [call() for _ in range(20)]
        assert {(answer.status, answer.code) for answer in answers} == {(503, "no_healthy_provider")}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        assert all(int(answer.headers["x-inferoute-latency-ms"]) <= 20 for answer in answers)
        assert len(wire.requests) == calls, "nobody was called"


def test_n19_n17_with_one_healthy_provider_left_no_caller_sees_an_error(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config("http://127.0.0.1:9", wire.url), tmp_path) as gateway:
        with gateway.client() as client:
            for number in range(60):
                answer = heard(client.post("/v1/chat/completions", json=ASK | {"stream": number % 2 == 1}))
                assert (answer.status, answer.provider) == (200, "p2")
            assert answer.attempts == 1, "the dead one is out of the way by now"


def test_n21_o07_at_full_failure_retries_stay_within_their_budget(tmp_path: Path) -> None:
    with Wire() as wire:
        config = a_config(wire.url).replace(
            "backoff: 1ms}", "backoff: 1ms}, health: {open_after: 1000, min_requests: 1000000}"
        )
        with serving(config, tmp_path) as gateway, gateway.client() as client:
            wire.script(openai_error(500), always=True)
            began = time.monotonic()
            for _ in range(300):
                assert client.post("/v1/chat/completions", json=ASK).status_code == 500
            seconds = time.monotonic() - began
            assert len(wire.requests) <= 300 * 1.1 + 3 * (seconds + 1) + 1


# too much at once


def many(count: int, work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_o01_beyond_the_cap_requests_are_shed_and_probes_and_admins_are_not(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url, more="server: {max_in_flight: 3}\n"), tmp_path) as gateway:
        gate = wire.gate()
        wire.script(openai_chat(gate=gate), always=True)
        with ThreadPoolExecutor(3) as pool, gateway.client() as client:
            running = [pool.submit(chat, gateway) for _ in range(3)]
            gate.wait_reached(3)
            shed = heard(client.post("/v1/chat/completions", json=ASK))
            assert (shed.status, shed.code, shed.error["type"]) == (503, "overloaded", "overloaded_error")
            assert 1 <= int(shed.headers["retry-after"]) <= 3
            for path in ("/healthz", "/readyz", "/metrics", "/v1/models"):
                assert client.get(path).status_code == 200
            assert client.get("/admin/v1/status", headers={"Authorization": "Bearer CANARY-admin-token"}).is_success
            gate.open()
            assert [future.result().status for future in running] == [200] * 3
        until(lambda: gateway.gateway.in_flight == gateway.gateway.uploading == 0)


def test_o01_a_body_that_is_on_its_way_counts(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url, more="server: {max_in_flight: 1}\n"), tmp_path) as gateway:
        sent = threading.Event()

        def body() -> Iterator[bytes]:
            yield b"{"
            sent.wait(10)
            yield b'"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}'

        with ThreadPoolExecutor(1) as pool, gateway.client() as client:
            slow = pool.submit(lambda: client.post("/v1/chat/completions", content=body()).status_code)
            until(lambda: gateway.gateway.uploading == 1)
            assert chat(gateway).code == "overloaded"
            sent.set()
            assert slow.result() == 200


def test_o05_a_noisy_key_meets_its_own_limit_and_no_one_elses(tmp_path: Path) -> None:
    quiet = f"  - {{name: quiet, digest: '{digest_of('th-CANARY-quiet')}'}}\n"
    config = a_config("URL", key="limits: {concurrency: 2}")
    with Wire() as wire, serving(config.replace("URL", wire.url) + quiet, tmp_path) as gateway:
        gate = wire.gate()
        wire.script(openai_chat(gate=gate), openai_chat(gate=gate))
        with ThreadPoolExecutor(2) as pool, gateway.client("th-CANARY-quiet") as other:
            held = [pool.submit(chat, gateway) for _ in range(2)]
            gate.wait_reached(2)
            refused = chat(gateway)
            assert (refused.status, refused.code) == (429, "concurrency")
            assert other.post("/v1/chat/completions", json=ASK).status_code == 200
            gate.open()
            assert [future.result().status for future in held] == [200, 200]


def test_o06_u11_a_slow_provider_fills_its_own_places_only(tmp_path: Path) -> None:
    provider = "max_concurrency: 2, timeouts: {connect: 200ms}"
    with (
        Wire() as slow,
        Wire() as quick,
        serving(a_config(slow.url, quick.url, provider=provider), tmp_path) as gateway,
    ):
        gate = slow.gate()
        slow.script(openai_chat(gate=gate), always=True)
        with ThreadPoolExecutor(2) as pool:
            held = [pool.submit(chat, gateway) for _ in range(2)]
            gate.wait_reached(2)
            answer = chat(gateway)
            assert (answer.status, answer.provider) == (200, "p2")
            alone = chat(gateway, model="p1/gpt-4o", headers=ALONE)
            assert (alone.status, alone.code, alone.error["type"]) == (503, "pool_exhausted", "overloaded_error")
            vitals = gateway.gateway.health.offers["p1/gpt-4o"]
            assert vitals.error_rate == 0, "that was no fault of theirs"
            gate.open()
            assert [future.result().status for future in held] == [200, 200]


def test_p12_providers_that_are_down_at_the_start_keep_nobody_from_being_ready(tmp_path: Path) -> None:
    with serving(a_config("http://127.0.0.1:9"), tmp_path) as gateway, gateway.client() as client:
        assert client.get("/readyz").status_code == 200
