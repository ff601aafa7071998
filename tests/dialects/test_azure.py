"""Azure OpenAI: addresses, keys, Entra tokens."""

from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from gateway.dialects.base import Around, Proof, Token
from gateway.dialects.registry import dialect_of
from gateway.domain.call import Call, Reply
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

AZURE = dialect_of("azure")
BASE = "https://res.openai.azure.com"
KEY = Secret("azure-key")
ENTRA = {"tenant_id": "tenant-1", "client_id": "client-1", "client_secret": "CANARY-secret"}


def resource(base_url: str = BASE, api_key: Secret | None = KEY, **options: str) -> Provider:
    given = MappingProxyType({name: Secret(value) for name, value in options.items()})
    return a_provider("azure", dialect="azure", base_url=base_url, api_key=api_key, options=given)


def call(provider: Provider, endpoint: Any = "chat", deployment: str = "gpt4o-prod", **fields: Any) -> Call:
    payload = {"model": "smart", "messages": [], **fields}
    ask = an_ask(endpoint=endpoint, payload=payload)
    return AZURE.request(ask, an_offer(deployment), provider)


URLS = [
    ({"api_version": "2024-10-21"}, "chat", "/openai/deployments/gpt4o-prod/chat/completions?api-version=2024-10-21"),
    ({"api_version": "2024-10-21"}, "embeddings", "/openai/deployments/gpt4o-prod/embeddings?api-version=2024-10-21"),
    ({"api_version": "2024-10-21"}, "completions", "/openai/deployments/gpt4o-prod/completions?api-version=2024-10-21"),
    ({"api_version": "v1"}, "chat", "/openai/v1/chat/completions"),
    ({"api_version": "preview"}, "chat", "/openai/v1/chat/completions?api-version=preview"),
    ({}, "chat", "/openai/v1/chat/completions"),
]


@pytest.mark.parametrize(("options", "endpoint", "path"), URLS)
@pytest.mark.parametrize("ending", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_a_deployment_has_its_address(options: dict[str, str], endpoint: str, path: str, ending: str) -> None:
    made = call(resource(BASE + ending, **options), endpoint)
    assert made.url == BASE + path
    assert msgspec.json.decode(made.body)["model"] == "gpt4o-prod"


def test_x02_a_deployments_name_cannot_leave_its_place() -> None:
    made = call(resource(api_version="2024-10-21"), deployment="../../x?y#z")
    assert made.url.startswith(f"{BASE}/openai/deployments/..%2F..%2Fx%3Fy%23z/chat/completions?api-version=")


def test_a_key_goes_into_its_own_header() -> None:
    headers = dict(call(resource()).headers)
    assert headers["api-key"] == "azure-key"
    assert "authorization" not in headers
    assert AZURE.token_call(resource(), Around(now_unix=0.0)) is None


def test_the_bound_on_output_is_new_on_the_new_surface_and_as_written_on_the_old() -> None:
    assert b"max_completion_tokens" in call(resource(), max_tokens=5).body
    assert b'"max_tokens"' in call(resource(api_version="2024-10-21"), max_tokens=5).body
    assert b'"max_tokens"' in call(resource(max_tokens_field="max_tokens"), max_completion_tokens=5).body


def test_old_versions_are_not_asked_for_stream_usage() -> None:
    ask = an_ask(stream=True)
    for version, asked in (("2024-02-01", False), ("2024-10-21", True), ("v1", True)):
        body = AZURE.request(ask, an_offer(), resource(api_version=version)).body
        assert (b"include_usage" in body) == asked


def token_call(provider: Provider, **around: Any) -> Any:
    return AZURE.token_call(provider, Around(now_unix=100.0, **around))


def test_a_client_secret_is_exchanged_for_a_token() -> None:
    made = token_call(resource(api_key=None, **ENTRA))
    assert made.url == "https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token"
    form = {name: values[0] for name, values in parse_qs(made.body.decode()).items()}
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "client-1",
        "client_secret": "CANARY-secret",
        "scope": "https://cognitiveservices.azure.com/.default",
    }


def test_the_federated_token_that_a_cluster_mounts_is_exchanged_too() -> None:
    environment = {
        "AZURE_TENANT_ID": "t",
        "AZURE_CLIENT_ID": "c",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/token",
        "AZURE_AUTHORITY_HOST": "https://login.example/",
    }
    made = token_call(resource(api_key=None), environment=environment, read={"/var/token": "jwt\n"}.get)
    assert made.url == "https://login.example/t/oauth2/v2.0/token"
    form = parse_qs(made.body.decode())
    assert form["client_assertion"] == ["jwt"]
    assert form["client_id"] == ["c"]


@pytest.mark.parametrize("left_out", ENTRA)
def test_without_key_or_client_there_is_a_reason(left_out: str) -> None:
    options = {name: value for name, value in ENTRA.items() if name != left_out}
    failure = token_call(resource(api_key=None, **options))
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code, failure.blame) == ("refused", "upstream_auth", "provider")


def test_a_token_lives_as_long_as_it_says_and_goes_as_bearer() -> None:
    body = b'{"token_type":"Bearer","expires_in":3599,"access_token":"entra-CANARY"}'
    token = AZURE.token_answer(Reply(status=200, headers=(), body=body), 100.0)
    assert isinstance(token, Token)
    assert token.expires_unix == 3699.0
    made = AZURE.request(an_ask(), an_offer(), resource(api_key=None, **ENTRA), Proof(token=token))
    assert dict(made.headers)["authorization"] == "Bearer entra-CANARY"
    assert "api-key" not in dict(made.headers)
    listing = AZURE.listing(resource(api_key=None, **ENTRA), Proof(token=token))
    assert listing is not None
    assert dict(listing.headers)["authorization"] == "Bearer entra-CANARY"
    assert listing.url == f"{BASE}/openai/v1/models"


TOKEN_FAILURES = [
    (400, b'{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret."}', "refused"),
    (401, b"<html>", "refused"),
    (200, b'{"access_token":7}', "refused"),
    (503, b"", "transient"),
]


@pytest.mark.parametrize(("status", "body", "kind"), TOKEN_FAILURES)
def test_a_token_that_is_not_given_is_a_failure(status: int, body: bytes, kind: str) -> None:
    failure = AZURE.token_answer(Reply(status=status, headers=(), body=body), 0.0)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code, failure.status) == (kind, "upstream_auth", status)
