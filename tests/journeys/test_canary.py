"""A candidate configuration on a share of the requests: promoted if it is as good, rolled back if not, nothing lost."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import ADMIN, Serving, a_config, digest_of, serving
from tests.wire import Wire, openai_error, openai_stream

MESSAGES = [{"role": "user", "content": "Hello!"}]
ASK = {"model": "gpt-4o", "messages": MESSAGES}
FAST = "window: 1s, min_requests: 30, sticky_by: request"
LOOSE = "max_latency_ratio: 50, max_error_increase: 0.05"


def canary(more: str = f"share: 0.5, {FAST}, {LOOSE}") -> str:
    return f"canary: {{config: candidate.yaml, {more}}}\n"


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.02)
    return found


def standing(admin: httpx.Client) -> dict[str, Any]:
    told: dict[str, Any] = admin.get("/admin/v1/status").json()
    return told | {"state": told["canary"]["state"]}


def ask_until(gateway: Serving, admin: httpx.Client, state: str, *, stream: bool = False) -> list[httpx.Response]:
    """Four callers ask and ask until the candidate has come that far; every answer they got."""
    answers: list[httpx.Response] = []
    done = threading.Event()

    def call() -> None:
        with gateway.client() as client:
            while not done.is_set():
                answers.append(client.post("/v1/chat/completions", json=ASK | {"stream": stream}))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        until(lambda: standing(admin)["state"] == state)
    finally:
        done.set()
        for caller in callers:
            caller.join()
    return answers


def test_an_equal_candidate_is_promoted_and_nothing_is_lost(tmp_path: Path) -> None:
    with Wire() as wire:
        (tmp_path / "candidate.yaml").write_text(a_config(wire.url, more="aliases: {new: gpt-4o}\n"))
        with serving(a_config(wire.url, more=canary()), tmp_path) as gateway, gateway.client(ADMIN) as admin:
            until(lambda: standing(admin)["state"] == "trying")
            before = standing(admin)
            assert before["config"]["in_sync"]
            answers = ask_until(gateway, admin, "promoted")
            assert {answer.status_code for answer in answers} == {200}
            served_by = {answer.headers["x-tokenhub-config"] for answer in answers}
            assert served_by == {before["config"]["running"][:12], before["canary"]["digest"][:12]}
            after = standing(admin)
            assert after["config"]["running"] == before["canary"]["digest"]
            assert not after["config"]["in_sync"], "it is drift until the main file says the same"
            assert after["drift"][0]["what"] == "canary.promoted"
            assert "errors 0.0%" in after["canary"]["why"]
            assert after["canary"]["candidate"]["requests"] >= 30
            last = admin.get("/admin/v1/config/history").json()["data"][0]
            assert (last["trigger"], last["outcome"], last["digest"]) == (
                "canary",
                "promoted",
                after["config"]["running"],
            )
            assert (last["digest_before"], last["why"]) == (before["config"]["running"], after["canary"]["why"])
            with gateway.client() as client:
                assert client.get("/v1/models/new").status_code == 200
            text = admin.get("/metrics").text
            assert f'digest="{last["digest"][:12]}",role="running"' in text
            assert 'tokenhub_canary_outcomes_total{outcome="promoted"} 1.0' in text
            (tmp_path / "tokenhub.yaml").write_text((tmp_path / "candidate.yaml").read_text() + "defaults: {}\n")
            admin.post("/admin/v1/reload")
            merged = standing(admin)
            assert (merged["config"]["in_sync"], merged["drift"], merged["state"]) == (True, [], "off")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_candidate_that_errs_twice_as_often_is_rolled_back_within_its_window(tmp_path: Path, stream: bool) -> None:
    """Each provider fails every so-manieth call; the second one, which only the candidate knows, twice as often."""
    with Wire() as good, Wire() as bad:
        good.script(openai_error(500), when=every(10), always=True)
        bad.script(openai_error(500), when=every(5), always=True)
        once = "per_offer: 0, max_attempts: 1"
        more = canary(f"share: 0.5, {FAST}, max_error_increase: 0, max_latency_ratio: 50".replace("1s", "30s"))
        (tmp_path / "candidate.yaml").write_text(a_config(bad.url, retries=once))
        with serving(a_config(good.url, retries=once, more=more), tmp_path) as gateway, gateway.client(ADMIN) as admin:
            until(lambda: standing(admin)["state"] == "trying")
            before = standing(admin)
            ask_until(gateway, admin, "rolled-back", stream=stream)
            after = standing(admin)
            assert after["canary"]["why"].startswith("errors ")
            assert "more allowed" in after["canary"]["why"]
            assert after["config"]["running"] == before["config"]["running"]
            assert after["config"]["in_sync"]
            assert after["canary"]["candidate"]["error_rate"] > after["canary"]["current"]["error_rate"]
            seen = len(bad.requests)
            with gateway.client() as client:
                for _ in range(20):
                    client.post("/v1/chat/completions", json=ASK)
            assert len(bad.requests) == seen, "nobody gets it any more"
            last = admin.get("/admin/v1/config/history").json()["data"][0]
            assert (last["outcome"], last["candidate"]) == ("rolled-back", before["canary"]["digest"])
            assert 'tokenhub_canary_requests_total{outcome="failed",side="candidate"}' in admin.get("/metrics").text


def every(number: int) -> Callable[[Any], bool]:
    """True for one in so many calls."""
    count = 0

    def counted(_: Any) -> bool:
        nonlocal count
        count += 1
        return count % number == 0

    return counted


BY_HAND = "share: 0.5, window: 1h, sticky_by: request"


def asked(client: httpx.Client, times: int = 40) -> list[httpx.Response]:
    return [client.post("/v1/chat/completions", json=ASK) for _ in range(times)]


def configs(answers: list[httpx.Response]) -> set[str]:
    return {answer.headers["x-tokenhub-config"] for answer in answers}


def test_a_candidate_with_problems_is_not_tried_until_they_are_gone(tmp_path: Path) -> None:
    with Wire() as wire:
        file = tmp_path / "candidate.yaml"
        file.write_text(a_config(wire.url, more="aliases: {new: gpt-9}\n"))
        with serving(a_config(wire.url, more=canary(BY_HAND)), tmp_path, watch=True) as gateway:
            with gateway.client(ADMIN) as admin, gateway.client() as client:
                told = until(lambda: (one := standing(admin))["state"] == "refused" and one)["canary"]
                assert (told["problems"][0]["code"], told["problems"][0]["file"]) == ("TH2002", str(file))
                assert len(configs(asked(client))) == 1
                assert admin.post("/admin/v1/canary/promote").status_code == 409
                unmet = "tests: [{name: t, ask: {model: gpt-4o}, expect: {provider: p2}}]\n"
                file.write_text(a_config(wire.url, wire.url, more=unmet))
                until(lambda: standing(admin)["canary"]["problems"][0]["code"] == "TH2704")
                file.write_text(a_config(wire.url, more="aliases: {new: gpt-4o}\n"))
                until(lambda: standing(admin)["state"] == "trying")
                assert len(configs(asked(client))) == 2
                outcomes = [row["outcome"] for row in admin.get("/admin/v1/config/history").json()["data"]]
                assert outcomes[:3] == ["trying", "not-tried", "not-tried"]
                file.write_text(a_config(wire.url, more="aliases: {newer: gpt-4o}\n"))
                until(lambda: admin.get("/admin/v1/config/history").json()["data"][1]["outcome"] == "trying")


def test_a_change_of_the_configuration_that_names_it_begins_anew(tmp_path: Path) -> None:
    with Wire() as wire:
        (tmp_path / "candidate.yaml").write_text(a_config(wire.url, more="aliases: {new: gpt-4o}\n"))
        with serving(a_config(wire.url, more=canary(BY_HAND)), tmp_path) as gateway, gateway.client(ADMIN) as admin:
            with gateway.client() as client:
                until(lambda: standing(admin)["state"] == "trying")
                asked(client)
                assert standing(admin)["canary"]["candidate"]["requests"] > 0
                text = a_config(wire.url, more=canary(BY_HAND) + "aliases: {old: gpt-4o}\n")
                (tmp_path / "tokenhub.yaml").write_text(text)
                assert admin.post("/admin/v1/reload").json()["outcome"] == "loaded"
                until(lambda: standing(admin)["state"] == "trying")
                assert standing(admin)["canary"]["candidate"]["requests"] == 0
                (tmp_path / "tokenhub.yaml").write_text(a_config(wire.url))
                admin.post("/admin/v1/reload")
                assert standing(admin)["state"] == "off"
                assert len(configs(asked(client))) == 1


def test_by_hand_it_is_promoted_and_taken_back_with_an_audit_row_each(tmp_path: Path) -> None:
    with Wire() as wire:
        only = "version: 1\ninclude: [tokenhub.yaml]\naliases: {new: gpt-4o}\n"
        (tmp_path / "candidate.yaml").write_text(only)
        with serving(a_config(wire.url, more=canary(BY_HAND)), tmp_path) as gateway, gateway.client(ADMIN) as admin:
            until(lambda: standing(admin)["state"] == "trying")
            running, candidate = standing(admin)["config"]["running"], standing(admin)["canary"]["digest"]
            with gateway.client() as client:
                assert client.post("/admin/v1/canary/promote").status_code == 403
                promoted = admin.post("/admin/v1/canary/promote")
                assert (promoted.json()["state"], promoted.json()["why"]) == ("promoted", "by hand: admin-token")
                assert configs(asked(client)) == {candidate[:12]}
                assert admin.post("/admin/v1/canary/promote").status_code == 409
                assert admin.post("/admin/v1/canary/rollback").json()["state"] == "rolled-back"
                assert configs(asked(client)) == {running[:12]}
                assert standing(admin)["drift"] == []
            assert admin.post("/admin/v1/canary/rollback").status_code == 409
            until(lambda: not gateway.gateway.ledger.lag)
            rows = admin.get("/admin/v1/audit").json()["data"]
            assert [row["what"] for row in rows] == ["canary.rollback", "canary.promote"]
            assert (rows[1]["before"], rows[1]["after"]) == (f'"{running}"', f'"{candidate}"')


def keys(names: list[str]) -> str:
    return "keys:\n" + "".join(f"  - {{name: {name}, digest: '{digest_of('th-' + name)}'}}\n" for name in names)


def test_a_key_stays_on_its_side_and_one_that_the_candidate_does_not_know_is_never_turned_away(tmp_path: Path) -> None:
    names = [f"app-{number}" for number in range(40)]
    with Wire() as wire:
        text = a_config(wire.url).partition("keys:")[0]
        (tmp_path / "candidate.yaml").write_text(text + keys([*names[:-10], "app-new"]) + "aliases: {new: gpt-4o}\n")
        more = canary(BY_HAND.replace("request", "key"))
        with serving(text + keys(names) + more, tmp_path) as gateway, gateway.client(ADMIN) as admin:
            until(lambda: standing(admin)["state"] == "trying")
            candidate = standing(admin)["canary"]["digest"][:12]
            sides: dict[str, set[str]] = {}
            for name in names:
                with gateway.client(f"th-{name}") as client:
                    answers = asked(client, 3)
                    assert {answer.status_code for answer in answers} == {200}
                    sides[name] = configs(answers)
            assert all(len(side) == 1 for side in sides.values())
            tried = [name for name, side in sides.items() if side == {candidate}]
            assert 5 < len(tried) < 25
            assert not set(tried) & set(names[-10:])
            with gateway.client("th-app-new") as client:
                assert asked(client, 1)[0].status_code == 401, "keys are those of the configuration that serves"


def test_a_broken_candidate_gives_nobody_else_a_bad_name(tmp_path: Path) -> None:
    """The same provider by name at another address: what fails there opens no circuit here."""
    with Wire() as good, Wire() as bad:
        bad.script(openai_error(500), always=True)
        (tmp_path / "candidate.yaml").write_text(a_config(bad.url))
        with serving(a_config(good.url, more=canary(BY_HAND)), tmp_path) as gateway, gateway.client(ADMIN) as admin:
            until(lambda: standing(admin)["state"] == "trying")
            running = standing(admin)["config"]["running"][:12]
            with gateway.client() as client:
                answers = asked(client, 60)
            for answer in answers:
                served = answer.headers["x-tokenhub-config"] == running
                assert served == (answer.status_code == 200), answer.text
            assert len(configs(answers)) == 2
            health = admin.get("/admin/v1/providers").json()["data"][0]["health"]
            assert (health["circuit"], health["error_rate"]) == ("closed", 0.0)


def test_a_stream_that_began_on_the_candidate_ends_on_it_after_a_rollback(tmp_path: Path) -> None:
    with Wire() as wire:
        (tmp_path / "candidate.yaml").write_text(a_config(wire.url, more="aliases: {new: gpt-4o}\n"))
        more = canary(BY_HAND.replace("0.5", "1"))
        with serving(a_config(wire.url, more=more), tmp_path) as gateway, gateway.client(ADMIN) as admin:
            until(lambda: standing(admin)["state"] == "trying")
            candidate = standing(admin)["canary"]["digest"][:12]
            gate = wire.gate()
            wire.script(openai_stream(["a", "b"], role_first=False, body_gate=gate))
            with gateway.client() as client:
                with client.stream("POST", "/v1/chat/completions", json=ASK | {"stream": True}) as answer:
                    assert answer.headers["x-tokenhub-config"] == candidate
                    lines = answer.iter_lines()
                    next(lines)
                    admin.post("/admin/v1/canary/rollback")
                    assert standing(admin)["config"]["retiring"] == [1]
                    gate.open()
                    assert [line for line in lines if line][-1] == "data: [DONE]"
            until(lambda: standing(admin)["config"]["retiring"] == [])


def test_a_restart_keeps_nothing_of_a_promotion(tmp_path: Path) -> None:
    """The files are the truth: what a process promoted is tried again by the next, until somebody merges it."""
    with Wire() as wire:
        (tmp_path / "candidate.yaml").write_text(a_config(wire.url, more="aliases: {new: gpt-4o}\n"))
        for _ in range(2):
            with serving(a_config(wire.url, more=canary(BY_HAND)), tmp_path) as gateway:
                with gateway.client(ADMIN) as admin:
                    until(lambda admin=admin: standing(admin)["state"] == "trying")  # type: ignore[misc]
                    admin.post("/admin/v1/canary/promote")


def test_a_candidate_that_says_the_same_is_not_tried(tmp_path: Path) -> None:
    with Wire() as wire:
        (tmp_path / "candidate.yaml").write_text(a_config(wire.url) + "# another comment\n")
        with serving(a_config(wire.url, more=canary(BY_HAND)), tmp_path) as gateway, gateway.client(ADMIN) as admin:
            until(lambda: standing(admin)["state"] == "same")
