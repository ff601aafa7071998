"""What providers do wrong before an answer begins: invisible behind a fallback, told cleanly without one."""

from dataclasses import dataclass

import pytest

from tests.faults.world import ALONE, World, slug


@dataclass(frozen=True)
class Falls:
    """The next candidate is asked after so many calls; alone, the caller hears 500 and this code."""

    calls: int
    code: str
    status: int = 500
    stream_code: str = ""
    stream_calls: int | None = None
    retry_after: str | None = None


@dataclass(frozen=True)
class Ends:
    """The caller's own mistake: told at once, with a fallback or without."""

    status: int
    code: str


ONCE_MORE = 2
"""Calls, where the same offer is tried again inside the retry budget."""

FALLS = {
    "U08-reset-after-request": Falls(ONCE_MORE, "connection_reset"),
    "U08-close-after-request": Falls(ONCE_MORE, "connection_reset"),
    "U08-reset-inside-head": Falls(ONCE_MORE, "connection_reset"),
    "U09-close-mid-body": Falls(ONCE_MORE, "upstream_incomplete"),
    "U09-reset-mid-body": Falls(ONCE_MORE, "upstream_incomplete"),
    "U09-close-mid-chunked": Falls(ONCE_MORE, "upstream_incomplete"),
    "U14-redirect": Falls(1, "unexpected_redirect"),
    "U14-redirect-permanent": Falls(1, "unexpected_redirect"),
    "T02-never-answers": Falls(1, "upstream_timeout"),
    "T02-never-ends-its-head": Falls(1, "upstream_timeout"),
    "S04-unauthorized": Falls(1, "upstream_auth"),
    "S04-forbidden": Falls(1, "upstream_auth"),
    "S05-billing": Falls(1, "upstream_billing"),
    "S06-model-gone": Falls(1, "upstream_model_not_found"),
    "S08-request-timeout": Falls(ONCE_MORE, "upstream_timeout"),
    "S09-conflict": Falls(ONCE_MORE, "upstream_error"),
    "S10-rate-limited": Falls(1, "provider_rate_limited", 429, retry_after="7"),
    "S11-no-money": Falls(1, "upstream_billing"),
    "S12-slow-down": Falls(1, "provider_rate_limited", 429, retry_after="1"),
    "S13-retry-after-Wed": Falls(1, "provider_rate_limited", 429, retry_after="1"),
    "S13-retry-after--3": Falls(1, "provider_rate_limited", 429, retry_after="1"),
    "S13-retry-after-1e9": Falls(1, "provider_rate_limited", 429, retry_after="60"),
    "S13-retry-after-NaN": Falls(1, "provider_rate_limited", 429, retry_after="1"),
    "S13-retry-after-inf": Falls(1, "provider_rate_limited", 429, retry_after="1"),
    "S13-retry-after-soon": Falls(1, "provider_rate_limited", 429, retry_after="1"),
    "S14-server-error": Falls(ONCE_MORE, "upstream_error"),
    "S15-502-html": Falls(ONCE_MORE, "upstream_error"),
    "S15-503-html": Falls(ONCE_MORE, "upstream_error"),
    "S15-504-html": Falls(ONCE_MORE, "upstream_timeout"),
    "S15-520-html": Falls(ONCE_MORE, "upstream_error"),
    "S15-526-html": Falls(ONCE_MORE, "upstream_error"),
    "S16-overloaded": Falls(ONCE_MORE, "upstream_overloaded"),
    "S16-server-is-overloaded": Falls(ONCE_MORE, "upstream_overloaded"),
    "S18-no-content": Falls(1, "malformed_response", stream_code="upstream_incomplete", stream_calls=ONCE_MORE),
    "S18-reset-content": Falls(1, "malformed_response", stream_code="upstream_incomplete", stream_calls=ONCE_MORE),
    "S18-empty": Falls(1, "malformed_response"),
    "S19-error-in-200": Falls(ONCE_MORE, "upstream_error"),
    "S20-status-0": Falls(1, "malformed_response"),
    "S20-status-600": Falls(1, "malformed_response"),
    "S20-status-999": Falls(1, "malformed_response"),
    "S24-html-error": Falls(ONCE_MORE, "upstream_error"),
    "S24-binary-error": Falls(ONCE_MORE, "upstream_error"),
    "S24-huge-error": Falls(ONCE_MORE, "upstream_error"),
    "B01-html": Falls(1, "malformed_response", stream_code="upstream_incomplete", stream_calls=ONCE_MORE),
    "B02-truncated-json": Falls(1, "malformed_response"),
    "B02-bad-utf8": Falls(1, "malformed_response"),
    "B02-shorter-than-said": Falls(ONCE_MORE, "upstream_incomplete"),
    "B03-bad-gzip": Falls(1, "bad_encoding"),
    "B03-cut-gzip": Falls(ONCE_MORE, "upstream_incomplete"),
    "B03-gzip-bomb": Falls(1, "response_too_large", stream_code="event_too_large"),
    "B05-deep-json": Falls(1, "malformed_response", stream_code="upstream_incomplete", stream_calls=ONCE_MORE),
    "B06-no-choices": Falls(1, "malformed_response"),
    "refused": Falls(0, "connect_refused"),
    "nowhere": Falls(0, "dns_error"),
}
"""U01 and U03 are the last two: nobody is there to be called."""

ENDS = {
    "S01-bad-request": Ends(400, "invalid_value"),
    "S03-content-policy": Ends(400, "content_filter"),
    "S07-unprocessable": Ends(422, "invalid_request"),
    "S19-vllm-error": Ends(400, "invalid_request"),
}

SERVES = (
    "S17-continue-first", "S17-early-hints", "B06-empty-content", "B07-no-usage", "B08-negative-usage",
    "B08-text-usage", "B08-absurd-usage", "B10-other-model", "B11-no-id", "B12-unknown-fields", "B15-set-cookie",
)  # fmt: skip

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both
@pytest.mark.parametrize(("name", "row"), FALLS.items(), ids=FALLS)
def test_a_fault_before_the_answer_is_invisible_behind_a_fallback(
    world: World, name: str, row: Falls, stream: bool
) -> None:
    answer = world.chat(slug(name), stream=stream)
    calls = row.stream_calls if stream and row.stream_calls is not None else row.calls
    assert (answer.status, answer.provider) == (200, "good")
    assert answer.content == "Hello there!"
    assert len(world.bad.requests) == calls
    assert answer.attempts == max(calls, 1) + 1 <= 3
    assert answer.done is stream


@pytest.mark.parametrize(("name", "row"), FALLS.items(), ids=FALLS)
def test_a_fault_with_nothing_behind_it_names_the_provider_and_nothing_of_its_inside(
    world: World, name: str, row: Falls
) -> None:
    answer = world.chat(slug(name), headers=ALONE)
    provider = name if name in ("refused", "nowhere") else "bad"
    assert (answer.status, answer.code) == (row.status, row.code)
    assert answer.json["provider"] == answer.error["provider"] == answer.provider == provider
    assert answer.error["type"] == ("rate_limit_error" if row.status == 429 else "provider_error")
    assert answer.headers.get("retry-after") == row.retry_after
    assert len(answer.error["message"]) <= 300


@pytest.mark.parametrize(
    ("name", "row"), [(name, row) for name, row in FALLS.items() if row.stream_code], ids=lambda it: str(it)[:24]
)
def test_a_fault_that_looks_otherwise_as_a_stream_is_told_as_that(world: World, name: str, row: Falls) -> None:
    answer = world.chat(slug(name), stream=True, headers=ALONE)
    assert (answer.status, answer.code) == (500, row.stream_code)


@both
@pytest.mark.parametrize(("name", "row"), ENDS.items(), ids=ENDS)
def test_the_callers_own_mistake_ends_it_and_hurts_nobody(world: World, name: str, row: Ends, stream: bool) -> None:
    answer = world.chat(slug(name), stream=stream)
    assert (answer.status, answer.code) == (row.status, row.code)
    assert answer.error["type"] == "invalid_request_error"
    assert len(world.bad.requests) == 1
    assert world.good.requests == []
    vitals = world.gateway.gateway.health.offers[f"bad/{slug(name)}"]
    assert vitals.error_rate == 0


@both
@pytest.mark.parametrize("name", ["S02-context-length", "S02-too-large"])
def test_an_input_that_is_too_long_goes_to_a_larger_window_only(world: World, name: str, stream: bool) -> None:
    answer = world.chat(slug(name), stream=stream)
    assert (answer.status, answer.provider) == (200, "good")
    assert answer.headers["x-tokenhub-reason"] == "escalated-context-overflow"
    alone = world.chat(slug(name), stream=stream, headers=ALONE)
    assert (alone.status, alone.code) == (400, "context_length_exceeded")


@both
@pytest.mark.parametrize("name", SERVES)
def test_oddities_that_are_no_faults_are_served_at_once(world: World, name: str, stream: bool) -> None:
    answer = world.chat(slug(name), stream=stream)
    assert (answer.status, answer.provider, answer.attempts) == (200, "bad", 1)
    first = answer.events[0] if stream else answer.json
    assert first["id"].startswith("chatcmpl-th-")
    assert first["model"].startswith("bad/")
    if not stream:
        assert answer.json["usage"]["total_tokens"] >= 0
        assert answer.json["usage"]["prompt_tokens"] >= 0


@pytest.mark.parametrize("name", [name for name in SERVES if name.startswith(("B07", "B08"))])
def test_b07_b08_usage_that_is_missing_or_cannot_be_true_is_estimated_and_flagged(world: World, name: str) -> None:
    answer = world.chat(slug(name))
    assert 0 < answer.json["usage"]["total_tokens"] < 1000
    record = world.record_of(answer)
    assert record["usage_estimated"] is True
    assert record["output_tokens"] > 0


def test_b12_b15_unknown_fields_are_kept_and_the_providers_own_headers_are_not(world: World) -> None:
    assert world.chat(slug("B12-unknown-fields")).json["brand_new"] == {"a": [1, 2]}
    headers = world.chat(slug("B15-set-cookie")).headers
    assert not {"set-cookie", "openai-organization", "server"} & set(headers)


def test_b03_compressed_answers_are_read(world: World) -> None:
    for name in ("B03-gzip", "B03-deflate"):
        assert world.chat(slug(name)).content == "Hello there!"


def test_u14_the_key_never_travels_with_a_redirect(world: World) -> None:
    world.chat(slug("U14-redirect-permanent"), headers=ALONE)
    assert [seen.path for seen in world.bad.requests] == ["/v1/chat/completions"]


def test_u13_environment_proxies_are_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert world.chat("safe").status == 200


def test_u07_an_idle_connection_that_was_closed_costs_no_attempt(world: World) -> None:
    assert world.chat("safe").status == 200
    world.good.drop_all()
    world.good.wait_all_closed()
    answer = world.chat("safe")
    assert (answer.status, answer.attempts) == (200, 1)


def test_u08_u09_a_request_whose_answer_was_lost_is_marked_as_possibly_billed(world: World) -> None:
    for name, lost in (("U08-reset-after-request", True), ("U09-close-mid-body", True), ("refused", False)):
        assert world.record_of(world.chat(slug(name), headers=ALONE))["possibly_billed"] is lost


def test_s23_a_key_in_the_providers_own_words_is_not_repeated(world: World) -> None:
    answer = world.chat(slug("S04-unauthorized"), headers=ALONE)
    assert "sk-" not in answer.text


def test_s25_callers_who_are_wrong_all_the_time_open_no_circuit(world: World) -> None:
    for _ in range(30):
        world.chat(slug("S01-bad-request"))
    vitals = world.gateway.gateway.health.offers["bad/" + slug("S01-bad-request")]
    assert (vitals.open_until, vitals.error_rate) == (0.0, 0.0)


def test_s26_our_own_retries_are_not_multiplied_by_the_clients(world: World) -> None:
    assert world.chat(slug("S14-server-error"), headers=ALONE).headers["x-should-retry"] == "false"
    assert "x-should-retry" not in world.chat(slug("S10-rate-limited"), headers=ALONE).headers


def test_g4_each_admitted_request_leaves_one_record_and_nothing_in_flight(world: World) -> None:
    for name in ("S14-server-error", "U08-reset-after-request", "B01-html", "S01-bad-request", "B06-empty-content"):
        for stream in (False, True):
            answer = world.chat(slug(name), stream=stream, headers=ALONE)
            record = world.record_of(answer)
            assert (record["status"], record["outcome"]) == (
                answer.status,
                "settled" if answer.status == 200 else "released",
            )
    assert world.gateway.gateway.in_flight == 0


def test_u21_our_request_id_goes_along_to_the_provider(world: World) -> None:
    answer = world.chat("safe", headers={"X-Request-Id": "the-callers-own"})
    assert world.good.requests[0].header("x-request-id") == answer.headers["x-inferoute-request-id"]


def test_b10_another_model_in_the_answer_is_told_and_recorded(world: World) -> None:
    answer = world.chat(slug("B10-other-model"))
    assert answer.json["model"] == "bad/another-model"
    assert answer.headers["x-tokenhub-model"] == "bad/" + slug("B10-other-model")
    assert world.record_of(answer)["served"] == "bad/another-model"
