"""Another gateway's configuration, translated: what comes out is valid, and nothing goes missing in silence."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.litellm import Translation, translate
from gateway.config.load import Loading, World, load

FOLDER = Path(__file__).parent.parent / "data" / "litellm"
FILES = sorted(FOLDER.glob("*.yaml"))


def translated(name: str) -> Translation:
    (file,) = FOLDER.glob(f"{name}*.yaml")
    return translate(file.name, file.read_text())


def said(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(translated(name).text)
    return found


def losses(name: str, kind: str) -> dict[str, str]:
    return {loss.path: loss.why for loss in translated(name).losses if loss.kind == kind}


def loaded(text: str, folder: Path) -> Loading:
    (folder / "tokenhub.yaml").write_text(text)
    return load(folder / "tokenhub.yaml", World(env={}, today=date(2026, 11, 1), secrets="skip"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_comes_out_is_valid(file: Path, tmp_path: Path) -> None:
    translation = translate(file.name, file.read_text())
    assert translation.problems == ()
    problems = loaded(translation.text, tmp_path).problems
    assert [problem.message for problem in problems if problem.severity == "error"] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_loss_points_at_its_line(file: Path) -> None:
    lines = file.read_text().splitlines()
    for loss in translate(file.name, file.read_text()).losses:
        last = loss.path.rpartition(".")[2].partition("[")[0]
        assert last in lines[loss.line - 1] or loss.path.endswith("]") or "there is none" in loss.why, loss
        assert loss.why


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_secret_is_repeated(file: Path) -> None:
    translation = translate(file.name, file.read_text())
    assert "CANARY" not in translation.text
    assert not any("CANARY" in loss.why for loss in translation.losses)


def test_a_model_alone_is_carried_over_without_a_word() -> None:
    assert translated("01").losses == ()
    assert said("01")["models"]["chat"]["offers"][0]["id"] == "gpt-4o-mini"
    assert said("01")["models"]["chat"]["offers"][0]["price"]["input"] > 0, "the catalogue knows it"


def test_regions_become_offers_of_one_model() -> None:
    config = said("02")
    offers = config["models"]["gpt-4o"]["offers"]
    assert [(offer["provider"], offer["weight"]) for offer in offers] == [
        ("azure", 900),
        ("azure-2", 300),
        ("openai", 100),
    ]
    assert offers[0]["price"] == {"input": 2.5, "output": 10.0, "cached_input": 1.25}
    assert config["models"]["gpt-4o"]["capabilities"] == ["chat", "json_schema", "tools", "vision"]
    azure = config["providers"]["azure-2"]
    assert azure["base_url"] == "https://contoso-france.openai.azure.com"
    assert azure["api_key"] == "${env:AZURE_FRANCE_KEY}"
    assert azure["options"] == {"api_version": "2024-10-21"}
    assert azure["timeouts"] == {"first_byte": "15s", "total": "45s"}
    assert config["state"] == "redis://:${env:REDIS_PASSWORD}@redis.internal:6380/0"
    assert config["routing"]["retries"] == {"per_offer": 2, "max_attempts": 4, "backoff": "1s"}
    assert "router_settings.routing_strategy" in losses("02", "approximated")


def test_chains_have_no_circles_and_lead_somewhere() -> None:
    config = said("03")
    assert config["fallbacks"] == {"writer": ["thinker", "quick"], "quick": ["thinker"]}
    assert config["aliases"] == {"smart": "writer", "hidden-one": "thinker"}
    assert config["defaults"]["default_model"] == "smart"
    lost = losses("03", "lost")
    assert "circle" in lost["litellm_settings.fallbacks.thinker"]
    assert "no such model" in lost["litellm_settings.fallbacks.quick"]
    assert "already" in lost["router_settings.model_group_alias.writer"]
    assert "answer here" in lost["litellm_settings.content_policy_fallbacks"]
    assert config["routing"]["health"] == {"open_after": 3, "open_for": "20.5s"}
    assert config["providers"]["groq"]["max_concurrency"] == 25
    assert config["providers"]["groq"]["timeouts"]["total"] == "90s"


def test_servers_of_ones_own_need_no_key_and_may_be_near() -> None:
    config = said("04")
    assert [provider["dialect"] for provider in config["providers"].values()] == [
        "vllm",
        "openai",
        "ollama",
        "openai",
        "lmstudio",
    ]
    assert config["providers"]["openai"] == {
        "dialect": "openai",
        "base_url": "http://10.4.0.17:8000/v1",
        "allow_private": True,
    }
    assert config["providers"]["ollama"]["base_url"] == "http://ollama:11434/v1"
    assert config["models"]["vectors"]["capabilities"] == ["embeddings"]
    assert config["models"]["llama"]["offers"][0]["price"] == {"input": 0.0, "output": 0.0}
    assert "unpriced" in config["models"]["small"]["offers"][0]
    assert set(losses("04", "lost")) == {
        "model_list[2].litellm_params.num_ctx",
        "model_list[2].litellm_params.keep_alive",
    }


def test_clouds_keep_their_credentials_as_references() -> None:
    config = said("05")
    assert config["providers"]["bedrock"]["options"]["access_key_id"] == "${env:AWS_ACCESS_KEY_ID}"
    assert config["providers"]["bedrock-2"]["options"]["role_arn"] == "arn:aws:iam::123456789012:role/gateway"
    assert config["models"]["claude-on-aws"]["offers"][0]["id"] == "anthropic.claude-3-5-sonnet-20241022-v2:0"
    assert config["providers"]["vertex"]["options"]["credentials"] == "${file:/etc/google/service-account.json}"
    assert config["providers"]["azure"]["options"]["client_secret"] == "${env:AZURE_CLIENT_SECRET}"
    assert "allow_private" not in config["providers"]["azure"]
    lost = losses("05", "lost")
    assert "sagemaker" in lost["model_list[4].litellm_params"]
    assert "no endpoint" in lost["model_list[5].model_info"]
    assert not {"paints", "ranks"} & set(config["models"])


def test_each_secret_that_was_written_out_gets_a_variable_of_its_own() -> None:
    config = said("06")
    keys = [provider["api_key"] for provider in config["providers"].values()]
    assert keys == ["${env:OPENAI_API_KEY}", "${env:OPENAI_API_KEY_2}", "${env:ANTHROPIC_API_KEY}"]
    assert config["providers"]["anthropic"]["headers"] == {
        "Authorization": "${env:AUTHORIZATION_HEADER}",
        "X-Team": "routing",
    }
    assert config["ledger"] == "${env:DATABASE_URL}"
    assert config["keys"][0]["name"] == "master", "whoever has the key still comes in"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", config["keys"][0]["digest"])
    assert len(losses("06", "secret")) == 7


def test_names_with_slashes_stay_names() -> None:
    config = said("07")
    assert set(config["models"]) == {"openai/gpt-4o", "gpt-4o", "azure/gpt-4o", "Our-Favourite-Really", "auto-model"}
    assert set(config["providers"]) == {"openai-api", "azure-api", "mistral", "deepseek"}, (
        "or names would mean two things"
    )
    assert config["aliases"] == {"openai/gpt-4": "openai/gpt-4o"}
    assert config["fallbacks"]["openai/gpt-4o"] == ["Our-Favourite-Really", "auto-model"]


def test_a_grown_file_is_told_line_by_line() -> None:
    config, lost = said("08"), losses("08", "lost")
    assert config["providers"]["openai"] == {
        "dialect": "openai",
        "base_url": "https://eu.api.openai.com/v1",
        "api_key": "${env:SHARED_KEY}",
    }
    assert config["models"]["gpt-4o"]["offers"][0]["price"]["above"] == {"tokens": 200000, "input": 5.0, "output": 20.0}
    assert config["models"]["old"]["capabilities"] == ["completions"]
    assert config["defaults"] == {"strategy": "round-robin", "unsupported_parameters": "drop"}
    assert config["server"] == {"max_in_flight": 300}
    assert config["routing"]["health"]["probe"] == {"every": "300s"}
    for path in (
        "include",
        "guardrails",
        "mcp_servers",
        "environment_variables",
        "credential_list[0].credential_info",
        "model_list[0].litellm_params.unheard_of",
        "model_list[3].model_name",
        "general_settings.custom_auth",
        "litellm_settings.cache_params",
        "router_settings.num_retries",
    ):
        assert path in lost
    assert "litellm_settings.set_verbose" not in lost, "it was switched off"


def test_wildcards_become_the_catalogue(tmp_path: Path) -> None:
    config = said("09")
    assert config["include"] == ["catalog/openai.yaml", "catalog/anthropic.yaml"]
    assert config["fallbacks"] == {"house": ["openai/gpt-6-luna", "claude-sonnet-5-5"]}
    declared = loaded(translated("09").text, tmp_path).declaration
    assert declared is not None
    assert len(declared.models) > 20


@pytest.mark.parametrize(
    ("text", "code"), [("model_list: [", "TH1101"), ("", "TH1006"), ("a: &x [*x]", "TH1107"), ("a: 1\na: 2", "TH1103")]
)
def test_what_cannot_be_read_is_a_problem_with_a_place(text: str, code: str) -> None:
    translation = translate("config.yaml", text)
    assert translation.text == ""
    assert [problem.code for problem in translation.problems][:1] == [code]


def maps_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a key that nobody knows can be put."""
    found = [path] if isinstance(value, dict) else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += maps_of(child, (*path, key))
    return found


OF_OTHERS = {"environment_variables", "guardrails", "mcp_servers", "cache_params", "pass_through_endpoints"}
OPEN = {"extra_headers", "model_group_alias", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks"}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_key_that_nobody_knows_is_never_dropped_in_silence(file: Path, data: st.DataObject) -> None:
    whole = yaml.safe_load(file.read_text())
    wanted = [
        path
        for path in maps_of(whole)
        if not set(path) & (OF_OTHERS | OPEN) and path[-1:] not in (("credential_info",), ("retry_policy",))
    ]
    path = data.draw(st.sampled_from([path for path in wanted if "default_team_settings" not in path]))
    place = whole
    for step in path:
        place = place[step]
    place["never_heard_of"] = "value"
    translation = translate("config.yaml", yaml.safe_dump(whole, sort_keys=False))
    told = [loss.path for loss in translation.losses]
    outer = [loss.path for loss in translation.losses if loss.kind == "lost" and "left out" in loss.why]
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    assert any("never_heard_of" in one for one in told) or any(one.startswith(written[:13]) for one in outer), told
