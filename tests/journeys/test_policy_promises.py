"""What `/v1/chat` promises over many requests: what is learnt is kept, ladders are walked strictly, bounds hold."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import ADMIN, Serving, digest_of, serving
from tests.wire import Scripted, Wire, openai_chat, openai_error

MESSAGES = [{"role": "user", "content": "Hello!"}]
THOMPSON = {"request": {"messages": MESSAGES}, "policy": {"mode": "thompson"}}
WILDCARD = {"request": {"messages": MESSAGES, "model_hint": "*"}}


def config(wire: Wire, models: dict[str, dict[str, Any]], **more: Any) -> str:
    """JSON is YAML; each model has one offer at a provider of its own."""
    declared = {
        name: {
            "weight": 5,
            "context_window": 16000,
            "max_output_tokens": 4096,
            "capabilities": ["chat"],
            **{key: value for key, value in told.items() if key != "price"},
            "offers": [{"provider": f"at-{name}", "id": name, "price": told.get("price", {"input": 1, "output": 1})}],
        }
        for name, told in models.items()
    }
    provider = {
        "dialect": "openai",
        "base_url": f"{wire.url}/v1",
        "api_key": "${env:OPENAI_API_KEY}",
        "allow_private": True,
    }
    return json.dumps(
        {
            "version": 1,
            "providers": {f"at-{name}": provider for name in models},
            "models": declared,
            "keys": [{"name": "web-app", "digest": digest_of()}],
            "routing": {"retries": {"backoff": "1ms", "per_offer": 0}, "thompson": {"seed": 7}}
            | {"health": {"open_after": 1000, "open_ratio": 1.0}}
            | more.pop("routing", {}),
        }
        | more
    )


def ask(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/chat", json=body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def served(client: httpx.Client, count: int) -> list[str]:
    return [ask(client, THOMPSON)["negotiated_model"] for _ in range(count)]


def test_thompson_sends_the_good_one_nearly_everything_and_remembers_it(tmp_path: Path) -> None:
    """One of two offers fails every second call; what was learnt outlives a reload and a restart."""
    text = ""
    with Wire() as wire:
        flaky = [openai_error(500), openai_chat("meh")] * 2000
        wire.script(*flaky, model="bad")
        wire.script(openai_chat("good"), model="good", always=True)
        text = config(wire, {"good": {}, "bad": {}})
        with serving(text, tmp_path) as gateway, gateway.client() as client:
            ended = served(client, 300)
            assert ended[100:].count("good") / 200 > 0.9
            (tmp_path / "tokenhub.yaml").write_text(text.replace('"weight": 5', '"weight": 6'))
            with gateway.client(ADMIN) as admin:
                assert admin.post("/admin/v1/reload").json()["outcome"] == "loaded"
            assert served(client, 30).count("good") > 25
            learnt = means(gateway)
        with serving(tmp_path / "tokenhub.yaml", tmp_path) as gateway, gateway.client() as client:
            again = means(gateway)
            assert again["at-good/good"] == pytest.approx(learnt["at-good/good"], abs=0.02)
            assert served(client, 30).count("good") > 25


def means(gateway: Serving) -> dict[str, float]:
    with gateway.client(ADMIN) as admin:
        return {row["offer"]: row["mean"] for row in admin.get("/admin/v1/arms").json()["data"]}


TRIGGERS: dict[str, Scripted] = {
    "a server error": openai_error(500),
    "a rate limit": openai_error(429),
    "refused credentials": openai_error(401),
    "a model that is gone": openai_error(404),
    "an unreadable answer": Scripted(body=b"<html>", headers={"Content-Type": "text/html"}),
    "a broken connection": Scripted(raw=b"", end="reset"),
}


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS.keys())
def test_the_ladder_goes_on_at_every_trigger(tmp_path: Path, trigger: Scripted) -> None:
    with Wire() as wire:
        wire.script(trigger, model="one", always=True)
        wire.script(openai_chat("two"), model="two", always=True)
        models = {"one": {}, "two": {}, "cheap": {"price": {"input": 0.01, "output": 0.01}}}
        with serving(config(wire, models, wildcard_models=["one", "two"]), tmp_path) as gateway:
            with gateway.client() as client:
                said = ask(client, WILDCARD)
                assert (said["negotiated_model"], said["routing_reason"]) == ("two", "wildcard-rank-1")


def test_a_callers_mistake_is_returned_and_the_ladder_never_left(tmp_path: Path) -> None:
    models = {"one": {}, "two": {}, "cheap": {"price": {"input": 0.01, "output": 0.01}}}
    with Wire() as wire:
        text = config(wire, models, wildcard_models=["one", "two"])
        with serving(text, tmp_path) as gateway, gateway.client() as client:
            wire.script(openai_error(400), model="one")
            assert client.post("/v1/chat", json=WILDCARD).status_code == 400
            assert [seen.json["model"] for seen in wire.requests] == ["one"]
            wire.forget()
            wire.script(openai_error(500), model="one", always=True)
            wire.script(openai_error(500), model="two", always=True)
            answer = client.post("/v1/chat", json=WILDCARD)
            assert (answer.status_code, answer.json()["error"]) == (502, "all providers failed")
            assert {seen.json["model"] for seen in wire.requests} == {"one", "two"}


def test_rungs_that_break_a_hard_limit_are_skipped(tmp_path: Path) -> None:
    models = {"dear": {"price": {"input": 900, "output": 900}}, "light": {"weight": 1}, "fit": {}}
    with Wire() as wire:
        text = config(wire, models, wildcard_models=["dear", "light", "nobody", "fit"])
        with serving(text.replace('"nobody", ', ""), tmp_path) as gateway, gateway.client() as client:
            said = ask(client, WILDCARD | {"policy": {"min_weight": 4, "max_budget_usd": 0.05}})
            assert (said["negotiated_model"], said["routing_reason"]) == ("fit", "wildcard-rank-2")
            assert [seen.json["model"] for seen in wire.requests] == ["fit"]


def test_an_enabled_alias_named_star_decides(tmp_path: Path) -> None:
    with Wire() as wire:
        text = config(wire, {"one": {}, "two": {}}, wildcard_models=["one"], aliases={"*": "two"})
        with serving(text, tmp_path) as gateway, gateway.client() as client:
            answer = client.post("/v1/chat", json=WILDCARD)
            assert answer.json()["negotiated_model"] == "two"
            assert answer.headers["x-alias-from"] == "*"


def overflow() -> Scripted:
    return openai_error(400, "context_length_exceeded")


def test_less_output_is_asked_for_where_that_cures_an_overflow(tmp_path: Path) -> None:
    body = {"request": {"messages": MESSAGES, "parameters": {"max_tokens": 4000}}}
    with Wire() as wire:
        wire.script(overflow(), openai_chat("short"), model="one")
        with serving(config(wire, {"one": {"context_window": 8000}}), tmp_path) as gateway:
            with gateway.client() as client:
                said = ask(client, body)
                assert said["routing_reason"] == "reduced-max-tokens"
                assert wire.requests[1].json["max_tokens"] < 4000


def test_a_larger_window_answers_where_less_output_does_not_help_and_no_bound_is_passed(tmp_path: Path) -> None:
    models = {
        "small": {"context_window": 8000, "price": {"input": 0.1, "output": 0.1}},
        "dear": {"context_window": 90000, "price": {"input": 900, "output": 900}},
        "wide": {"context_window": 120000, "price": {"input": 2, "output": 2}},
    }
    with Wire() as wire:
        wire.script(overflow(), model="small", always=True)
        with serving(config(wire, models), tmp_path) as gateway, gateway.client() as client:
            said = ask(client, {"request": {"messages": MESSAGES}, "policy": {"mode": "cheap"}})
            assert (said["negotiated_model"], said["routing_reason"]) == ("wide", "escalated-context-overflow")
            assert "dear" not in [seen.json["model"] for seen in wire.requests]


def test_repairs_never_pass_the_budget(tmp_path: Path) -> None:
    schema = '{"type": "object", "required": ["n"]}'
    usage = {"prompt_tokens": 10, "completion_tokens": 40_000, "total_tokens": 40_010}
    body = {
        "request": {"messages": MESSAGES},
        "policy": {"max_budget_usd": 0.0402},
        "output_format": {"type": "json", "schema": schema},
    }
    with Wire() as wire:
        wire.script(*[openai_chat("{}", usage=usage)] * 5, model="one")
        with serving(config(wire, {"one": {}}), tmp_path) as gateway, gateway.client() as client:
            assert client.post("/v1/chat", json=body).status_code == 502
            assert len(wire.requests) == 1, "four cents are spent, and a repair would cost more than is left"
