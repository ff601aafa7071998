"""AWS's published test suite for Signature Version 4: the requests and the signatures they must get."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects.bedrock.sigv4 import Keys, Scope, canonical_request, sign

VECTORS = json.loads(Path(__file__).with_name("sigv4_vectors.json").read_text())
NOON = 1_440_938_160.0
SCOPE = Scope(region="us-east-1", service="service")
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_published_request_gets_its_published_signature(vector: dict[str, Any]) -> None:
    keys = Keys(access_key_id="AKIDEXAMPLE", secret_access_key=SECRET, session_token=vector["session_token"])
    headers = sign(
        keys,
        SCOPE,
        NOON,
        method=vector["method"],
        url="https://example.amazonaws.com" + vector["target"],
        headers=tuple((name, value) for name, value in vector["headers"]),
        body=vector["body"].encode(),
    )
    assert dict(headers)["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={vector['signed_headers']}, Signature={vector['signature']}"
    )


def test_the_whole_suite_is_here() -> None:
    assert len(VECTORS) == 34


def test_a_path_is_signed_encoded_once_more_than_it_is_sent() -> None:
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-v1%3A0/converse"
    _, text = canonical_request("POST", url, (), b"")
    assert text.split("\n")[1] == "/model/us.anthropic.claude-v1%253A0/converse"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com/", "example.com"),
        ("https://Example.com:443/", "example.com"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
    ],
)
def test_the_host_is_signed_as_it_is_sent(url: str, host: str) -> None:
    assert f"\nhost:{host}\n" in canonical_request("GET", url, (), b"")[1]


def test_keys_do_not_show_themselves() -> None:
    assert SECRET not in repr(Keys(access_key_id="AKIDEXAMPLE", secret_access_key=SECRET))
