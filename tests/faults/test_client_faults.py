"""What callers send by mistake or on purpose: a clean refusal, no provider contacted, nothing of theirs let through."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.faults.world import MESSAGES, Heard, World, heard, until
from tests.serving import KEY, Serving, a_config, digest_of, serving
from tests.wire import Wire, openai_chat, openai_error

CHAT = "/v1/chat/completions"
ASK = {"model": "safe", "messages": MESSAGES}


def deep(levels: int) -> bytes:
    return b'{"model": "safe", "messages": ' + b"[" * levels + b"]" * levels + b"}"


def raw(text: str) -> bytes:
    return text.encode()


def chat(**more: Any) -> bytes:
    return json.dumps(ASK | more).encode()


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in ASK.items() if key != name}).encode()


def image(url: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


BAD: dict[str, tuple[bytes, int, str, str | None]] = {
    "C01 nothing": (b"", 400, "invalid_json", None),
    "C02 cut off": (chat()[:-2], 400, "invalid_json", None),
    "C02 more than one": (chat() + b"{}", 400, "invalid_json", None),
    "C02 a list": (b"[]", 400, "invalid_json", None),
    "C02 a word": (b"hello", 400, "invalid_json", None),
    "C03 not UTF-8": (b'{"model": "\xff"}', 400, "invalid_json", None),
    "C03 UTF-16": (chat().decode().encode("utf-16"), 400, "invalid_json", None),
    "C03 with a BOM": (b"\xef\xbb\xbf" + chat(), 400, "invalid_json", None),
    "C04 too deep": (deep(70), 400, "json_too_deep", None),
    "C04 far too deep": (deep(100_000), 400, "json_too_deep", None),
    "C05 a long number": (raw('{"model": "safe", "messages": [], "n": ' + "9" * 5000 + "}"), 400, "invalid_json", None),
    "C05 beyond infinity": (raw('{"model": "safe", "temperature": 1e999}'), 400, "invalid_json", None),
    "C05 no number": (raw('{"model": "safe", "temperature": NaN}'), 400, "invalid_json", None),
    "C07 half a surrogate": (raw('{"model": "\\ud800"}'), 400, "invalid_json", None),
    "C09 text for messages": (chat(messages="hi"), 400, "invalid_type", "messages"),
    "C09 text for a flag": (chat(stream="true"), 400, "invalid_type", "stream"),
    "C09 a number for a model": (chat(model=7), 400, "invalid_type", "model"),
    "C12 no model": (without("model"), 400, "missing_field", "model"),
    "C13 unknown model": (chat(model="gpt-99"), 404, "model_not_found", "model"),
    "C15 no messages": (without("messages"), 400, "missing_field", "messages"),
    "C15 empty messages": (chat(messages=[]), 400, "missing_field", "messages"),
    "C16 unknown role": (chat(messages=[{"role": "king", "content": "x"}]), 400, "invalid_type", "messages[0].role"),
    "C16 no content": (chat(messages=[{"role": "user"}]), 400, "missing_field", "messages[0].content"),
    "C16 a part of no kind": (
        chat(messages=[{"role": "user", "content": [{"text": "x"}]}]),
        400, "invalid_type", "messages[0].content[0].type",
    ),
    "C18 none allowed": (chat(max_tokens=0), 422, "invalid_value", "max_tokens"),
    "C18 fewer than none": (chat(max_tokens=-5), 422, "invalid_value", "max_tokens"),
    "C18 astronomical": (chat(max_tokens=2**63), 422, "invalid_value", "max_tokens"),
    "C19 many choices": (chat(n=100_000), 422, "invalid_value", "n"),
    "C20 too hot": (chat(temperature=3), 422, "invalid_value", "temperature"),
    "C20 too sure": (chat(top_p=1.5), 422, "invalid_value", "top_p"),
    "C20 too penal": (chat(presence_penalty=-3), 422, "invalid_value", "presence_penalty"),
    "C43 a long user": (chat(user="u" * 1_000_000), 400, "too_long", "user"),
    "C43 long metadata": (chat(metadata={"a": "b" * 1_000_000}), 400, "too_long", "metadata"),
    **{
        f"C10 {name}": (chat(**{name: "http://127.0.0.1:9/steal"}), 400, "unknown_parameter", name)
        for name in ("api_base", "base_url", "api_key", "user_config", "extra_headers", "organization", "custom_host")
    },
}  # fmt: skip


@pytest.mark.parametrize("row", BAD.values(), ids=BAD)
def test_a_mistake_is_told_with_its_place_and_reaches_no_provider(
    world: World, row: tuple[bytes, int, str, str | None]
) -> None:
    sent, status, code, param = row
    answer = heard_raw(world, sent)
    assert (answer.status, answer.code, answer.error["param"]) == (status, code, param)
    assert answer.error["type"] in ("invalid_request_error", "not_found_error")
    assert answer.provider == "tokenhub"
    assert world.good.requests == world.bad.requests == []


def heard_raw(world: World, sent: bytes, path: str = CHAT, **headers: str) -> Heard:
    return heard(world.client.post(path, content=sent, headers=headers))


POLICY: dict[str, tuple[Any, int, str]] = {
    "C01": (b"", 400, "bad json"),
    "C15": ({"request": {"messages": []}}, 400, "messages required"),
    "C21": ({"request": {"messages": MESSAGES}, "policy": {"max_budget_usd": 101}}, 400,
            "max_budget_usd must be between 0 and 100"),
    "C23": ({"request": {"messages": MESSAGES, "model_hint": "*"}}, 502, "no eligible models"),
}  # fmt: skip


@pytest.mark.parametrize("row", POLICY.values(), ids=POLICY)
def test_the_policy_family_keeps_its_exact_words(world: World, row: tuple[Any, int, str]) -> None:
    sent, status, text = row
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    answer = heard_raw(world, body, "/v1/chat")
    assert (answer.status, answer.json["error"]) == (status, text)
    assert world.good.requests == world.bad.requests == []


SCHEMAS = {
    "no JSON": "{",
    "no schema": '{"type": "flying"}',
    "far too long": json.dumps({"enum": ["x" * 100_000]}),
    "a reference to elsewhere": '{"$ref": "http://127.0.0.1:9/schema"}',
    "a reference to a file": '{"$ref": "file:///etc/passwd"}',
    "a reference to itself": '{"$ref": "#"}',
    "too many patterns in one": '{"type": "string", "pattern": "(?=a)(a+)+$"}',
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_c24_a_hostile_schema_is_refused_before_anybody_is_called(world: World, schema: str) -> None:
    body = {"request": {"messages": MESSAGES}, "output_format": {"type": "json", "schema": schema}}
    answer = heard_raw(world, json.dumps(body).encode(), "/v1/chat")
    assert answer.status == 400
    assert world.good.requests == world.bad.requests == []


def test_c22_a_hint_of_the_inputs_length_never_lowers_our_estimate_and_has_to_be_sensible(world: World) -> None:
    for hint in (-1, 10**12):
        body = {"request": {"messages": MESSAGES, "estimated_input_tokens": hint}}
        assert heard_raw(world, json.dumps(body).encode(), "/v1/chat").status in (400, 502)
    assert world.good.requests == []


def test_c08_a_nul_travels_escaped(world: World) -> None:
    answer = heard_raw(world, chat(messages=[{"role": "user", "content": "a\0b"}], metadata={"k": "v\0"}))
    assert answer.status == 200
    assert world.good.requests[0].json["messages"][0]["content"] == "a\0b"
    assert world.record_of(answer)["status"] == 200


def test_c06_of_two_equal_fields_what_we_checked_is_what_is_sent(world: World) -> None:
    answer = heard_raw(world, b'{"model": "gpt-99", "messages": [{"role": "user", "content": "x"}], "model": "safe"}')
    assert answer.status == 200
    assert world.good.requests[0].body.count(b'"model"') == 1


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "file:///etc/passwd", "data:image/png;base64,AAAA"])
def test_c17_x01_a_picture_is_never_fetched_by_us(tmp_path: Path, url: str) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        answer = client.post(CHAT, json={"model": "gpt-4o", "messages": image(url)})
        assert answer.status_code == 200
        assert wire.requests[0].json["messages"] == image(url)


HOSTILE = {
    "up and out": "../../admin",
    "escaped": "..%2f..%2fadmin",
    "a second header": "gpt\r\nX-Evil: 1",
    "ten thousand letters": "g" * 10_000,
    "letters that look alike": "gрt-4о",
    "colours": "\x1b[31mred",
    "a line of a log": 'x", "level": "error", "message": "hacked',
    "backticks": "``` `x`",
    "a provider in front": "good/../bad/x",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["body", "path", "fallback", "hint"])
def test_c14_a_hostile_name_is_unknown_and_repeated_only_cut_and_escaped(world: World, name: str, place: str) -> None:
    if place == "body":
        answer = world.chat(name)
        assert (answer.status, answer.code) == (404, "model_not_found")
    elif place == "path":
        answer = heard(world.client.get("/v1/models/" + name.encode("unicode_escape").decode().replace("/", "%2F")))
        assert answer.status in (404, 431)
    elif place == "fallback":
        value = name.encode("utf-8").replace(b"\r\n", b" ").replace(b"\x1b", b"")
        answer = heard(world.client.post(CHAT, json=ASK, headers={b"X-Inferoute-Fallback": value}))  # type: ignore[dict-item]
        assert (answer.status, answer.error["param"]) == (422, "X-Inferoute-Fallback")
    else:
        world.bad.script(openai_chat(), always=True)
        assert world.policy(name).status == 200, "a hint is passed over"
        return
    assert "\r" not in answer.text
    assert "\x1b" not in answer.text
    assert len(answer.text) < 500
    assert answer.text.isascii()
    assert "x-evil" not in answer.headers
    metrics = world.client.get("/metrics").text
    assert name[:20] not in metrics


def test_x07_a_models_name_from_a_provider_is_safe_in_headers_and_records(world: World) -> None:
    world.bad.script(openai_chat(model="模型\r\nX-Evil: 1"))
    answer = world.chat("b06-empty-content")
    assert answer.status == 200
    assert "x-evil" not in answer.headers
    assert answer.json["model"].isascii()
    assert world.record_of(answer)["served"].isascii()


def test_x06_what_callers_write_makes_no_line_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "tokenhub"):
        world.chat("evil\nERROR pretend", headers={"X-Request-Id": "a b"})
        world.chat("safe", user="evil\nERROR pretend")
    assert "pretend" not in caplog.text


@pytest.mark.parametrize(
    ("sent", "echoed"), [("mine-1", True), ("a" * 65, False), ("a b", False), ("<script>", False), ("", False)]
)
def test_c40_a_callers_own_id_is_echoed_if_it_is_one(world: World, sent: str, echoed: bool) -> None:
    answer = world.chat("safe", headers={"X-Request-Id": sent})
    ours = answer.headers["x-inferoute-request-id"]
    assert answer.headers["x-request-id"] == (sent if echoed else ours)
    assert ours.startswith("req-")


def test_c25_a_strategy_is_one_of_four(world: World) -> None:
    answer = world.chat("safe", headers={"X-Inferoute-Strategy": "fastest"})
    assert (answer.status, answer.error["param"]) == (422, "X-Inferoute-Strategy")
    for name in ("cost", "latency", "availability", "round-robin"):
        assert name in answer.error["message"]


def test_c26_a_chain_is_short_known_and_free_of_repetition(world: World) -> None:
    assert world.chat("safe", headers={"X-Inferoute-Fallback": ",".join(f"m{n}" for n in range(1000))}).status == 422
    assert world.chat("safe", headers={"X-Inferoute-Fallback": "nobody"}).status == 422
    assert world.chat("safe", headers={"X-Inferoute-Fallback": "refused, refused ,, refused"}).status == 200


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with (
        Wire() as wire,
        serving(a_config(wire.url, more="server: {max_body: 1KiB}\n"), tmp_path_factory.mktemp("s")) as it,
    ):
        yield it


def test_c27_c28_a_body_beyond_the_limit_is_refused_however_it_is_sent(small: Serving) -> None:
    with small.client() as client:
        whole = client.post(CHAT, content=b"x" * 5000)
        assert (whole.status_code, whole.json()["error"]["code"]) == (413, "request_too_large")
        pieces = client.post(CHAT, content=(b"x" * 100 for _ in range(100_000)))
        assert pieces.status_code == 413
    with small.client() as client:
        assert client.post("/v1/chat", content=b"x" * 5000).json()["error"] == "request too large"


def test_c29_c30_bodies_are_plain_json_whatever_they_are_called(world: World) -> None:
    squeezed = heard_raw(world, gzip.compress(chat()), **{"Content-Encoding": "gzip"})
    assert (squeezed.status, squeezed.code) == (415, "unsupported_media_type")
    assert heard_raw(world, chat(), **{"Content-Type": "multipart/form-data; boundary=x"}).status == 415
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert heard_raw(world, chat(), **{"Content-Type": kind}).status == 200


def test_c42_thousands_of_thoughts_are_taken_out_in_a_straight_line(world: World) -> None:
    world.bad.script(openai_chat("<think>" * 16_000 + "x"))
    answer = world.policy("b06-empty-content", output_format={"type": "text", "strip_think": True})
    assert answer.status == 200
    assert world.chat("safe", messages=[{"role": "user", "content": "<think>" * 16_000}]).status == 200


EMBEDDINGS: dict[str, tuple[Any, int]] = {
    "nothing": ("", 400),
    "an empty list": ([], 400),
    "too many": (["x"] * 2049, 400),
    "mixed": (["x", 1], 400),
    "tokens": ([1, 2, 3], 200),
    "lists of tokens": ([[1, 2], [3]], 200),
    "texts": (["a", "b"], 200),
}


@pytest.mark.parametrize("row", EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_c45_what_is_embedded_is_checked_item_by_item(world: World, row: tuple[Any, int]) -> None:
    given, status = row
    answer = heard_raw(world, json.dumps({"model": "safe", "input": given}).encode(), "/v1/embeddings")
    assert answer.status == status, answer.text
    if status == 400:
        assert answer.error["param"].startswith("input")


def test_c46_embeddings_are_not_streamed(world: World) -> None:
    body = json.dumps({"model": "safe", "input": "x", "stream": True}).encode()
    assert heard_raw(world, body, "/v1/embeddings").status == 400


# the same request twice


def test_c44_a_request_sent_again_under_its_key_is_answered_from_memory(world: World) -> None:
    for path, body in ((CHAT, ASK), ("/v1/chat", {"request": {"messages": MESSAGES}})):
        world.fresh()
        world.bad.script(openai_chat(), always=True)
        sent = json.dumps(body).encode()
        first = heard_raw(world, sent, path, **{"Idempotency-Key": f"order-1{path}"})
        again = heard_raw(world, sent, path, **{"Idempotency-Key": f"order-1{path}"})
        assert (again.status, again.text) == (first.status, first.text) == (200, first.text)
        assert len(world.good.requests) + len(world.bad.requests) == 1
        assert again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" not in first.headers
        assert again.ulid != first.ulid
        assert again.provider == first.provider
        other = heard_raw(
            world, json.dumps(body | {"user": "x"}).encode(), path, **{"Idempotency-Key": f"order-1{path}"}
        )
        assert (other.status, other.code) == (400 if path == "/v1/chat" else 422, "idempotency_mismatch")


def test_c44_while_the_first_is_running_the_second_is_told_so_and_a_failed_one_may_be_sent_again(world: World) -> None:
    gate = world.good.gate()
    world.good.script(openai_error(500, gate=gate), openai_error(500))
    with world.gateway.client() as other:
        running = in_background(lambda: other.post(CHAT, json=ASK, headers={"Idempotency-Key": "k"}).status_code)
        gate.wait_reached()
        second = heard_raw(
            world, json.dumps(ASK).encode().replace(b": ", b":").replace(b", ", b","), **{"Idempotency-Key": "k"}
        )
        assert (second.status, second.code) == (409, "idempotency_in_progress")
        gate.open()
        assert running() == 500
        assert other.post(CHAT, json=ASK, headers={"Idempotency-Key": "k"}).status_code == 200


def in_background(work: Any) -> Any:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future.result


def test_c44_streams_are_not_repeated_and_other_accounts_never_hit_the_key(tmp_path: Path) -> None:
    other_key = f"  - {{name: other, digest: '{digest_of('th-CANARY-other')}'}}\n"
    with Wire() as wire, serving(a_config(wire.url) + other_key, tmp_path) as gateway:
        body = {"model": "gpt-4o", "messages": MESSAGES}
        headers = {"Idempotency-Key": "same"}
        for key in (KEY, "th-CANARY-other"):
            with gateway.client(key) as client:
                assert "idempotent-replayed" not in client.post(CHAT, json=body, headers=headers).headers
        with gateway.client() as client:
            for _ in range(2):
                assert client.post(CHAT, json=body | {"stream": True}, headers={"Idempotency-Key": "s"}).is_success
        assert len(wire.requests) == 4


def test_w11_where_replicas_have_memories_of_their_own_a_key_is_refused(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        live = gateway.gateway.live
        current = live.current
        gateway.call(live.swap, replace(current, server=replace(current.server, replicas=2)))
        answer = client.post(CHAT, json={"model": "gpt-4o", "messages": MESSAGES}, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "idempotency_unavailable")


# who is calling


def test_c41_only_a_proxy_of_ours_is_believed_about_who_calls(tmp_path: Path) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    for trusted, expected in (("[]", "127.0.0.1"), ("[127.0.0.0/8]", "203.0.113.9")):
        folder = tmp_path / expected
        folder.mkdir()
        config = a_config("http://127.0.0.1:9", more=f"server: {{trusted_proxies: {trusted}}}\n")
        with serving(config, folder) as gateway, gateway.client("CANARY-admin-token") as admin:
            assert admin.post("/admin/v1/providers/p1/disable", headers=forged).is_success
            rows = until(lambda: admin.get("/admin/v1/audit").json()["data"])
            assert rows[0]["where"] == expected


def test_a07_unknown_keys_are_slowed_down_by_where_they_come_from_and_known_ones_never(tmp_path: Path) -> None:
    config = a_config("URL", more="server: {trusted_proxies: [127.0.0.1]}\n")
    with Wire() as wire, serving(config.replace("URL", wire.url), tmp_path) as gateway:
        with gateway.client("th-CANARY-nobody") as stranger, gateway.client() as friend:
            here = {"X-Forwarded-For": "203.0.113.9"}
            body = {"model": "gpt-4o", "messages": MESSAGES}
            statuses = [stranger.get("/v1/models", headers=here).status_code for _ in range(310)]
            assert statuses == [401] * 300 + [429] * 10
            slowed = stranger.post(CHAT, json=body, headers=here)
            assert (slowed.status_code, slowed.json()["error"]["code"]) == (429, "too_many_unknown_keys")
            assert int(slowed.headers["retry-after"]) >= 1
            assert stranger.get("/admin/v1/status", headers=here).status_code == 429
            assert stranger.post("/v1/chat", json={}, headers=here).json()["error"] == "rate limit exceeded"
            assert friend.post(CHAT, json=body, headers=here).status_code == 200
            assert stranger.get("/v1/models", headers={"X-Forwarded-For": "203.0.113.10"}).status_code == 401
