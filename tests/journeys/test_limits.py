"""What a key may use: told on every answer, held exactly, known again after a reload and after a restart."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.flow.upkeep import forget_old
from gateway.state.ledger.segment import Position
from tests.serving import KEY, Serving, a_config, digest_of, serving
from tests.wire import Wire, json_reply, openai_chat

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "Hello!"}]
ASK: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}
DOLLAR = {"prompt_tokens": 500_000, "completion_tokens": 500_000, "total_tokens": 1_000_000}
"""At one dollar a million tokens, one dollar."""
OTHER = "th-CANARY-other"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as one:
        yield one


def limited(wire: Wire, limits: str, **more: Any) -> str:
    return a_config(wire.url, key=f"limits: {{{limits}}}", **more)


def code(answer: httpx.Response) -> str:
    return "ok" if answer.is_success else str(answer.json()["error"]["code"])


def test_rate_limits_are_told_on_every_answer_refusals_and_streams_too(wire: Wire, tmp_path: Path) -> None:
    config = limited(wire, "requests_per_minute: 3, tokens_per_minute: 100000")
    with serving(config, tmp_path) as gateway, gateway.client() as client:
        answers = [
            client.post(CHAT, json=ASK),
            client.post(CHAT, json=ASK | {"stream": True}),
            client.post(CHAT, json=ASK | {"temperature": 9}),
            client.post(CHAT, json=ASK),
            client.post(CHAT, json=ASK),
        ]
        assert [each.status_code for each in answers] == [200, 200, 422, 200, 429]
        assert [each.headers["x-ratelimit-remaining-requests"] for each in answers] == ["2", "1", "1", "0", "0"]
        assert {each.headers["x-ratelimit-limit-requests"] for each in answers} == {"3"}
        assert answers[0].headers["x-ratelimit-limit-tokens"] == "100000"
        assert 100_000 - 15 <= int(answers[0].headers["x-ratelimit-remaining-tokens"]) <= 100_000
        refused = answers[-1]
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert refused.json()["error"]["code"] == "requests_per_minute"
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert int(refused.headers["x-ratelimit-reset-requests"]) > 1_700_000_000


EVERYWHERE: dict[str, tuple[str, str, Any, int]] = {
    "chat": ("POST", CHAT, ASK, 200),
    "an unknown model": ("POST", CHAT, ASK | {"model": "nope"}, 404),
    "another method": ("GET", CHAT, None, 405),
    "completions": ("POST", "/v1/completions", {"model": "gpt-4o", "prompt": "x"}, 200),
    "embeddings": ("POST", "/v1/embeddings", {"model": "gpt-4o", "input": "x"}, 200),
    "policy": ("POST", "/v1/chat", {"request": {"messages": MESSAGES}}, 200),
    "messages": ("POST", "/v1/messages", ASK | {"max_tokens": 5}, 200),
    "responses": ("POST", "/v1/responses", {"model": "gpt-4o", "input": "x"}, 200),
    "explain": ("POST", "/v1/explain", ASK, 200),
    "models": ("GET", "/v1/models", None, 200),
    "one model": ("GET", "/v1/models/p1/gpt-4o", None, 200),
    "no model": ("GET", "/v1/models/nope", None, 404),
}


def test_every_route_of_callers_tells_where_the_key_stands(wire: Wire, tmp_path: Path) -> None:
    config = limited(wire, "requests_per_minute: 100, tokens_per_minute: 100000")
    names = {
        f"x-ratelimit-{part}-{what}" for part in ("limit", "remaining", "reset") for what in ("requests", "tokens")
    }
    with serving(config, tmp_path) as gateway, gateway.client() as client:
        for name, (method, path, body, status) in EVERYWHERE.items():
            answer = client.request(method, path, json=body)
            assert answer.status_code == status, name
            assert names <= answer.headers.keys(), name
            assert {"x-inferoute-request-id", "x-request-id", "x-tokenhub-config"} <= answer.headers.keys(), name
        with gateway.client("th-nobody") as nobody:
            assert not names & nobody.get("/v1/models").headers.keys()


def test_a_key_without_rates_is_told_none(wire: Wire, tmp_path: Path) -> None:
    with serving(limited(wire, "monthly_usd: 5"), tmp_path) as gateway, gateway.client() as client:
        assert not [name for name in client.post(CHAT, json=ASK).headers if name.startswith("x-ratelimit")]


def test_n13_parallel_requests_pass_no_cap_together(wire: Wire, tmp_path: Path) -> None:
    wire.script(*[openai_chat(usage=DOLLAR, pace_s=0.01) for _ in range(60)])
    ask = ASK | {"max_tokens": 1_000_000}
    config = (
        limited(wire, "monthly_usd: 5.001")
        .replace("max_output_tokens: 16384", "max_output_tokens: 999990")
        .replace("context_window: 128000", "context_window: 2000000")
    )
    with serving(config, tmp_path) as gateway, gateway.client() as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post(CHAT, json=ask), range(60)))
        codes = [code(each) for each in answers]
        assert (codes.count("ok"), codes.count("monthly_spend")) == (5, 55)
        refused = next(each for each in answers if code(each) == "monthly_spend")
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "usage_limit_exceeded")
        assert refused.headers["x-should-retry"] == "false"
        assert "retry-after" not in refused.headers
        assert len(wire.requests) == 5


def test_the_policy_surface_says_what_the_budget_was(wire: Wire, tmp_path: Path) -> None:
    wire.script(openai_chat(usage=DOLLAR))
    with serving(limited(wire, "monthly_usd: 1"), tmp_path) as gateway, gateway.client() as client:
        assert client.post(CHAT, json=ASK).is_success
        answer = client.post("/v1/chat", json={"request": {"messages": MESSAGES}})
        assert answer.status_code == 429
        assert answer.json() | {"request_id": ""} == {
            "error": "monthly budget exceeded",
            "code": "monthly_spend",
            "request_id": "",
            "budget_usd": 1.0,
            "spent_usd": 1.0,
        }


def test_x18_who_does_not_say_how_long_an_answer_may_get_is_given_what_the_key_allows(
    wire: Wire, tmp_path: Path
) -> None:
    with serving(limited(wire, "request_tokens: 2000"), tmp_path) as gateway, gateway.client() as client:
        assert client.post(CHAT, json=ASK).is_success
        asked = wire.requests[-1].json["max_tokens"]
        assert 1900 < asked < 2000
        assert client.post(CHAT, json=ASK | {"n": 2}).is_success
        assert wire.requests[-1].json["max_tokens"] <= 1000
        assert client.post(CHAT, json=ASK | {"max_tokens": 1000}).is_success
        assert wire.requests[-1].json["max_tokens"] == 1000
        assert code(client.post(CHAT, json=ASK | {"max_tokens": 3000})) == "request_tokens"
        assert code(client.post(CHAT, json=ASK | {"max_tokens": 1000, "n": 2})) == "request_tokens"
        long = [{"role": "user", "content": "word " * 4000}]
        assert code(client.post(CHAT, json=ASK | {"messages": long})) == "request_tokens"


def test_a_rate_of_tokens_sets_aside_an_estimate_not_the_longest_answer(wire: Wire, tmp_path: Path) -> None:
    with serving(limited(wire, "tokens_per_minute: 2000"), tmp_path) as gateway, gateway.client() as client:
        answers = [client.post(CHAT, json=ASK) for _ in range(10)]
        assert {code(each) for each in answers} == {"ok"}
        assert int(answers[-1].headers["x-ratelimit-remaining-tokens"]) > 1500
        alone = client.post(CHAT, json=ASK | {"max_tokens": 5000})
        assert (alone.status_code, code(alone)) == (429, "tokens_per_minute")


def test_concurrency_counts_what_runs_and_frees_what_ended(wire: Wire, tmp_path: Path) -> None:
    gates = [wire.gate() for _ in range(2)]
    wire.script(*(openai_chat(gate=gate) for gate in gates))
    with serving(limited(wire, "concurrency: 2"), tmp_path) as gateway, gateway.client() as client:
        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(client.post, CHAT, json=ASK) for _ in gates]
            wire.wait_requests(2)
            third = client.post(CHAT, json=ASK)
            assert (third.status_code, code(third)) == (429, "concurrency")
            for gate in gates:
                gate.open()
            assert all(each.result().is_success for each in running)
        assert client.post(CHAT, json=ASK).is_success


def test_a_request_that_comes_to_nothing_costs_nothing(wire: Wire, tmp_path: Path) -> None:
    failing = json_reply({"error": {"message": "no", "type": "server_error"}}, status=500)
    wire.script(failing, failing)
    with serving(limited(wire, "monthly_usd: 1, concurrency: 1"), tmp_path) as gateway, gateway.client() as client:
        assert client.post(CHAT, json=ASK).status_code == 500
        assert client.post(CHAT, json=ASK).is_success
        spent = gateway.gateway.limits.spent("web-app", gateway.gateway.clock.monotonic())
        assert spent.nano_usd == 15_000


def test_changing_a_limit_holds_from_the_next_request_and_counts_what_was_used_before_it(
    wire: Wire, tmp_path: Path
) -> None:
    wire.script(openai_chat(usage=DOLLAR))
    with serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        assert client.post(CHAT, json=ASK).is_success
        for limits, expected in (
            ("monthly_usd: 0.9", "monthly_spend"),
            ("monthly_usd: 2", "ok"),
            ("monthly_tokens: 1000000", "monthly_tokens"),
            ("requests_per_minute: 0", "requests_per_minute"),
        ):
            (tmp_path / "tokenhub.yaml").write_text(limited(wire, limits))
            assert gateway.call(gateway.gateway.reloader.reload, "test").outcome == "loaded"
            assert code(client.post(CHAT, json=ASK)) == expected


def test_n16_a_removed_key_is_unknown_from_the_next_request_after_the_reload(wire: Wire, tmp_path: Path) -> None:
    with serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        assert client.post(CHAT, json=ASK).is_success
        file = tmp_path / "tokenhub.yaml"
        file.write_text(a_config(wire.url).replace(digest_of(), digest_of("th-someone-else")))
        gateway.call(gateway.gateway.reloader.reload, "test")
        assert client.post(CHAT, json=ASK).status_code == 401
        file.write_text(a_config(wire.url, key="enabled: false"))
        gateway.call(gateway.gateway.reloader.reload, "test")
        assert client.post(CHAT, json=ASK).status_code == 401
        file.write_text(a_config(wire.url, key="expires: 2020-01-01"))
        gateway.call(gateway.gateway.reloader.reload, "test")
        assert client.post(CHAT, json=ASK).status_code == 401


def test_a16_both_digests_of_a_rotation_are_one_account(wire: Wire, tmp_path: Path) -> None:
    wire.script(openai_chat(usage=DOLLAR))
    old_and_new = f"['{digest_of()}', '{digest_of(OTHER)}']"
    config = limited(wire, "monthly_usd: 1").replace(f"'{digest_of()}'", old_and_new)
    with serving(config, tmp_path) as gateway, gateway.client() as old, gateway.client(OTHER) as new:
        assert old.post(CHAT, json=ASK).is_success
        assert code(new.post(CHAT, json=ASK)) == "monthly_spend"
        (tmp_path / "tokenhub.yaml").write_text(config.replace(old_and_new, f"'{digest_of(OTHER)}'"))
        gateway.call(gateway.gateway.reloader.reload, "test")
        assert old.post(CHAT, json=ASK).status_code == 401
        assert code(new.post(CHAT, json=ASK)) == "monthly_spend"


def test_when_keys_and_their_digests_were_last_used_is_known_after_a_restart(wire: Wire, tmp_path: Path) -> None:
    old_and_new = f"['{digest_of()}', '{digest_of(OTHER)}']"
    rotating = a_config(wire.url).replace(f"'{digest_of()}'", old_and_new)
    idle = f"  - {{name: idle, digest: '{digest_of('th-idle')}'}}\n"
    (tmp_path / "tokenhub.yaml").write_text(rotating + idle)

    def told(gateway: Serving) -> list[dict[str, Any]]:
        with gateway.client("CANARY-admin-token") as admin:
            return list(admin.get("/admin/v1/keys").json()["data"])

    before = time.time()
    with serving(tmp_path / "tokenhub.yaml", tmp_path) as gateway, gateway.client(OTHER) as new:
        assert new.post(CHAT, json=ASK).is_success
        told_at_once = told(gateway)
    with serving(tmp_path / "tokenhub.yaml", tmp_path) as gateway:
        assert told(gateway) == told_at_once, "after a restart too"
    rotated, unused = told_at_once
    assert before <= rotated["last_used"] <= time.time()
    old_digest, new_digest = rotated["digests"]
    assert rotated["digests_last_used"] == {old_digest: None, new_digest: rotated["last_used"]}, "the old one may go"
    assert (unused["last_used"], list(unused["digests_last_used"].values())) == (None, [None])


def test_spending_is_known_after_a_restart_whatever_became_of_the_database(wire: Wire, tmp_path: Path) -> None:
    wire.script(openai_chat(usage=DOLLAR), openai_chat(usage=DOLLAR))
    config = limited(wire, "monthly_usd: 2")
    for _ in range(2):
        with serving(config, tmp_path) as gateway, gateway.client() as client:
            assert client.post(CHAT, json=ASK).is_success
    with serving(config, tmp_path) as gateway, gateway.client() as client:
        assert code(client.post(CHAT, json=ASK)) == "monthly_spend"


def test_d09_d16_while_nothing_can_be_written_down_keys_with_a_cap_wait_and_others_go_on(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = limited(wire, "monthly_usd: 5") + f"  - {{name: free, digest: '{digest_of(OTHER)}'}}\n"
    with serving(config, tmp_path) as gateway, gateway.client() as capped, gateway.client(OTHER) as free:
        assert capped.post(CHAT, json=ASK).is_success
        journal = gateway.gateway.ledger.journal
        monkeypatch.setattr(journal, "_max_bytes", 0)
        journal.remove_before(Position(0, 0))
        refused = capped.post(CHAT, json=ASK)
        assert (refused.status_code, code(refused)) == (503, "quota_unavailable")
        assert refused.headers["retry-after"]
        assert free.post(CHAT, json=ASK).is_success
        assert "journal_full" in free.get("/readyz").json()["degraded"]
        assert "tokenhub_journal_lost_records 0.0" in free.get("/metrics").text, "it takes what comes"
        monkeypatch.undo()
        journal.remove_before(Position(0, 0))
        assert capped.post(CHAT, json=ASK).is_success


def test_d03_until_the_sums_of_the_month_are_known_keys_with_a_cap_wait(wire: Wire, tmp_path: Path) -> None:
    with serving(limited(wire, "monthly_usd: 5"), tmp_path) as gateway, gateway.client() as client:
        gateway.gateway.sums_known = False
        refused = client.post(CHAT, json=ASK)
        assert (refused.status_code, code(refused)) == (503, "quota_unavailable")
        assert "sums-unknown" in client.get("/readyz").json()["degraded"]
        gateway.gateway.sums_known = True
        assert client.post(CHAT, json=ASK).is_success


def test_x19_every_route_meets_the_same_limits(wire: Wire, tmp_path: Path) -> None:
    bodies: dict[str, dict[str, Any]] = {
        CHAT: ASK,
        "/v1/completions": {"model": "gpt-4o", "prompt": "Hello"},
        "/v1/embeddings": {"model": "gpt-4o", "input": "Hello"},
        "/v1/chat": {"request": {"messages": MESSAGES}},
        "/v1/messages": {"model": "gpt-4o", "messages": MESSAGES, "max_tokens": 10},
        "/v1/responses": {"model": "gpt-4o", "input": "Hello"},
    }
    with serving(limited(wire, "requests_per_minute: 0"), tmp_path) as gateway, gateway.client() as client:
        for path, body in bodies.items():
            answer = client.post(path, json=body)
            assert (path, answer.status_code) == (path, 429)
            assert answer.headers["x-ratelimit-limit-requests"] == "0"
    assert wire.requests == []


def test_x32_the_same_request_again_and_again_is_charged_again_and_again(wire: Wire, tmp_path: Path) -> None:
    wire.script(openai_chat(usage=DOLLAR), always=True)
    with serving(limited(wire, "monthly_usd: 3, requests_per_minute: 600"), tmp_path) as gateway:
        with gateway.client() as client:
            assert [code(client.post(CHAT, json=ASK)) for _ in range(5)] == ["ok"] * 3 + ["monthly_spend"] * 2


def test_a_key_is_found_by_its_whole_digest_only(wire: Wire, tmp_path: Path) -> None:
    """A12, A21: neither the stored form nor a part of a key opens anything."""
    stored = hashlib.sha256(KEY.encode()).hexdigest()
    with serving(a_config(wire.url), tmp_path) as gateway:
        for key in (stored, f"sha256:{stored}", KEY[:-1], KEY + "x", KEY.upper()):
            with gateway.client(key) as client:
                assert client.post(CHAT, json=ASK).status_code == 401


def test_records_are_kept_without_prompts_and_answers_unless_the_files_say_so(wire: Wire, tmp_path: Path) -> None:
    secret_words = "the price of tea in Prague"
    ask = ASK | {"messages": [{"role": "user", "content": secret_words}]}
    for number, (more, kept) in enumerate((("", False), ("records: {bodies: true, bodies_keep: 1h}\n", True))):
        folder = tmp_path / str(number)
        folder.mkdir()
        wire.script(openai_chat("a very long answer"), openai_chat("a very long answer"))
        with serving(a_config(wire.url, more=more), folder) as gateway, gateway.client() as client:
            assert client.post(CHAT, json=ask).is_success
        stored = written(folder)
        assert (secret_words.encode() in stored) is kept
        assert (b"a very long answer" in stored) is kept
        assert KEY.encode() not in stored
        assert b"sk-CANARY-up" not in stored


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((folder / "data").rglob("*")) if path.is_file())


def test_old_records_go_and_sums_stay(wire: Wire, tmp_path: Path) -> None:
    config = a_config(wire.url, more="records: {keep: 1ms, bodies: true, bodies_keep: 1ms}\n")
    with serving(config, tmp_path) as gateway, gateway.client() as client:
        assert client.post(CHAT, json=ASK).is_success
        shipped(gateway)
        gateway.call(forget_old, gateway.gateway)
        with gateway.client("CANARY-admin-token") as admin:
            assert admin.get("/admin/v1/requests").json()["data"] == []
            assert admin.get("/admin/v1/usage").json()["data"][0]["requests"] == 1


def shipped(gateway: Serving) -> None:
    while gateway.gateway.ledger.lag:
        pass
