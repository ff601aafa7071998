"""What each vendor does wrong in its own words, through the running gateway: the same faults, the same outcome."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.world import ALONE, World, a_model, until
from tests.serving import digest_of, serving
from tests.vendors import VENDORS, Call, Vendor
from tests.vendors.vendor import Trouble
from tests.wire import Scripted, Wire

SPEAKERS = ("openai", "azure", "anthropic", "gemini", "vertex", "bedrock", "cohere")
APART: dict[str, Any] = {"pace_s": 0.02}
"""Each event travels alone, so that content is out before what comes next goes wrong."""


@dataclass
class Place:
    """A vendor that misbehaves, and a world with one that does not."""

    vendor: Vendor
    world: World

    def say(self, *said: Scripted) -> None:
        self.world.fresh()
        self.vendor.prepare(self.world.bad)
        self.world.bad.script(*said, always=True)

    def chat(self, *, alone: bool = False, stream: bool = False, **more: Any) -> Any:
        return self.world.chat("talker", stream=stream, headers=ALONE if alone else None, **more)

    @property
    def calls(self) -> int:
        return sum(seen.path != "/token" for seen in self.world.bad.requests)

    def error_rates(self) -> tuple[float, float]:
        """Of the offer and of its provider: whose health the fault counts against."""
        health = self.world.gateway.gateway.health
        offer, provider = health.offers["bad/talker"], health.providers.get("bad")
        return offer.error_rate, provider.error_rate if provider is not None else 0.0


@pytest.fixture(scope="module", params=SPEAKERS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    vendor = VENDORS[request.param]
    with Wire() as bad, Wire() as good:
        vendor.prepare(bad)
        config = dialect_config(vendor, bad.url, good.url)
        with serving(config, tmp_path_factory.mktemp("dialect"), env=vendor.env) as gateway, gateway.client() as client:
            yield Place(vendor, World(gateway, bad, good, client))


@pytest.fixture
def place(shared: Place) -> Place:
    shared.world.fresh()
    shared.vendor.prepare(shared.world.bad)
    return shared


def dialect_config(vendor: Vendor, bad: str, good: str) -> str:
    timeouts = "timeouts: {connect: 1s, first_byte: 500ms, idle: 300ms, total: 3s}"
    common = 'dialect: openai, api_key: "${env:OPENAI_API_KEY}", allow_private: true'
    lines = [
        "version: 1",
        "providers:",
        f"  bad: {vendor.provider(bad)[:-1]}, {timeouts}}}",
        f'  good: {{{common}, base_url: "{good}/v1"}}',
        "models:",
        a_model("talker", "bad", vendor.model),
        a_model("safe", "good", "gpt-safe", window=200_000, weight=1),
        "fallbacks: {talker: [safe]}",
        "routing: {retries: {backoff: 1ms}, health: {open_after: 1000, min_requests: 1000000}}",
        f"keys: [{{name: web-app, digest: '{digest_of()}'}}]",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Row:
    """What a kind of trouble comes to: calls to this vendor, the answer when nothing stands behind, whom it blames."""

    calls: int
    status: int
    code: str
    blame: str
    falls: bool = True


ROWS: dict[Trouble, Row] = {
    "rate": Row(1, 429, "provider_rate_limited", "offer"),
    "money": Row(1, 500, "upstream_billing", "provider"),
    "overloaded": Row(2, 500, "upstream_overloaded", "offer"),
    "down": Row(2, 500, "upstream_error", "offer"),
    "auth": Row(1, 500, "upstream_auth", "provider"),
    "model": Row(1, 500, "upstream_model_not_found", "offer"),
    "overflow": Row(1, 400, "context_length_exceeded", "nobody"),
    "filtered": Row(1, 400, "content_filter", "nobody", falls=False),
    "caller": Row(1, 400, "", "nobody", falls=False),
}
BY_STATUS_ALONE = {("openai", "overloaded"), ("azure", "overloaded"), ("cohere", "overloaded")}
"""Their 503 says no more than that it is one."""
UNKNOWN = {
    "gemini": {"filtered"},
    "vertex": {"filtered"},
    "bedrock": {"money", "filtered"},
    "cohere": {"filtered"},
}
"""Troubles that a vendor has no error for: an answer that it filters ends with a reason, and AWS sends a bill."""

troubles = pytest.mark.parametrize("trouble", ROWS)
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def row_of(vendor: Vendor, trouble: Trouble) -> Row | None:
    return None if trouble in UNKNOWN.get(vendor.name, ()) else ROWS[trouble]


@both
@troubles
def test_an_error_status_means_the_same_whoever_says_it(place: Place, trouble: Trouble, stream: bool) -> None:
    row = row_of(place.vendor, trouble)
    if row is None:
        return
    place.say(place.vendor.refuses(trouble))
    answer = place.chat(stream=stream)
    assert place.calls == row.calls
    assert blamed(place) == row.blame
    if row.falls:
        assert (answer.status, answer.provider, answer.content) == (200, "good", "Hello there!")
        assert answer.attempts == row.calls + 1
    else:
        assert (answer.status, place.world.good.requests) == (row.status, [])
    place.say(place.vendor.refuses(trouble))
    alone = place.chat(alone=True, stream=stream)
    expected = "upstream_error" if (place.vendor.name, trouble) in BY_STATUS_ALONE else row.code
    assert (alone.status, alone.code if row.code else "") == (row.status, expected)
    assert alone.json["provider"] == alone.error["provider"] == "bad"
    assert alone.error["type"] == {400: "invalid_request_error", 429: "rate_limit_error"}.get(
        row.status, "provider_error"
    )


def blamed(place: Place) -> str:
    offer, provider = place.error_rates()
    if provider > 0:
        return "provider"
    return "offer" if offer > 0 else "nobody"


def test_s10_s13_the_vendors_own_wish_when_to_come_back_reaches_the_caller_and_is_kept(place: Place) -> None:
    place.say(place.vendor.refuses("rate", 7))
    answer = place.chat(alone=True)
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    vitals = place.world.gateway.gateway.health.offers["bad/talker"]
    assert vitals.cooldown_until > 0
    assert place.chat().provider == "good"
    assert place.calls == 1, "who asks to be left alone is left alone"


@both
@pytest.mark.parametrize("trouble", ["overloaded", "rate", "overflow", "auth"])
def test_s19_an_error_inside_of_a_200_is_no_answer(place: Place, trouble: Trouble, stream: bool) -> None:
    said = place.vendor.error_in_200(trouble)
    if said is None:
        return
    place.say(said)
    answer = place.chat(stream=stream)
    assert (answer.status, answer.provider, answer.content) == (200, "good", "Hello there!")
    place.say(said)
    alone = place.chat(alone=True, stream=stream)
    assert alone.status == ROWS[trouble].status
    assert alone.error["provider"] == "bad"


GARBLED = {
    "B01-html": Scripted(headers={"Content-Type": "text/html"}, body=b"<!doctype html><h1>Welcome</h1>"),
    "B02-half": Scripted(headers={"Content-Type": "application/json"}, body=b'{"id": "x", "choi'),
    "B05-deep": Scripted(headers={"Content-Type": "application/json"}, body=b"[" * 50_000),
    "B06-nothing-in-it": Scripted(headers={"Content-Type": "application/json"}, body=b"{}"),
    "B06-null": Scripted(headers={"Content-Type": "application/json"}, body=b"null"),
}


@pytest.mark.parametrize("said", GARBLED.values(), ids=GARBLED)
def test_an_answer_that_nobody_can_read_goes_to_the_next(place: Place, said: Scripted) -> None:
    place.say(said)
    answer = place.chat()
    assert (answer.status, answer.provider, place.calls) == (200, "good", 1)
    place.say(said)
    alone = place.chat(alone=True)
    assert (alone.status, alone.code) == (500, "malformed_response")


# streams


def whole_stream(vendor: Vendor, *words: str, **more: Any) -> Scripted:
    return vendor.says_streamed(*(words or ("Hello", " there", "!")), **more)


def test_e10_a_stream_is_the_same_with_every_byte_alone(place: Place) -> None:
    place.say(whole_stream(place.vendor, "日本", "語", " 🎉", split=1))
    answer = place.chat(stream=True)
    assert (answer.provider, answer.content, answer.done) == ("bad", "日本語 🎉", True)
    record = place.world.record_of(answer)
    assert (record["input_tokens"], record["output_tokens"], record["usage_estimated"]) == (10, 5, False)


def test_e02_an_error_as_the_first_event_falls_back_unseen(place: Place) -> None:
    vendor = place.vendor
    for pieces in ([vendor.broken("overloaded")], [*vendor.head(), vendor.broken("overloaded")]):
        place.say(vendor.streamed(*pieces))
        answer = place.chat(stream=True)
        assert (answer.status, answer.provider, answer.content, answer.done) == (200, "good", "Hello there!", True)
        assert blamed(place) == "offer"
        place.say(vendor.streamed(*pieces))
        assert place.chat(stream=True, alone=True).status == 500


def after_content(place: Place, *pieces: bytes, **more: Any) -> Any:
    """The last frame of a stream that showed content and then broke, after checks that hold for all of them."""
    vendor = place.vendor
    said = vendor.streamed(*vendor.head(), *vendor.words("Hello", " there"), *pieces, **(APART | more))
    place.say(said)
    answer = place.chat(stream=True)
    assert (answer.status, answer.provider, answer.attempts, place.calls) == (200, "bad", 1, 1)
    assert answer.content == "Hello there"
    assert not answer.done
    assert place.world.good.requests == [], "what was shown is never taken back"
    error = answer.events[-1]["error"]
    assert (error["type"], error["provider"]) == ("provider_error", "bad")
    record = place.world.record_of(answer)
    assert (record["outcome"], record["error"]) == ("settled", error["code"])
    assert record["output_tokens"] > 0
    return error


def test_e03_an_error_after_content_ends_the_stream_with_it(place: Place) -> None:
    error = after_content(place, place.vendor.broken("overloaded"))
    assert error["code"] in ("upstream_overloaded", "upstream_error")
    assert blamed(place) == "offer"


def test_e04_an_end_without_a_finish_is_told(place: Place) -> None:
    assert after_content(place)["code"] == "upstream_incomplete"
    place.say(place.vendor.streamed(*place.vendor.head()))
    assert place.chat(stream=True).provider == "good"


def test_e08_a_stream_that_stalls_is_given_up(place: Place) -> None:
    vendor = place.vendor
    shown = [*vendor.head(), *vendor.words("Hello", " there")]
    error = after_content(place, *vendor.tail(), stall_after=len(shown))
    assert error["code"] == "upstream_stalled"


def test_e17_a_piece_that_nobody_can_read_is_located_or_at_least_told(place: Place) -> None:
    error = after_content(place, place.vendor.rubbish(), *place.vendor.tail())
    assert error["code"] == "malformed_response"
    if place.vendor.name == "bedrock":
        vendor = place.vendor
        at = sum(map(len, [*vendor.head(), *vendor.words("Hello", " there")]))
        assert f"byte {at} of the stream" in error["message"]
    place.say(place.vendor.streamed(place.vendor.rubbish()))
    assert place.chat(stream=True).provider == "good"


def test_e14_an_event_without_an_end_is_not_waited_for(place: Place) -> None:
    endless = b"\xff\xff\xff\xff" if place.vendor.name == "bedrock" else b"data: "
    place.say(place.vendor.streamed(endless + b"x" * 3_000_000))
    assert place.chat(stream=True).provider == "good"


def test_e04_a_reset_after_content_is_told(place: Place) -> None:
    error = after_content(place, framing="close", end="reset")
    assert error["code"] == "upstream_incomplete"


def test_e05_e06_an_end_that_is_clear_needs_no_last_word(place: Place) -> None:
    vendor = place.vendor
    said = [*vendor.head(), *vendor.words("Hello"), vendor.tail()[0]]
    place.say(vendor.streamed(*said))
    answer = place.chat(stream=True)
    assert (answer.provider, answer.content, answer.done, answer.code) == ("bad", "Hello", True, None)


def test_e07_bytes_behind_the_end_say_nothing(place: Place) -> None:
    vendor = place.vendor
    place.say(vendor.streamed(*vendor.head(), *vendor.words("Hello"), *vendor.tail(), vendor.rubbish()))
    answer = place.chat(stream=True)
    assert (answer.provider, answer.content, answer.done) == ("bad", "Hello", True)


def test_e16_a_whole_answer_where_a_stream_was_asked_for_is_told_as_one(place: Place) -> None:
    place.say(place.vendor.says("Hello there!"))
    answer = place.chat(stream=True)
    assert (answer.status, answer.provider, answer.content, answer.done) == (200, "bad", "Hello there!", True)


def test_e20_e22_calls_come_in_order_with_their_arguments_whole(place: Place) -> None:
    calls = (Call("call_a", "weather", {"city": "Köln", "note": 'a "b" \\ c'}), Call("call_b", "clock", {}))
    tools = [{"type": "function", "function": {"name": call.name, "parameters": {"type": "object"}}} for call in calls]
    place.say(place.vendor.calls_streamed(*calls).but(split=11))
    answer = place.chat(stream=True, tools=tools)
    told: dict[int, dict[str, str]] = {}
    for event in answer.events[:-1]:
        for choice in event["choices"]:
            for call in choice["delta"].get("tool_calls") or ():
                known = told.setdefault(call["index"], {"id": "", "name": "", "arguments": ""})
                known["id"] += call.get("id") or ""
                known["name"] += call["function"].get("name") or ""
                known["arguments"] += call["function"].get("arguments") or ""
    assert [told[index]["name"] for index in sorted(told)] == ["weather", "clock"]
    assert [json.loads(told[index]["arguments"]) for index in sorted(told)] == [call.arguments for call in calls]
    finishes = [choice["finish_reason"] for event in answer.events[:-1] for choice in event["choices"]]
    assert finishes[-1] == "tool_calls"


def test_e30_who_leaves_ends_the_call_to_the_vendor(place: Place) -> None:
    vendor = place.vendor
    place.say(vendor.streamed(*vendor.head(), *vendor.words(*["word "] * 200), *vendor.tail(), pace_s=0.02))
    body = {"model": "talker", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    with place.world.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        next(answer.iter_bytes())
    until(lambda: place.world.gateway.gateway.in_flight == 0)
    until(lambda: all(each.closed is not None for each in place.world.bad.connections if each.requests))
