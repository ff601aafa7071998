"""What a chat request becomes on Google's wire."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.gemini.dialect import Gemini
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

BASE = "https://generativelanguage.googleapis.com/v1beta"
PROVIDER = a_provider("gemini", dialect="gemini", base_url=BASE, headers=(("x-team", Secret("blue")),))
OFFER = an_offer("gemini-3.5-flash", "gemini")
OLDER = an_offer("gemini-2.5-flash", "gemini")
HELLO = [{"role": "user", "content": "Hello!"}]
HI = {"role": "user", "parts": [{"text": "Hello!"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": SCHEMA}}


def call(name: str, identity: str | None, arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def wire(messages: Any = None, offer: Any = OFFER, **fields: Any) -> dict[str, Any]:
    ask = an_ask(payload={"model": "x", "messages": HELLO if messages is None else messages, **fields})
    body: dict[str, Any] = msgspec.json.decode(Gemini().request(ask, offer, PROVIDER).body)
    return body


def refused(messages: Any = None, **fields: Any) -> tuple[str, ...]:
    ask = an_ask(payload={"model": "x", "messages": HELLO if messages is None else messages, **fields})
    return Gemini().unsayable(ask, PROVIDER)


def test_the_smallest_request_and_the_key_never_in_the_address() -> None:
    assert wire() == {"contents": [HI]}
    whole = Gemini().request(an_ask(), OFFER, PROVIDER)
    assert whole.url == f"{BASE}/models/gemini-3.5-flash:generateContent"
    assert dict(whole.headers) == {
        "content-type": "application/json",
        "user-agent": "tokenhub",
        "x-goog-api-key": "sk-CANARY-upstream",
        "x-team": "blue",
    }
    assert Gemini().request(an_ask(stream=True), OFFER, PROVIDER).url.endswith(":streamGenerateContent?alt=sse")
    tuned = an_offer("tunedModels/my model?key=x", "gemini")
    assert Gemini().request(an_ask(), tuned, PROVIDER).url == f"{BASE}/tunedModels/my%20model%3Fkey%3Dx:generateContent"


def test_system_messages_are_the_instruction_and_neighbours_become_one_content() -> None:
    body = wire(
        [
            {"role": "developer", "content": "Be brief."},
            *HELLO,
            {"role": "user", "content": [{"type": "text", "text": "Two"}, {"type": "text", "text": ""}]},
            {"role": "assistant", "content": "Three"},
            {"role": "assistant", "content": None},
        ]
    )
    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hello!"}, {"text": "Two"}]},
            {"role": "model", "parts": [{"text": "Three"}]},
        ],
    }


CALLS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        call("weather", "call_a", '{"city":"Rome"}', extra_content={"google": {"thought_signature": "c2ln"}}),
        call("clock", "call_b", ""),
    ],
}
RESULTS = [
    {"role": "tool", "tool_call_id": "call_b", "content": "noon"},
    {"role": "tool", "tool_call_id": "call_a", "content": [{"type": "text", "text": "no"}], "is_error": True},
]


def test_calls_and_results_keep_ids_names_and_signatures() -> None:
    body = wire([*HELLO, CALLS, *RESULTS], tools=[WEATHER])
    assert body["tools"] == [
        {"functionDeclarations": [{"name": "weather", "description": "Weather", "parametersJsonSchema": SCHEMA}]}
    ]
    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {
                    "functionCall": {"name": "weather", "args": {"city": "Rome"}, "id": "call_a"},
                    "thoughtSignature": "c2ln",
                },
                {"functionCall": {"name": "clock", "args": {}, "id": "call_b"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "clock", "response": {"output": "noon"}, "id": "call_b"}},
                {"functionResponse": {"name": "weather", "response": {"error": "no"}, "id": "call_a"}},
            ],
        },
    ]


def test_calls_made_elsewhere_say_so_to_models_that_demand_a_signature() -> None:
    history = [*HELLO, {"role": "assistant", "tool_calls": [call("clock", "a"), call("clock", "b")]}]
    first, second = wire(history)["contents"][1]["parts"]
    assert first["thoughtSignature"] == "skip_thought_signature_validator"
    assert "thoughtSignature" not in second
    assert "thoughtSignature" not in wire(history, offer=OLDER)["contents"][1]["parts"][0]


def test_media_go_inline_or_by_address() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png?b=c"}},
        {"type": "image_url", "image_url": {"url": "gs://bucket/thing"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
    ]
    assert wire([{"role": "user", "content": content}])["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}},
        {"fileData": {"fileUri": "https://x.test/a.png?b=c", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "gs://bucket/thing"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "UklG"}},
    ]


@pytest.mark.parametrize(
    ("choice", "strict", "config"),
    [
        (None, False, None),
        (None, True, {"mode": "VALIDATED"}),
        ("auto", False, {"mode": "AUTO"}),
        ("none", True, {"mode": "NONE"}),
        ("required", True, {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "weather"}},
            False,
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
    ],
)
def test_tool_choice(choice: Any, strict: bool, config: Any) -> None:
    tool = {"type": "function", "function": WEATHER["function"] | {"strict": strict}}  # type: ignore[operator]
    body = wire(tools=[tool], tool_choice=choice)
    assert body.get("toolConfig") == (config and {"functionCallingConfig": config})


@pytest.mark.parametrize(
    ("fields", "config"),
    [
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_completion_tokens": 7, "max_tokens": 5}, {"maxOutputTokens": 7}),
        ({"stop": ["a", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"temperature": 1.5, "top_p": 0.5, "top_k": 4}, {"temperature": 1.5, "topP": 0.5, "topK": 4}),
        ({"seed": 7, "n": 3}, {"seed": 7, "candidateCount": 3}),
        (
            {"presence_penalty": 0.5, "frequency_penalty": -1, "n": 1},
            {"presencePenalty": 0.5, "frequencyPenalty": -1},
        ),
        ({"logprobs": True, "top_logprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
        ({"logprobs": False}, {}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": SCHEMA | {"$schema": "y"}},
                }
            },
            {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
        ),
        ({"reasoning_effort": "high"}, {"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": True}}),
        ({"reasoning_effort": "none"}, {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}),
        ({"user": "u", "prompt_cache_key": "k", "store": False}, {}),
    ],
)
def test_parameters(fields: dict[str, Any], config: dict[str, Any]) -> None:
    assert wire(**fields) == {"contents": [HI]} | ({"generationConfig": config} if config else {})
    assert refused(**fields) == ()


def test_older_models_think_within_a_budget() -> None:
    assert wire(offer=OLDER, reasoning_effort="low")["generationConfig"] == {
        "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True}
    }
    assert wire(offer=OLDER, reasoning_effort="none")["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 0}}


def test_service_tiers() -> None:
    assert wire(service_tier="flex")["serviceTier"] == "flex"
    assert wire(service_tier="default")["serviceTier"] == "standard"
    assert "serviceTier" not in wire(service_tier="auto")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"stop": list("abcdef")}, ("stop",)),
        ({"n": 9}, ("n",)),
        ({"logit_bias": {"1": 2}}, ("logit_bias",)),
        ({"parallel_tool_calls": False}, ("parallel_tool_calls",)),
        ({"wobble": 1, "seed": None}, ("wobble",)),
        ({"messages": [{"role": "function", "content": "x"}]}, ("messages[0].role",)),
        (
            {"messages": [{"role": "tool", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            ("messages[0].content[0].type",),
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]}]},
            ("messages[0].content[0].input_audio.format",),
        ),
        ({"tools": [{"type": "custom"}]}, ("tools[0]",)),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_and_left_out(fields: dict[str, Any], named: tuple[str, ...]) -> None:
    assert refused(**fields) == named
    assert "generationConfig" not in wire(**fields)
