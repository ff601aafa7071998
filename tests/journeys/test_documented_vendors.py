"""What the page about dialects shows is what happens: a vendor that needs YAML only, a key for each dialect."""

import re
from pathlib import Path

import yaml

from gateway.domain.dialect_facts import DIALECTS
from tests.serving import digest_of, serving
from tests.wire import Wire

PAGE = (Path(__file__).parent.parent.parent / "docs" / "dialects.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(version: 1\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HELLO = [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello!"}]


def acme(url: str) -> str:
    (text,) = [block for block in BLOCKS if "acme" in block]
    text = text.replace("https://llm.acme.example/v1", f"{url}/v1").replace(
        "    headers:", "    allow_private: true\n    headers:"
    )
    return text + f"keys: [{{name: caller, digest: '{digest_of()}'}}]\n"


def test_a_vendor_that_nobody_has_heard_of_needs_yaml_only(tmp_path: Path) -> None:
    with Wire() as wire, serving(acme(wire.url), tmp_path, env={"ACME_API_KEY": "acme-CANARY"}) as gateway:
        with gateway.client() as client:
            asked = {"model": "acme-large", "messages": HELLO, "max_completion_tokens": 7, "seed": 3, "user": "ada"}
            answer = client.post("/v1/chat/completions", json=asked)
            assert answer.status_code == 200, answer.text
            refused = client.post("/v1/chat/completions", json=asked | {"n": 2})
        assert answer.json()["model"] == "acme/acme-large-2"
        assert (refused.status_code, refused.json()["error"]["param"]) == (422, "n")
        assert refused.json()["provider"] == "acme"
        (seen,) = wire.requests
        assert (seen.path, seen.header("authorization"), seen.header("x-acme-team")) == (
            "/v1/chat/completions",
            "Bearer acme-CANARY",
            "search",
        )
        assert seen.json == {
            "model": "acme-large-2",
            "messages": [{"role": "system", "content": "Be kind."}, HELLO[1]],
            "max_tokens": 7,
            "random_seed": 3,
        }


def test_the_page_configures_every_way_of_speaking() -> None:
    shown = {provider["dialect"] for block in BLOCKS for provider in yaml.safe_load(block)["providers"].values()}
    assert {facts.speaks for facts in DIALECTS.values()} - {"echo"} <= shown
