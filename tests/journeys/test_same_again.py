"""The same request again and again, while around it things change: each is decided by what is true then."""

from pathlib import Path

import httpx

from tests.serving import ADMIN, Serving, a_config, serving
from tests.wire import Wire, json_reply, openai_chat

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
BUSY = json_reply({"error": {"message": "slow down"}}, status=429, headers=(("retry-after", "30"),))


def served_by(client: httpx.Client, **more: object) -> str:
    answer = client.post("/v1/chat/completions", json=ASK | more)
    assert answer.is_success, answer.text
    return answer.headers["x-inferoute-provider"]


def admin(gateway: Serving, path: str) -> None:
    with gateway.client(ADMIN) as client:
        assert client.post(f"/admin/v1/{path}").is_success


def test_a_provider_that_asks_for_a_pause_gets_it_at_once(tmp_path: Path) -> None:
    with Wire() as cheap, Wire() as dear, serving(a_config(cheap.url, dear.url), tmp_path) as gateway:
        with gateway.client() as client:
            assert [served_by(client) for _ in range(3)] == ["p1"] * 3
            cheap.script(BUSY, openai_chat())
            assert served_by(client) == "p2"
            assert [served_by(client) for _ in range(3)] == ["p2"] * 3
            assert len(cheap.requests) == 4, "nobody asked it again"


def test_what_is_switched_off_or_written_anew_holds_for_the_next_request(tmp_path: Path) -> None:
    with Wire() as cheap, Wire() as dear, serving(a_config(cheap.url, dear.url), tmp_path) as gateway:
        with gateway.client() as client:
            assert served_by(client) == "p1"
            admin(gateway, "providers/p1/disable")
            assert served_by(client) == "p2"
            admin(gateway, "providers/p1/enable")
            assert served_by(client) == "p1"
            file = tmp_path / "tokenhub.yaml"
            file.write_text(file.read_text().replace("price: {input: 1, output: 1}", "price: {input: 9, output: 9}"))
            admin(gateway, "reload")
            assert served_by(client) == "p2"


def test_a_host_that_cannot_be_told_a_field_is_passed_over_for_the_requests_that_say_it(tmp_path: Path) -> None:
    with Wire() as cheap, Wire() as dear:
        config = a_config(cheap.url, dear.url).replace(
            "allow_private: true}", "allow_private: true, options: {refuse_fields: seed}}", 1
        )
        with serving(config, tmp_path) as gateway, gateway.client() as client:
            assert served_by(client) == "p1"
            assert served_by(client, seed=7) == "p2"
            assert served_by(client) == "p1"
            assert served_by(client, temperature=0.5) == "p1"
