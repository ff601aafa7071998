"""The admin API: status, reload, overrides that show as drift, listings, and one audit row for each change."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import ADMIN, KEY, Serving, a_config, digest_of, serving
from tests.wire import Wire

MESSAGES = [{"role": "user", "content": "Hello!"}]
LADDER = "wildcard_models: [gpt-4o]\n"


def admin(gateway: Serving) -> httpx.Client:
    return gateway.client(ADMIN)


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("nobody", 401), (KEY, 403), (ADMIN, 200)], ids=str)
def test_only_admins_come_in(tmp_path: Path, key: str | None, status: int) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client(key) as client:
        assert client.get("/admin/v1/status").status_code == status


def test_a13_without_an_admin_token_nobody_comes_in(tmp_path: Path) -> None:
    env = {"TOKENHUB_ADMIN_TOKEN": ""}
    with Wire() as wire, serving(a_config(wire.url), tmp_path, env=env) as gateway:
        for key in (None, "x", ADMIN):
            with gateway.client(key) as client:
                assert client.get("/admin/v1/status").status_code == 401


def test_a_key_with_the_admin_scope_is_an_admin(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url, key="scopes: [admin]"), tmp_path) as gateway:
        with gateway.client(KEY) as client:
            assert client.get("/admin/v1/status").status_code == 200
            assert client.post("/v1/chat/completions", json={}).status_code == 403


def test_x10_a_page_of_another_origin_is_not_answered(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, admin(gateway) as client:
        assert client.get("/admin/v1/status", headers={"Origin": "https://elsewhere.example"}).status_code == 403


def test_a_reload_tells_what_changed_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, admin(gateway) as client:
        before = client.get("/admin/v1/status").json()["config"]
        assert before["in_sync"]
        file = tmp_path / "tokenhub.yaml"
        file.write_text(a_config(wire.url, more="aliases: {smart: gpt-4o}\n"))
        answer = client.post("/admin/v1/reload")
        assert (answer.status_code, answer.json()["outcome"]) == (200, "loaded")
        assert any("smart" in sentence for sentence in answer.json()["changes"])
        assert answer.json()["digest"] != before["running"]
        file.write_text(a_config(wire.url, more="aliases: {smart: gpt-5o}\n"))
        refused = client.post("/admin/v1/reload")
        assert refused.status_code == 422
        assert refused.json()["problems"][0]["line"] > 0
        status = client.get("/admin/v1/status").json()
        assert status["config"]["running"] == answer.json()["digest"]
        assert not status["config"]["in_sync"]
        assert "configuration" in status["degraded"]
        history = client.get("/admin/v1/config/history").json()["data"]
        assert [entry["outcome"] for entry in history][:2] == ["refused", "loaded"]


def test_a_ladder_told_at_run_time_holds_from_the_next_request_and_shows_as_drift(tmp_path: Path) -> None:
    models = {"request": {"messages": MESSAGES, "model_hint": "*"}}
    with Wire() as wire, serving(a_config(wire.url, more=LADDER), tmp_path) as gateway:
        with admin(gateway) as client, gateway.client() as caller:
            told = client.get("/admin/v1/wildcard-models").json()
            assert (told["source"], told["drift"]) == ("config", False)
            assert caller.post("/v1/chat", json=models).json()["routing_reason"] == "wildcard-rank-0"
            put = client.put("/admin/v1/wildcard-models", json=["unknown", "gpt-4o"])
            assert put.json()["models"][0] == {
                "rank": 0,
                "model_id": "unknown",
                "provider_id": None,
                "available": False,
                "reason": "unknown model",
            }
            assert (put.json()["source"], put.json()["drift"]) == ("api", True)
            assert caller.post("/v1/chat", json=models).json()["routing_reason"] == "wildcard-rank-1"
            assert client.get("/admin/v1/status").json()["drift"][0]["what"] == "wildcard_models"
    with Wire() as wire, serving(tmp_path / "tokenhub.yaml", tmp_path) as gateway, admin(gateway) as client:
        assert client.get("/admin/v1/wildcard-models").json()["source"] == "api", "it survives a restart"
        assert client.delete("/admin/v1/wildcard-models").json()["source"] == "config"
        rows = client.get("/admin/v1/audit").json()["data"]
        assert {row["what"] for row in rows} >= {"wildcard_models.put"}


WRONG_LADDERS: list[Any] = [[], [""], ["*"], ["a", "a"], ["m"] * 51, "gpt-4o", {"models": ["a"], "expires_in": "soon"}]


@pytest.mark.parametrize("ladder", WRONG_LADDERS, ids=str)
def test_a_ladder_that_makes_no_sense_is_refused(tmp_path: Path, ladder: Any) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, admin(gateway) as client:
        assert client.put("/admin/v1/wildcard-models", json=ladder).status_code == 422


def test_a_disabled_provider_is_passed_over_until_it_is_enabled(tmp_path: Path) -> None:
    ask = {"model": "gpt-4o", "messages": MESSAGES}
    with Wire() as wire, serving(a_config(wire.url, wire.url), tmp_path) as gateway:
        with admin(gateway) as client, gateway.client() as caller:
            assert client.post("/admin/v1/providers/p1/disable").json()["drift"]
            assert caller.post("/v1/chat/completions", json=ask).headers["x-inferoute-provider"] == "p2"
            client.post("/admin/v1/providers/p1/enable")
            assert caller.post("/v1/chat/completions", json=ask).headers["x-inferoute-provider"] == "p1"
            assert client.post("/admin/v1/providers/p9/enable").status_code == 404


@pytest.mark.parametrize("path", ["providers", "models", "keys", "routes", "arms", "usage", "requests", "audit"])
def test_listings_never_show_a_secret(tmp_path: Path, path: str) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        with gateway.client() as caller:
            caller.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES})
        with admin(gateway) as client:
            answer = client.get(f"/admin/v1/{path}")
            assert answer.status_code == 200
            assert "CANARY" not in answer.text
            assert digest_of().removeprefix("sha256:") not in answer.text


def test_usage_is_summed_by_key_and_told_as_csv(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        with gateway.client() as caller:
            for _ in range(3):
                caller.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES})
        with admin(gateway) as client:
            row: dict[str, Any] = {}
            for _ in range(100):
                rows = client.get("/admin/v1/usage?group_by=key").json()["data"]
                row = rows[0] if rows else {}
                if row.get("requests") == 3:
                    break
            assert (row["key"], row["requests"]) == ("web-app", 3)
            assert row["cost_usd"] > 0
            assert client.get("/admin/v1/usage?group_by=key&format=csv").text.startswith("day,key,model")
            assert client.get("/admin/v1/usage?group_by=colour").status_code == 422
            page = client.get("/admin/v1/requests?limit=2").json()
            assert len(page["data"]) == 2
            assert len(client.get(f"/admin/v1/requests?before={page['next']}").json()["data"]) == 1
