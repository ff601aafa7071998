"""What goes over the wire to Bedrock."""

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Proof
from gateway.dialects.bedrock.dialect import Bedrock
from gateway.domain.ask import Ask
from gateway.domain.call import Call
from gateway.domain.table import Provider
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

BEDROCK = Bedrock()
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PNG = "data:image/png;base64,iVBORw0KGgo="


def a_place(**options: str) -> Provider:
    return a_provider(
        "aws",
        dialect="bedrock",
        base_url="https://bedrock-runtime.{region}.amazonaws.com",
        api_key=None,
        options=MappingProxyType({name: Secret(value) for name, value in options.items()}),
    )


def asked(*messages: dict[str, Any], **fields: Any) -> Ask:
    payload = {"model": "m", "messages": list(messages) or [{"role": "user", "content": "Hi"}], **fields}
    return an_ask(payload=payload, stream=bool(fields.get("stream")))


def call(ask: Ask, model: str = CLAUDE, place: Provider | None = None, now: float = 0.0) -> Call:
    return BEDROCK.request(ask, an_offer(model, "aws"), place or a_place(), Proof(now_unix=now))


def wire(ask: Ask, model: str = CLAUDE, **options: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call(ask, model, a_place(**options)).body)
    return body


def test_newer_claude_models_are_not_told_how_to_sample() -> None:
    ask, newer = asked(temperature=0.5, top_k=3), an_offer("eu.anthropic.claude-opus-4-8", "aws")
    assert BEDROCK.unsupported(ask, a_place(), newer) == ("temperature", "top_k")
    assert wire(ask, newer.id) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    assert BEDROCK.unsupported(ask, a_place(), an_offer("amazon.nova-pro-v1:0", "aws")) == ()


def test_a_model_id_is_quoted_in_the_path_and_the_region_is_in_the_host() -> None:
    url = call(asked(), place=a_place(region="eu-west-1")).url
    assert url == (
        "https://bedrock-runtime.eu-west-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
    )
    assert call(asked(stream=True), "arn:aws:bedrock:us-east-1:1:inference-profile/x").url.endswith(
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse-stream"
    )


@pytest.mark.parametrize(
    ("base_url", "region", "expected"),
    [
        (
            "https://bedrock-runtime.{region}.amazonaws.com",
            "cn-north-1",
            "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
        ),
        ("https://bedrock-runtime.ap-south-1.amazonaws.com/", None, "https://bedrock-runtime.ap-south-1.amazonaws.com"),
        (
            "https://vpce-1.bedrock-runtime.eu-north-1.vpce.amazonaws.com",
            None,
            "https://vpce-1.bedrock-runtime.eu-north-1.vpce.amazonaws.com",
        ),
    ],
)
def test_an_address_stands_as_it_is_written(base_url: str, region: str | None, expected: str) -> None:
    options = {"region": Secret(region)} if region else {}
    place = a_provider("aws", base_url=base_url, options=MappingProxyType(options))
    assert call(asked(), place=place).url.startswith(expected + "/model/")


def test_a_call_is_signed_with_the_keys_in_the_options() -> None:
    place = a_place(region="eu-west-1", access_key_id="AKIDEXAMPLE", secret_access_key="s", session_token="t")
    headers = dict(call(asked(), place=place, now=1_440_938_160.0).headers)
    assert headers["x-amz-date"] == "20150830T123600Z"
    assert headers["x-amz-security-token"] == "t"
    assert headers["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/bedrock/aws4_request, "
        "SignedHeaders=accept;content-type;host;x-amz-date;x-amz-security-token, Signature="
    )


def test_an_api_key_goes_as_a_bearer() -> None:
    place = a_provider("aws", base_url="https://bedrock-runtime.us-east-1.amazonaws.com", api_key=Secret("ABSK-1"))
    headers = dict(call(asked(), place=place).headers)
    assert headers["authorization"] == "Bearer ABSK-1"
    assert "x-amz-date" not in headers


def test_the_smallest_request_says_nothing_it_was_not_told() -> None:
    assert wire(asked()) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_a_conversation_with_tools_becomes_alternating_turns() -> None:
    ask = asked(
        {"role": "system", "content": "Be brief."},
        {
            "role": "developer",
            "content": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        },
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PNG}}],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm.",
            "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}],
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}},
                {"id": "call/2", "type": "function", "function": {"name": "listen", "arguments": ""}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "blue"},
        {"role": "tool", "tool_call_id": "call/2", "content": [{"type": "text", "text": "silence"}], "is_error": True},
        {"role": "user", "content": "And?"},
        tools=[
            {"type": "function", "function": {"name": "look", "description": "Look", "parameters": {"type": "object"}}}
        ],
        tool_choice="required",
    )
    body = wire(ask)
    assert body["system"] == [{"text": "Be brief."}, {"text": "Be kind."}, {"cachePoint": {"type": "default"}}]
    assert body["messages"] == [
        {
            "role": "user",
            "content": [{"text": "Look"}, {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
                {"toolUse": {"toolUseId": "call_1", "name": "look", "input": {"at": "sky"}}},
                {"toolUse": {"toolUseId": "call_2", "name": "listen", "input": {}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "call_1", "content": [{"text": "blue"}]}},
                {"toolResult": {"toolUseId": "call_2", "content": [{"text": "silence"}], "status": "error"}},
                {"text": "And?"},
            ],
        },
    ]
    assert body["toolConfig"] == {
        "tools": [
            {
                "toolSpec": {
                    "name": "look",
                    "description": "Look",
                    "inputSchema": {"json": {"type": "object", "properties": {}}},
                }
            }
        ],
        "toolChoice": {"any": {}},
    }
    assert BEDROCK.unsayable(ask, a_place()) == ()


SPEAKING = {"type": "function", "function": {"name": "f"}}
CALLED = (
    {"role": "user", "content": "x"},
    {"role": "assistant", "tool_calls": [{"id": "1", **SPEAKING}]},
    {"role": "tool", "tool_call_id": "1", "content": "y"},
)


def test_tools_of_the_past_are_declared_although_none_is_offered() -> None:
    assert wire(asked(*CALLED))["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]
    }


def test_forbidding_tools_leaves_them_out_and_cannot_be_said_once_one_was_called() -> None:
    assert "toolConfig" not in wire(asked(tools=[SPEAKING], tool_choice="none"))
    assert BEDROCK.unsayable(asked(tools=[SPEAKING], tool_choice="none"), a_place()) == ()
    assert BEDROCK.unsayable(asked(*CALLED, tool_choice="none"), a_place()) == ("tool_choice",)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"max_tokens": 5, "temperature": 0.5, "stop": "END"},
            {"inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "stopSequences": ["END"]}},
        ),
        ({"top_p": 0.9}, {"inferenceConfig": {"topP": 0.9}}),
        ({"max_completion_tokens": 7, "temperature": 1}, {"inferenceConfig": {"maxTokens": 7}}),
        ({"top_k": 3}, {"additionalModelRequestFields": {"top_k": 3}}),
        (
            {"tools": [SPEAKING], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            {
                "toolConfig": {
                    "tools": [
                        {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
                    ],
                    "toolChoice": {"tool": {"name": "f"}},
                }
            },
        ),
        (
            {"reasoning_effort": "high"},
            {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 16383}}},
        ),
        ({"reasoning_effort": "none"}, {}),
        ({"user": "u-1", "metadata": {"team": "a"}}, {"requestMetadata": {"team": "a", "user": "u-1"}}),
        ({"service_tier": "flex"}, {"serviceTier": {"type": "flex"}}),
        ({"service_tier": "auto"}, {}),
        ({"response_format": {"type": "text"}}, {}),
    ],
)
def test_a_setting_finds_its_place(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert wire(asked(**fields)) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], **expected}


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (
            "amazon.nova-2-lite-v1:0",
            {"reasoning_effort": "minimal"},
            {"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}},
        ),
        (
            "amazon.nova-2-lite-v1:0",
            {"reasoning_effort": "none"},
            {"additionalModelRequestFields": {"reasoningConfig": {"type": "disabled"}}},
        ),
        ("amazon.nova-pro-v1:0", {"top_k": 3}, {"additionalModelRequestFields": {"inferenceConfig": {"topK": 3}}}),
        ("cohere.command-r-v1:0", {"top_k": 3}, {"additionalModelRequestFields": {"k": 3}}),
        (
            "openai.gpt-oss-120b-1:0",
            {"reasoning_effort": "low"},
            {"additionalModelRequestFields": {"reasoning_effort": "low"}},
        ),
        (
            "us.anthropic.claude-opus-4-7",
            {"reasoning_effort": "xhigh"},
            {"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}, "outputConfig": {"effort": "xhigh"}},
        ),
        (
            "deepseek.v3",
            {"reasoning_effort": "low", "temperature": 1},
            {"inferenceConfig": {"temperature": 1}, "outputConfig": {"effort": "low"}},
        ),
    ],
)
def test_each_family_of_models_is_told_in_its_own_place(
    model: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    body = wire(asked(**fields), model)
    del body["messages"]
    assert body == expected


def test_a_schema_goes_as_native_structured_output() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}}
    told = wire(asked(response_format=wanted))["outputConfig"]["textFormat"]
    assert told["type"] == "json_schema"
    assert told["structure"]["jsonSchema"]["name"] == "thing"
    assert json.loads(told["structure"]["jsonSchema"]["schema"]) == {**schema, "additionalProperties": False}


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    assert "JSON" in wire(asked(response_format={"type": "json_object"}))["system"][0]["text"]


def test_a_guardrail_in_the_options_is_applied() -> None:
    assert wire(asked(), guardrail_id="g", guardrail_version="1")["guardrailConfig"] == {
        "guardrailIdentifier": "g",
        "guardrailVersion": "1",
    }


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
            {"audio": {"format": "wav", "source": {"bytes": "QUJD"}}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD", "filename": "my_plan.v2.pdf"}},
            {"document": {"format": "pdf", "name": "my plan v2", "source": {"bytes": "QUJD"}}},
        ),
    ],
)
def test_other_media_become_blocks(part: dict[str, Any], block: dict[str, Any]) -> None:
    ask = asked({"role": "user", "content": [part]})
    assert wire(ask)["messages"][0]["content"] == [block]
    assert BEDROCK.unsayable(ask, a_place()) == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"temperature": 1.5}, "temperature"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"reasoning_effort": "hard"}, "reasoning_effort"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"user": "é"}, "user"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:image/tiff;base64,QUI="}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
            "messages[0].content[0].file.file_id",
        ),
        ({"messages": [{"role": "user", "name": "Al", "content": "x"}]}, "messages[0].name"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].role"),
    ],
)
def test_what_converse_cannot_say_is_refused_by_name_and_left_out(fields: dict[str, Any], named: str) -> None:
    ask = asked(**fields)
    assert BEDROCK.unsayable(ask, a_place()) == (named,)
    json.loads(call(ask).body)


@pytest.mark.parametrize(
    ("model", "payload", "options", "expected"),
    [
        ("amazon.titan-embed-text-v2:0", {"input": "a", "dimensions": 256}, {}, {"inputText": "a", "dimensions": 256}),
        ("amazon.titan-embed-text-v2:0", {"input": ["a"]}, {}, {"inputText": "a"}),
        (
            "cohere.embed-v4:0",
            {"input": ["a", "b"], "dimensions": 512},
            {"input_type": "clustering"},
            {"texts": ["a", "b"], "embedding_types": ["float"], "input_type": "clustering", "output_dimension": 512},
        ),
        (
            "cohere.embed-english-v3",
            {"input": "a", "input_type": "search_query"},
            {},
            {"texts": ["a"], "embedding_types": ["float"], "input_type": "search_query"},
        ),
    ],
)
def test_embedding_models_are_asked_in_their_own_words(
    model: str, payload: dict[str, Any], options: dict[str, str], expected: dict[str, Any]
) -> None:
    ask = an_ask(endpoint="embeddings", payload={"model": "m", **payload})
    made = call(ask, model, a_place(**options))
    assert made.url.endswith("/invoke")
    assert json.loads(made.body) == expected
    assert BEDROCK.unsayable(ask, a_place()) == ()


def test_tokens_cannot_be_embedded() -> None:
    ask = an_ask(endpoint="embeddings", payload={"model": "m", "input": [1, 2]})
    assert BEDROCK.unsayable(ask, a_place()) == ("input",)


def test_models_are_listed_at_the_control_plane() -> None:
    listing = BEDROCK.listing(a_place(region="eu-west-1"), Proof())
    assert listing is not None
    assert (listing.method, listing.url) == ("GET", "https://bedrock.eu-west-1.amazonaws.com/foundation-models")
    assert BEDROCK.listing(a_provider("aws", base_url="http://127.0.0.1:1"), Proof()) is None


NAMES = st.sampled_from(
    [
        *(
            "role",
            "content",
            "type",
            "text",
            "tool_calls",
            "tool_call_id",
            "function",
            "name",
            "arguments",
            "image_url",
        ),
        *("url", "cache_control", "ttl", "thinking_blocks", "signature", "file", "file_data", "input_audio", "format"),
        *("data", "refusal", "parameters", "json_schema", "schema"),
    ]
)
WORDS = st.sampled_from(
    ["user", "system", "assistant", "tool", "text", "image_url", "file", "input_audio", PNG, "function"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)
FIELDS = st.sampled_from(
    [
        *("messages", "tools", "tool_choice", "response_format", "stop", "reasoning_effort", "max_tokens", "metadata"),
        *("service_tier", "user", "temperature", "top_k"),
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(FIELDS, ANYTHING, max_size=4), st.lists(ANYTHING, max_size=3))
def test_no_payload_makes_it_raise(payload: dict[str, Any], messages: list[Any]) -> None:
    ask = an_ask(payload={"model": "m", "messages": messages, **payload})
    BEDROCK.unsayable(ask, a_place())
    json.loads(call(ask).body)
