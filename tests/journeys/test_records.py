"""What is recorded can be asked by operators only, in questions that stay questions."""

from pathlib import Path

import pytest

from tests.serving import ADMIN, Serving, a_config, serving
from tests.wire import Wire

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
PAGES = ("usage", "requests", "audit")
HOSTILE = ["' OR '1'='1", "web-app'; DROP TABLE usage; --", "%", "_______", "web-ap%", "*", "\\", "a\x00b", "x" * 5000]


def shipped(gateway: Serving) -> None:
    while gateway.gateway.ledger.lag:
        pass


def test_x08_filters_are_values_never_statements_or_patterns(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        with gateway.client() as caller:
            assert caller.post("/v1/chat/completions", json=ASK).is_success
        shipped(gateway)
        with gateway.client(ADMIN) as client:
            for name in ("key", "model", "provider", "outcome"):
                for value in HOSTILE:
                    answer = client.get("/admin/v1/requests", params={name: value})
                    assert (answer.status_code, answer.json()["data"]) == (200, []), (name, value)
            for name in ("before", "from", "to", "limit", "group_by"):
                for value in HOSTILE:
                    assert client.get("/admin/v1/requests", params={name: value}).status_code in (200, 422)
                    assert client.get("/admin/v1/usage", params={name: value}).status_code in (200, 422)
            assert len(client.get("/admin/v1/requests?key=web-app").json()["data"]) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a18_no_key_reads_what_others_did(tmp_path: Path, page: str) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as caller:
        answer = caller.get(f"/admin/v1/{page}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_not_allowed")


def test_a_change_of_the_files_is_audited_whoever_made_it(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client(ADMIN) as client:
        file = tmp_path / "tokenhub.yaml"
        file.write_text(a_config(wire.url, more="aliases: {smart: gpt-4o}\n"))
        gateway.call(gateway.gateway.reloader.reload, "SIGHUP")
        file.write_text("models: [")
        gateway.call(gateway.gateway.reloader.reload, "poll")
        file.write_text(a_config(wire.url))
        assert client.post("/admin/v1/reload").is_success
        shipped(gateway)
        rows = client.get("/admin/v1/audit").json()["data"]
        assert [(row["what"], row["who"]) for row in rows] == [
            ("config.reload", "admin-token"),
            ("config.refused", "files (poll)"),
            ("config.loaded", "files (SIGHUP)"),
        ]
        assert "smart" in rows[2]["after"]
        assert "CANARY" not in str(rows)
