"""Gemini at Vertex AI: its addresses and its tokens."""

import binascii
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from gateway.dialects.base import Around, Proof, Token
from gateway.dialects.gemini.vertex import Vertex
from gateway.domain.call import Call, Reply
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

BASE = "https://europe-west1-aiplatform.googleapis.com/v1beta1"
OFFER = an_offer("gemini-3.5-flash", "vertex")
NOW = 1_800_000_000.0


def provider(key: Secret | None = None, **options: str) -> Provider:
    held = MappingProxyType({name: Secret(value) for name, value in options.items()})
    return a_provider("vertex", dialect="vertex", base_url=BASE, options=held, api_key=key)


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(private: Any) -> str:
    how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    text: str = private.private_bytes(*how).decode()
    return text


def account(**more: Any) -> str:
    fields = {
        "type": "service_account",
        "client_email": "hub@p.iam.gserviceaccount.com",
        "private_key_id": "k1",
        "private_key": pem(key()),
    }
    return msgspec.json.encode(fields | more).decode()


def decoded(part: str) -> bytes:
    return binascii.a2b_base64(part.translate(str.maketrans("-_", "+/")) + "=" * (-len(part) % 4))


def wanted(place: Provider, **around: Any) -> Any:
    return Vertex().token_call(place, Around(now_unix=NOW, **around))


def test_a_project_and_a_location_are_in_the_address_and_the_token_in_a_header() -> None:
    token = Token(value=Secret("ya29.token"), expires_unix=NOW + 3600)
    place = provider(project="my-project", location="europe-west1")
    call = Vertex().request(an_ask(), OFFER, place, Proof(now_unix=NOW, token=token))
    home = f"{BASE}/projects/my-project/locations/europe-west1"
    assert call.url == f"{home}/publishers/google/models/gemini-3.5-flash:generateContent"
    assert dict(call.headers)["authorization"] == "Bearer ya29.token"
    tuned = an_offer("endpoints/123", "vertex")
    streamed = Vertex().request(an_ask(stream=True), tuned, place)
    assert streamed.url == f"{home}/endpoints/123:streamGenerateContent?alt=sse"
    assert "/locations/global/" in Vertex().request(an_ask(), OFFER, provider(project="p")).url


def test_a_key_alone_is_express_mode() -> None:
    place = provider(Secret("key"))
    call = Vertex().request(an_ask(), OFFER, place)
    assert call.url == f"{BASE}/publishers/google/models/gemini-3.5-flash:generateContent"
    assert dict(call.headers)["x-goog-api-key"] == "key"
    assert wanted(place) is None
    assert Vertex().listing(place) is None


def test_embeddings_are_predictions() -> None:
    payload = {"model": "x", "input": ["a", "b"], "dimensions": 3}
    ask = an_ask(endpoint="embeddings", payload=payload)
    call = Vertex().request(ask, an_offer("gemini-embedding-001", "vertex"), provider(project="p"))
    assert call.url.endswith("/publishers/google/models/gemini-embedding-001:predict")
    assert msgspec.json.decode(call.body) == {
        "instances": [{"content": "a"}, {"content": "b"}],
        "parameters": {"outputDimensionality": 3},
    }


def test_service_tiers_are_refused_there() -> None:
    ask = an_ask(payload={"model": "x", "messages": [{"role": "user", "content": "x"}], "service_tier": "flex"})
    assert Vertex().unsayable(ask, provider()) == ("service_tier",)
    assert "serviceTier" not in msgspec.json.decode(Vertex().request(ask, OFFER, provider()).body)


def test_a_service_account_signs_for_its_token() -> None:
    call = wanted(provider(credentials=account()))
    assert isinstance(call, Call)
    assert call.url == "https://oauth2.googleapis.com/token"
    form = parse_qs(call.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    head, claims, signature = form["assertion"][0].split(".")
    assert msgspec.json.decode(decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert msgspec.json.decode(decoded(claims)) == {
        "iss": "hub@p.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
    }
    key().public_key().verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())


def test_credentials_are_found_in_the_environment_or_on_the_machine() -> None:
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": "/adc.json"}
    login = '{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}'
    call = wanted(provider(), environment=environment, read={"/adc.json": login}.get)
    assert parse_qs(call.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["i"],
        "client_secret": ["s"],
        "refresh_token": ["r"],
    }
    machine = wanted(provider())
    assert (machine.method, dict(machine.headers)) == ("GET", {"metadata-flavor": "Google"})


@pytest.mark.parametrize(
    ("credentials", "why"),
    [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"type":"external_account"}', "service_account or authorized_user"),
        ('{"type":"service_account","private_key":"nonsense"}', "cannot be read"),
        (account(private_key=pem(ec.generate_private_key(ec.SECP256R1()))), "not an RSA key"),
    ],
)
def test_credentials_that_are_no_good_are_a_failure_that_says_why(credentials: str, why: str) -> None:
    failure = wanted(provider(credentials=credentials))
    assert isinstance(failure, Failure)
    assert failure.code == "upstream_auth"
    assert why in failure.message


def test_the_answer_brings_a_token_or_the_reason_why_not() -> None:
    good = Reply(status=200, headers=(), body=b'{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}')
    assert Vertex().token_answer(good, NOW) == Token(value=Secret("ya29.x"), expires_unix=NOW + 3599)
    bad = Reply(status=400, headers=(), body=b'{"error":"invalid_grant","error_description":"Invalid JWT"}')
    failure = Vertex().token_answer(bad, NOW)
    assert isinstance(failure, Failure)
    assert "Invalid JWT" in failure.message
    for body in (b"", b"[]", b'{"access_token":5,"expires_in":1}', b'{"access_token":"x","expires_in":-1}'):
        assert isinstance(Vertex().token_answer(Reply(status=200, headers=(), body=body), NOW), Failure)
