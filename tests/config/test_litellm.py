"""Another gateway's configuration, translated: what comes out is valid, and nothing goes missing in silence."""

import copy
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.litellm import Loss, Translation, translate
from gateway.config.load import Loading, World, load
from gateway.config.tree import written

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
        assert last in lines[loss.line - 1] or loss.path.endswith("]") or "there is no" in loss.why, loss
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
    assert "no endpoint" in lost["model_list[5].litellm_params"]
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


def test_a_wildcard_takes_its_address_and_its_key_along() -> None:
    config = said("18")
    assert config["include"] == ["catalog/azure.yaml"]
    assert config["providers"]["azure"] == {
        "dialect": "azure",
        "base_url": "${env:AZURE_EU}",
        "api_key": "${env:AZURE_EU_KEY}",
    }
    assert config["records"] == {"keep": "90d"}
    assert config["server"] == {"max_in_flight": 400, "max_body": "20MiB"}
    assert "no model uses" in losses("18", "lost")["credential_list[0].credential_values.api_key"]


def test_what_is_merged_by_anchors_is_there_and_the_nearest_word_counts() -> None:
    config = said("13")
    azure, other = config["providers"].values()
    assert (azure["base_url"], other["base_url"]) == ("https://weu.openai.azure.com", "https://swe.openai.azure.com")
    assert azure["api_key"] == other["api_key"] == "${env:AZURE_KEY}"
    assert (azure["timeouts"]["total"], other["timeouts"]["total"]) == ("60s", "20s")
    assert [offer["weight"] for offer in config["models"]["gpt-4o"]["offers"]] == [500, 500]
    assert config["models"]["gpt-4o"]["context_window"] == 128_000
    assert not any(path.startswith("x-") for path in losses("13", "lost"))


@pytest.mark.parametrize(
    ("merge", "code"),
    [("a: &a {<<: *a, b: 1}", "TH1107"), ("a: &a {b: 1}\nc: {<<: *a, <<: *a}", None), ("c: {<<: [{b: 1}, 3]}", None)],
)
def test_odd_merges_end(merge: str, code: str | None) -> None:
    problems = translate("config.yaml", merge).problems
    assert [problem.code for problem in problems][:1] == ([code] if code else [])


def test_merges_of_merges_are_no_bomb() -> None:
    steps = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 40)}], k{n}: 1}}" for n in range(1, 9)]
    translation = translate("config.yaml", "a0: &a0 {k0: 1}\n" + "\n".join(steps))
    assert [problem.code for problem in translation.problems][:1] == ["TH1106"]


def test_what_another_tool_would_fill_in_is_a_variable_or_nothing() -> None:
    config, lost = said("12"), losses("12", "lost")
    urls = [provider.get("base_url") for provider in config["providers"].values()]
    assert urls == [
        "${env:VLLM_SERVICE_URL}",
        "http://${env:VLLM_HOST:-vllm.ml}:8000/v1",
        "http://phi.internal:8000/v1",
        None,
    ]
    assert config["state"] == "redis://${env:REDIS_HOST}:6379/0"
    assert "templated" not in config["models"], "nobody knows where it is"
    assert "template" in lost["model_list[2].litellm_params.api_base"]
    assert "template" in lost["model_list[4].litellm_params.api_key"]


def test_models_that_no_endpoint_serves_are_told_by_their_mode_or_their_name() -> None:
    config = said("15")
    assert set(config["models"]) == {"chat", "answers", "embed", "embed-voyage", "embed-own"}
    assert config["models"]["answers"]["offers"][0]["id"] == "gpt-6-sol"
    left_out = [path for path, why in losses("15", "lost").items() if "no endpoint for this mode" in why]
    assert left_out == [f"model_list[{n}].litellm_params" for n in range(5, 13)]


def test_places_that_the_dialect_does_not_reach_are_left_out() -> None:
    config, lost = said("14"), losses("14", "lost")
    offers = [(offer["provider"], offer["id"]) for offer in config["models"]["claude-sonnet"]["offers"]]
    assert offers == [("anthropic", "claude-sonnet-5-5"), ("bedrock", "anthropic.claude-sonnet-4-6")]
    assert "Google's own models" in lost["model_list[2].litellm_params"]
    assert "azure_ai" in lost["model_list[4].litellm_params"]
    assert config["providers"]["vertex"]["options"] == {
        "project": "our-project",
        "location": "europe-west4",
        "credentials": "${env:GOOGLE_KEY}",
    }
    assert "certificates" in lost["litellm_settings.ssl_verify"], "switched off, and that means something"


def test_chains_may_be_a_map_and_nobody_leans_on_himself() -> None:
    config, lost = said("16"), losses("16", "lost")
    assert config["fallbacks"] == {"prod": ["spare", "last"], "spare": ["last"], "old-name": ["last"]}
    assert "for itself" in lost["router_settings.fallbacks.prod"]
    assert "a map" in lost["router_settings.context_window_fallbacks[0]"]


def test_hosts_without_a_dialect_here_are_reached_by_their_address() -> None:
    places = said("17")["providers"]
    assert {place.get("base_url") for place in places.values()} >= {
        "https://api.sambanova.ai/v1",
        "https://api.llama.com/compat/v1",
        "https://models.example.com/v1",
        "${env:HOSTED_VLLM_API_BASE}",
        "${env:AZURE_API_BASE}",
    }
    assert places["openai"] == {
        "dialect": "openai",
        "base_url": "https://api.sambanova.ai/v1",
        "api_key": "${env:SAMBANOVA_API_KEY}",
    }
    assert places["azure"]["api_key"] == "${env:AZURE_API_KEY}"


@pytest.mark.parametrize(
    ("text", "code"), [("model_list: [", "TH1101"), ("", "TH1006"), ("a: &x [*x]", "TH1107"), ("a: 1\na: 2", "TH1103")]
)
def test_what_cannot_be_read_is_a_problem_with_a_place(text: str, code: str) -> None:
    translation = translate("config.yaml", text)
    assert translation.text == ""
    assert [problem.code for problem in translation.problems][:1] == [code]


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something is said."""
    if isinstance(value, dict | list) and value:
        children = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, child in children for leaf in leaves_of(child, (*path, key))]
    return [path]


def set_at(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy that says something else there, or nothing."""
    copied = copy.deepcopy(whole)
    place = copied
    for step in path[:-1]:
        place = place[step]
    if value is None and isinstance(place, dict):
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copied


def outcome(whole: Any) -> object:
    translation = translate("config.yaml", yaml.safe_dump(whole, sort_keys=False))
    return translation.text, {(loss.kind, loss.path, loss.why) for loss in translation.losses}


def told_of(path: tuple[Any, ...], losses: tuple[Loss, ...]) -> bool:
    """Whether the report has this, what it stands in, or the entry that was left out as a whole."""
    here = re.sub(r"(fallbacks)\[\d+\]", r"\1", written(path))
    whole = [re.sub(r"(fallbacks)\[\d+\]", r"\1", loss.path) for loss in losses if "left out" not in loss.why]
    entries = [loss.path.partition("]")[0] + "]" for loss in losses if "left out" in loss.why]
    return any(here == one or here.startswith((f"{one}.", f"{one}[")) for one in whole + entries)


MEANS_NOTHING = {"openai", "True", "true", "False", "simple-shuffle", "chat", "yes"}
"""Values that are what would be so without them."""
SAID_ELSEWHERE = {"base_model", "credential_name"}
"""The first only helps where facts are missing, the second is a name for what is said below it."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_whatever_is_said_is_in_the_result_or_in_the_report(file: Path) -> None:
    """Told as lost, or else the result is another one where it says something else, or nothing."""
    whole = yaml.safe_load(file.read_text())
    losses, before = translate(file.name, file.read_text()).losses, outcome(whole)
    silent = []
    for path in leaves_of(whole):
        if told_of(path, losses) or str(path[0]).startswith("x-"):
            continue
        value = whole
        for step in path:
            value = value[step]
        if value in (False, None, [], {}) or str(value) in MEANS_NOTHING or "*" in str(value):
            continue
        if path[-1] in SAID_ELSEWHERE:
            continue
        others = (None, 7777 if isinstance(value, int | float) else f"{value}7")
        if all(outcome(set_at(whole, path, other)) == before for other in others):
            silent.append(f"{written(path)}: {value!r}")
    assert silent == []


def maps_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a key that nobody knows can be put."""
    found = [path] if isinstance(value, dict) else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += maps_of(child, (*path, key))
    return found


OPEN = {"extra_headers", "model_group_alias", "model_alias_map", "fallbacks", "context_window_fallbacks"}
"""Maps by names that people choose."""
HOLDS_ANCHORS = {"x-limits", "x-azure", "x-facts"}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_key_that_nobody_knows_is_never_dropped_in_silence(file: Path, data: st.DataObject) -> None:
    whole = yaml.safe_load(file.read_text())
    path = data.draw(st.sampled_from([path for path in maps_of(whole) if not set(path) & (OPEN | HOLDS_ANCHORS)]))
    place = whole
    for step in path:
        place = place[step]
    place["never_heard_of"] = "value"
    losses = translate("config.yaml", yaml.safe_dump(whole, sort_keys=False)).losses
    assert told_of((*path, "never_heard_of"), losses), losses
