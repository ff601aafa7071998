"""Explain says what serving does: one decision by HTTP, on the command line, and when the request is really sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from gateway.cli.main import main
from tests.serving import Serving, digest_of, serving

FOLDER = Path(__file__).parent.parent / "golden" / "routing"
FILES = sorted(FOLDER.glob("*.yaml"))
Yaml = dict[str, Any]

MODEL_FIELDS = ("weight", "context_window", "max_output_tokens", "capabilities")
DEFAULTS = {"weight": 5.0, "context_window": 128_000, "max_output_tokens": 16_384, "capabilities": ["chat", "tools"]}
SAYABLE = {"model", "strategy", "fallback", "features", "input_tokens", "policy", "key", "endpoint", "choices"}
UNKNOWING = "health: {open_after: 1000, open_ratio: 1, min_requests: 100000}, retries: {per_offer: 0, max_attempts: 3}"


def the_files_of(world: Yaml, cases: list[Yaml]) -> Yaml:
    """The world as a configuration, on the echo provider; a model is what its first offer is."""
    models: Yaml = {}
    for name, said in world["offers"].items():
        provider, model = name.split("/", 1)
        said = {} if said is None else dict(said)
        fields = {field: said.get(field) or DEFAULTS[field] for field in MODEL_FIELDS}
        fields["max_output_tokens"] = min(fields["max_output_tokens"], fields["context_window"])
        bridge = {"completions": "via-chat"} if said.get("via_chat") else {}
        entry = models.setdefault(model, fields | bridge | {"offers": []})
        price = {"input": said.get("input", 2.5), "output": said.get("output", 10.0)}
        offer: Yaml = {"provider": provider, "id": said.get("id", model)}
        entry["offers"].append(offer | ({"unpriced": True} if said.get("unpriced") else {"price": price}))
        entry["enabled"] = model not in world.get("disabled_models", ())
    config: Yaml = {
        "version": 1,
        "routing": yaml.safe_load(f"{{{UNKNOWING}}}"),
        "defaults": world.get("defaults", {}),
        "providers": {offer["provider"]: {"dialect": "echo"} for model in models.values() for offer in model["offers"]},
        "models": models,
        "aliases": {name: an_alias(alias) for name, alias in world.get("aliases", {}).items()},
        "fallbacks": world.get("fallbacks", {}),
        "wildcard_models": [name for name in world.get("wildcard_models", ()) if name in models],
        "keys": [a_key(number, case) for number, case in enumerate(cases)],
    }
    if "open_offers" in world:
        config["routing"]["health"]["open_offers"] = world["open_offers"]
    return config


def an_alias(said: Any) -> Any:
    if isinstance(said, dict) and "alias" in said:
        return {"model": said["alias"], "enabled": said.get("enabled", True)}
    if isinstance(said, dict) and "split" in said:
        return said | {"split": [{"model": model, "weight": weight} for model, weight in said["split"].items()]}
    return said


def a_key(number: int, case: Yaml) -> Yaml:
    key: Yaml = {"name": f"k{number}", "digest": digest_of(f"th-case-{number}")}
    offers = (case["ask"].get("key") or {}).get("offers")
    return key | ({"models": offers} if offers else {})


def expressible(case: Yaml) -> bool:
    """What no body and no header can say, or what only a past can bring about, is left to the tests of routing."""
    ask = case["ask"]
    splits_by_request = "split" in json.dumps(case.get("plan", {})) and "key" not in ask
    return (
        not case.get("moment")
        and set(ask) <= SAYABLE
        and (ask.get("key") or {"offers": True}).get("offers") != []
        and not splits_by_request
        and not ("fallback" in ask and "policy" in ask)
    )


def the_request(ask: Yaml) -> tuple[str, Yaml, dict[str, str]]:
    """Path, body and headers that ask this."""
    text = "word " * (ask.get("input_tokens") or 1)
    body: Yaml = {"messages": [{"role": "user", "content": text}]}
    if "tools" in ask.get("features", ()):
        body["tools"] = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    if "vision" in ask.get("features", ()):
        image = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
        body["messages"][0]["content"] = [{"type": "text", "text": text}, image]
    if "choices" in ask:
        body["n"] = ask["choices"]
    if "policy" in ask:
        policy = {name: value for name, value in ask["policy"].items() if name != "hint"}
        parameters = {name: value for name, value in body.items() if name != "messages"}
        request = {"messages": body["messages"], "parameters": parameters, "model_hint": ask["policy"].get("hint")}
        return "/v1/chat", {"request": request, "policy": policy}, {}
    headers = {"X-Inferoute-Strategy": ask["strategy"]} if "strategy" in ask else {}
    headers |= {"X-Inferoute-Fallback": ",".join(ask["fallback"])} if "fallback" in ask else {}
    named = {} if ask.get("model") is None else {"model": ask["model"]}
    if ask.get("endpoint") == "embeddings":
        extra = {"dimensions": 8} if "dimensions" in ask.get("features", ()) else {}
        return "/v1/embeddings", {"input": text} | named | extra, headers
    if ask.get("endpoint") == "completions":
        return "/v1/completions", {"prompt": text} | named, headers
    return "/v1/chat/completions", body | named, headers


def by_http(client: httpx.Client, body: Yaml, headers: dict[str, str]) -> httpx.Response:
    return client.post("/v1/explain", json=body, headers=headers)


def by_command(config: Path, key: str, body: Yaml, headers: dict[str, str]) -> Yaml | None:
    """None where the body itself is refused."""
    options = ["--key", key, "--format", "json"]
    options += ["--strategy", headers["X-Inferoute-Strategy"]] if "X-Inferoute-Strategy" in headers else []
    options += ["--fallback", headers["X-Inferoute-Fallback"]] if "X-Inferoute-Fallback" in headers else []
    result = CliRunner().invoke(main, ["explain", str(config), *options, "--body", "-"], input=json.dumps(body))
    if result.exit_code == 2:
        assert "the body would be refused" in result.stderr
        return None
    told: Yaml = json.loads(result.stdout)
    assert result.exit_code == (0 if told["verdict"]["ok"] else 1)
    return told


def cases_of(path: Path) -> Iterator[tuple[Yaml, list[Yaml]]]:
    golden = yaml.safe_load(path.read_text())
    cases = [case for case in golden["cases"] if expressible(case)]
    if cases:
        yield golden["world"], cases


FAIL = "!fail-500 "


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_explain_by_http_and_command_and_serving_decide_alike(path: Path, tmp_path: Path) -> None:
    for world, cases in cases_of(path):
        config = tmp_path / "tokenhub.yaml"
        config.write_text(yaml.safe_dump(the_files_of(world, cases)))
        with serving(config, tmp_path) as gateway:
            requests = [the_request(case["ask"]) for case in cases]
            for number, (_, body, headers) in enumerate(requests):
                with gateway.client(f"th-case-{number}") as client:
                    answer = by_http(client, body, headers)
                    offline = by_command(config, f"k{number}", body, headers)
                    if answer.status_code == 200:
                        assert offline == answer.json(), cases[number]["name"]
                    else:
                        assert offline is None
            for number, request in enumerate(requests):
                assert_served_as_explained(gateway, f"th-case-{number}", *request)


def assert_served_as_explained(gateway: Serving, key: str, path: str, body: Yaml, headers: dict[str, str]) -> None:
    with gateway.client(key) as client:
        explained = by_http(client, body, headers)
        served = client.post(path, json=body, headers=headers)
        if explained.status_code != 200:
            assert (explained.status_code, explained.json().keys()) == (served.status_code, served.json().keys())
            return
        verdict, steps = explained.json()["verdict"], explained.json()["steps"]
        assert served.status_code == verdict["status"]
        if verdict["ok"]:
            assert served.headers["x-tokenhub-model"] == verdict["offer"] == steps[0]["offer"]
            assert served.headers["x-tokenhub-reason"] == verdict["reason"]
        else:
            code = served.json().get("code") or served.json()["error"]["code"]
            assert code == verdict["code"]
        if verdict["ok"] and path != "/v1/embeddings":
            assert_fails_as_explained(client, path, failing(body), headers)


def failing(body: Yaml) -> Yaml:
    """The same, and every provider answers 500."""
    if "prompt" in body:
        return body | {"prompt": FAIL + body["prompt"]}
    inner = body.get("request", body)
    first = inner["messages"][0]
    content = first["content"]
    if isinstance(content, str):
        content = FAIL + content
    else:
        content = [{"type": "text", "text": FAIL + content[0]["text"]}, *content[1:]]
    changed = inner | {"messages": [first | {"content": content}]}
    return body | {"request": changed} if "request" in body else changed


def assert_fails_as_explained(client: httpx.Client, path: str, body: Yaml, headers: dict[str, str]) -> None:
    """Whoever is tried in vain is tried in the order that was explained."""
    explained = by_http(client, body, headers).json()
    failed = client.post(path, json=body, headers=headers)
    assert failed.status_code >= 500
    told = failed.json().get("attempts") or failed.json()["error"]["attempts"]
    steps = explained["steps"][: explained["attempts"]]
    assert [(one["provider"], one["model"]) for one in told] == [(step["provider"], step["model"]) for step in steps]


def test_most_golden_cases_can_be_expressed() -> None:
    assert sum(len(cases) for path in FILES for _, cases in cases_of(path)) >= 65
