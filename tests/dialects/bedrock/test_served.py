"""OpenAI's own client, a gateway, and a provider that speaks Bedrock or Cohere at the wire."""

import json
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from gateway.dialects.bedrock.sigv4 import Keys, Scope, sign
from tests.dialects.bedrock.frames import event
from tests.serving import KEY, digest_of, serving
from tests.wire import Scripted, Wire

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "dialects"
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
SECRETS = {"AWS_KEY": "AKIDEXAMPLE", "AWS_SECRET": "CANARY-secret", "CO_KEY": "co-CANARY"}
ROLE = (
    b"<R><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"
    b"<SessionToken>role-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></R>"
)


def a_yaml(provider: str) -> str:
    return f"""
version: 1
providers:
  p: {provider}
models:
  m:
    weight: 5
    context_window: 200000
    max_output_tokens: 8000
    capabilities: [chat, tools, embeddings]
    offers: [{{provider: p, id: "eu.model-v1:0", price: {{input: 1, output: 2}}}}]
keys:
  - {{name: caller, digest: "{digest_of()}"}}
"""


def bedrock(wire: Wire, options: str) -> str:
    return a_yaml(f'{{dialect: bedrock, base_url: "{wire.url}", allow_private: true, options: {{{options}}}}}')


OWN_KEYS = 'region: eu-west-1, access_key_id: "${env:AWS_KEY}", secret_access_key: "${env:AWS_SECRET}"'


def golden(case: str, dialect: str) -> tuple[Scripted, Scripted]:
    reply = json.loads((GOLDEN / case / f"{dialect}.reply.json").read_text())
    name, kind = {"bedrock": ("bin", "application/vnd.amazon.eventstream"), "cohere": ("sse", "text/event-stream")}[
        dialect
    ]
    stream = (GOLDEN / case / f"{dialect}.stream.{name}").read_bytes()
    whole = Scripted(status=reply["status"], body=reply["body"])
    return whole, Scripted(body=stream, split=37, framing="chunked", headers={"Content-Type": kind})


def two_turns(client: OpenAI, *, stream: bool) -> tuple[Any, str]:
    """Ask, let the model call two tools, tell it the results, and read its answer."""
    messages: list[Any] = [{"role": "user", "content": "Weather in Paris and Köln?"}]
    if stream:
        with client.chat.completions.stream(model="m", messages=messages, tools=TOOLS) as events:
            first = events.get_final_completion().choices[0].message
    else:
        first = client.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message
    assert first.tool_calls
    messages.append(first.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in first.tool_calls]
    if stream:
        with client.chat.completions.stream(model="m", messages=messages, tools=TOOLS) as events:
            return first, events.get_final_completion().choices[0].message.content or ""
    answer = client.chat.completions.create(model="m", messages=messages, tools=TOOLS)
    return first, answer.choices[0].message.content or ""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("dialect", ["bedrock", "cohere"])
def test_the_official_client_has_a_conversation_with_tools(tmp_path: Path, dialect: str, stream: bool) -> None:
    with Wire() as wire:
        for case in ("parallel-tool-calls", "plain-chat"):
            wire.script(golden(case, dialect)[stream])
        cohere = a_yaml(f'{{dialect: cohere, base_url: "{wire.url}", allow_private: true, api_key: "${{env:CO_KEY}}"}}')
        config = bedrock(wire, OWN_KEYS) if dialect == "bedrock" else cohere
        with (
            serving(config, tmp_path, env=SECRETS) as gateway,
            OpenAI(api_key=KEY, base_url=gateway.url + "/v1", max_retries=0) as client,
        ):
            first, text = two_turns(client, stream=stream)
        assert text == "Grüß dich! 👋"
        assert [json.loads(call.function.arguments) for call in first.tool_calls] == [
            {"city": "Paris"},
            {"city": "Köln"},
        ]
        told = json.dumps(wire.requests[1].json)
        assert all(call.id in told for call in first.tool_calls)


def test_a_signature_fits_what_reaches_the_wire(tmp_path: Path) -> None:
    with Wire() as wire:
        wire.script(golden("plain-chat", "bedrock")[0])
        with serving(bedrock(wire, OWN_KEYS), tmp_path, env=SECRETS) as gateway, gateway.client() as client:
            answer = client.post(
                "/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            )
        assert answer.status_code == 200, answer.text
        (seen,) = wire.requests
        assert seen.target == "/model/eu.model-v1%3A0/converse"
        given = tuple((name, seen.header(name) or "") for name in ("content-type", "accept"))
        keys = Keys(access_key_id="AKIDEXAMPLE", secret_access_key="CANARY-secret")
        stamp = seen.header("x-amz-date") or ""
        url = f"http://{seen.header('host')}{seen.target}"
        expected = sign(
            keys, Scope(region="eu-west-1", service="bedrock"), _unix(stamp), url=url, headers=given, body=seen.body
        )
        assert seen.header("authorization") == dict(expected)["authorization"]


def test_a_role_is_taken_on_once_and_its_keys_sign(tmp_path: Path) -> None:
    (tmp_path / "identity").write_text("jwt-CANARY")
    with Wire() as wire:
        wire.script(Scripted(body=ROLE), path="/sts")
        for _ in range(2):
            wire.script(golden("plain-chat", "bedrock")[0], path="/model/eu.model-v1%3A0/converse")
        options = (
            f'region: eu-west-1, role_arn: "arn:aws:iam::1:role/x", sts_url: "{wire.url}/sts", '
            f'web_identity_token_file: "{tmp_path / "identity"}"'
        )
        with serving(bedrock(wire, options), tmp_path, env=SECRETS) as gateway, gateway.client() as client:
            for _ in range(2):
                body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
                assert client.post("/v1/chat/completions", json=body).status_code == 200
        assert [seen.path for seen in wire.requests].count("/sts") == 1
        assert b"jwt-CANARY" in wire.requests[0].body
        assert "Credential=ASIAROLE/" in (wire.requests[1].header("authorization") or "")
        assert wire.requests[1].header("x-amz-security-token") == "role-session"


def test_a_corrupt_frame_after_content_ends_the_stream_with_an_error(tmp_path: Path) -> None:
    good = event("messageStart", {"role": "assistant"}) + event(
        "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}}
    )
    broken = bytearray(event("messageStop", {"stopReason": "end_turn"}))
    broken[-5] ^= 1
    with Wire() as wire, serving(bedrock(wire, OWN_KEYS), tmp_path, env=SECRETS) as gateway, gateway.client() as client:
        gate = wire.gate()
        kind = {"Content-Type": "application/vnd.amazon.eventstream"}
        wire.script(Scripted(parts=(good, bytes(broken)), framing="chunked", body_gate=gate, headers=kind))
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            text = ""
            for piece in answer.iter_text():
                text += piece
                if "Hello" in text:
                    gate.open()
    assert "[DONE]" not in text
    assert f"byte {len(good)} of the stream" in text


def test_credentials_that_cannot_be_found_are_the_providers_failure(tmp_path: Path) -> None:
    with Wire() as wire, serving(bedrock(wire, "profile: nobody, credentials_file: /nowhere"), tmp_path) as gateway:
        with gateway.client() as client:
            body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            answer = client.post("/v1/chat/completions", json=body)
        assert answer.status_code in (500, 503)
        assert answer.json()["error"]["type"] == "provider_error"
        assert wire.requests == []


def _unix(stamp: str) -> float:
    from datetime import datetime

    return datetime.strptime(stamp + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
