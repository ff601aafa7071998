"""Where the keys come from, and how a role is taken on."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qs

import pytest

from gateway.dialects.base import Around, Proof, Token
from gateway.dialects.bedrock.dialect import Bedrock
from gateway.domain.call import Call, Reply
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

BEDROCK = Bedrock()
NOW = 1_800_000_000.0
SHARED = """
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = s
[work]
aws_access_key_id=AKWORK
aws_secret_access_key=s
aws_session_token=t
"""
CONFIG = (
    "[profile web]\nrole_arn = arn:aws:iam::1:role/web\nweb_identity_token_file = /token\n"
    "[profile chained]\nrole_arn = arn:aws:iam::1:role/chained\nsource_profile = work\n"
)
FILES = {
    "/home/me/.aws/credentials": SHARED,
    "/home/me/.aws/config": CONFIG,
    "/token": "jwt-1\n",
    "/empty": " ",
    "/bad": "][",
}


def a_place(**options: str) -> Provider:
    return a_provider(
        "aws",
        base_url="https://bedrock-runtime.{region}.amazonaws.com",
        api_key=None,
        options=MappingProxyType({name: Secret(value) for name, value in options.items()}),
    )


def look(environment: Mapping[str, str], **options: str) -> Call | Token | Failure | None:
    around = Around(now_unix=NOW, environment=MappingProxyType({"HOME": "/home/me", **environment}), read=FILES.get)
    return BEDROCK.token_call(a_place(**options), around)


def opened_by(found: object) -> str:
    assert isinstance(found, Token), found
    call = BEDROCK.request(an_ask(), an_offer(), a_place(), Proof(now_unix=NOW, token=found))
    return dict(call.headers)["authorization"]


def test_keys_in_the_options_and_api_keys_need_no_token() -> None:
    assert look({}, access_key_id="AK", secret_access_key="s") is None
    assert BEDROCK.token_call(a_provider("aws", api_key=Secret("k")), Around(now_unix=NOW)) is None


@pytest.mark.parametrize(
    ("environment", "options", "expected"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s"}, {}, "Credential=AKENV/"),
        ({"AWS_BEARER_TOKEN_BEDROCK": "bk"}, {}, "Bearer bk"),
        ({}, {}, "Credential=AKDEFAULT/"),
        ({"AWS_PROFILE": "work"}, {}, "Credential=AKWORK/"),
        ({"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s"}, {"profile": "work"}, "Credential=AKWORK/"),
        ({"HOME": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/home/me/.aws/credentials"}, {}, "Credential=AKDEFAULT/"),
        ({"HOME": "/nowhere"}, {"credentials_file": "/home/me/.aws/credentials"}, "Credential=AKDEFAULT/"),
    ],
)
def test_keys_are_found_in_their_order(environment: dict[str, str], options: dict[str, str], expected: str) -> None:
    found = look(environment, **options)
    assert expected in opened_by(found)
    assert isinstance(found, Token)
    assert found.expires_unix == NOW + 360


@pytest.mark.parametrize(
    ("environment", "options", "why"),
    [
        ({"HOME": "/nowhere"}, {}, "none for profile `default`"),
        ({}, {"profile": "absent"}, "none for profile `absent`"),
        ({}, {"web_identity_token_file": "/token"}, "no `role_arn`"),
        ({}, {"web_identity_token_file": "/gone", "role_arn": "r"}, "missing, empty or unreadable"),
        ({}, {"web_identity_token_file": "/empty", "role_arn": "r"}, "missing, empty or unreadable"),
        ({}, {"credentials_file": "/bad"}, "none for profile"),
    ],
)
def test_nothing_to_sign_with_is_a_failure_that_says_where_it_looked(
    environment: dict[str, str], options: dict[str, str], why: str
) -> None:
    found = look(environment, **options)
    assert isinstance(found, Failure)
    assert (found.kind, found.code, found.blame) == ("refused", "upstream_auth", "provider")
    assert why in found.message


WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/pod"}


@pytest.mark.parametrize(
    ("environment", "options", "role"),
    [
        (WEB, {}, "arn:aws:iam::1:role/pod"),
        ({}, {"web_identity_token_file": "/token", "role_arn": "arn:aws:iam::1:role/said"}, "arn:aws:iam::1:role/said"),
        ({}, {"profile": "web"}, "arn:aws:iam::1:role/web"),
    ],
)
def test_a_web_identity_asks_for_a_role_without_a_signature(
    environment: dict[str, str], options: dict[str, str], role: str
) -> None:
    call = look(environment, region="eu-west-1", **options)
    assert isinstance(call, Call)
    assert call.url == "https://sts.eu-west-1.amazonaws.com/"
    assert "authorization" not in dict(call.headers)
    fields = parse_qs(call.body.decode())
    assert fields["Action"] == ["AssumeRoleWithWebIdentity"]
    assert fields["WebIdentityToken"] == ["jwt-1"]
    assert fields["RoleArn"] == [role]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"access_key_id": "AKOWN", "secret_access_key": "s", "role_arn": "arn:aws:iam::1:role/x"}, "AKOWN"),
        ({"profile": "chained"}, "AKWORK"),
    ],
)
def test_keys_of_our_own_ask_for_a_role_with_a_signature(options: dict[str, str], key: str) -> None:
    call = look({"AWS_ENDPOINT_URL_STS": "https://sts.example/"}, **options)
    assert isinstance(call, Call)
    assert call.url == "https://sts.example/"
    assert f"Credential={key}/20270115/us-east-1/sts/aws4_request" in dict(call.headers)["authorization"]
    assert parse_qs(call.body.decode())["Action"] == ["AssumeRole"]


def test_an_address_of_the_token_service_may_be_given() -> None:
    call = look(WEB, sts_url="https://vpce-sts.example/")
    assert isinstance(call, Call)
    assert call.url == "https://vpce-sts.example/"


XML = (
    b'<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>'
    b"<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>a&amp;b</SecretAccessKey><SessionToken>st</SessionToken>"
    b"<Expiration>2027-01-15T09:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
)
JSON = json.dumps(
    {
        "AssumeRoleWithWebIdentityResponse": {
            "AssumeRoleWithWebIdentityResult": {
                "Credentials": {
                    "AccessKeyId": "ASIA1",
                    "SecretAccessKey": "a&b",
                    "SessionToken": "st",
                    "Expiration": 1_800_003_600.0,
                }
            }
        }
    }
).encode()


@pytest.mark.parametrize("body", [XML, JSON], ids=["xml", "json"])
def test_the_keys_of_a_role_are_read(body: bytes) -> None:
    token = BEDROCK.token_answer(Reply(status=200, headers=(), body=body), NOW)
    assert "Credential=ASIA1/" in opened_by(token)
    assert isinstance(token, Token)
    assert token.expires_unix == 1_800_003_600.0
    assert json.loads(token.value.reveal())["keys"]["secret_access_key"] == "a&b"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            403,
            b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>No.</Message></Error></ErrorResponse>",
            "refused",
            "upstream_auth",
        ),
        (
            400,
            b"<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>No.</Message></Error></ErrorResponse>",
            "refused",
            "upstream_auth",
        ),
        (400, b'{"Error":{"Code":"ValidationError","Message":"No."}}', "refused", "upstream_auth"),
        (500, b"", "transient", "upstream_error"),
        (200, b"<html>", "garbled", "malformed_response"),
        (200, b"{}", "garbled", "malformed_response"),
    ],
)
def test_a_role_that_is_refused_is_our_fault_not_the_callers(status: int, body: bytes, kind: str, code: str) -> None:
    failure = BEDROCK.token_answer(Reply(status=status, headers=(), body=body), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == (kind, code)
