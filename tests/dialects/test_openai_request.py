"""What goes over the wire to a host that speaks OpenAI's dialect."""

from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from gateway.dialects.openai.quirks import OPTIONS
from gateway.dialects.registry import dialect_of
from gateway.domain.call import Call
from gateway.domain.dialect_facts import DIALECTS
from gateway.domain.table import Provider
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

HELLO = [{"role": "user", "content": "Hello!"}]


def host(dialect: str = "openai", **options: str) -> Provider:
    base_url = DIALECTS[dialect].base_url or ""
    given = MappingProxyType({name: Secret(value) for name, value in options.items()})
    return a_provider(dialect, dialect=dialect, base_url=base_url, options=given)


def elsewhere(**options: str) -> Provider:
    """A fictitious vendor that is OpenAI-compatible."""
    given = MappingProxyType({name: Secret(value) for name, value in options.items()})
    return a_provider("acme", base_url="https://llm.acme.example/v1", options=given)


def call(provider: Provider, *, stream: bool = False, endpoint: Any = "chat", **fields: Any) -> Call:
    payload = {"model": "smart", **({"messages": HELLO} if endpoint == "chat" else {}), **fields}
    ask = an_ask("smart", payload=payload, stream=stream, endpoint=endpoint)
    return dialect_of(provider.dialect).request(ask, an_offer("upstream-id"), provider)


def body(provider: Provider, **more: Any) -> Any:
    return msgspec.json.decode(call(provider, **more).body)


def refused(provider: Provider, **fields: Any) -> tuple[str, ...]:
    ask = an_ask("smart", payload={"model": "smart", "messages": HELLO, **fields})
    return dialect_of(provider.dialect).unsayable(ask, provider)


def test_the_model_is_the_offers_id_and_nothing_is_invented() -> None:
    assert body(elsewhere()) == {"model": "upstream-id", "messages": HELLO}


def test_unknown_fields_go_along() -> None:
    fields = {"top_k": 5, "guided_json": {"type": "object"}, "x": [1.5, None]}
    assert body(elsewhere(), **fields) == {"model": "upstream-id", "messages": HELLO, **fields}


def test_b17_explicit_nulls_are_left_out() -> None:
    assert body(elsewhere(), temperature=None, stop=None, tools=None) == {"model": "upstream-id", "messages": HELLO}


def test_the_payload_itself_stays_as_it_was() -> None:
    payload = {"model": "smart", "messages": [{"role": "developer", "content": "x"}], "max_tokens": 5, "stop": None}
    before = msgspec.json.encode(payload)
    dialect_of("mistral").request(an_ask("smart", payload=payload), an_offer(), host("mistral"))
    assert msgspec.json.encode(payload) == before


def test_raw_messages_go_along_untouched() -> None:
    raw = msgspec.Raw(b'[{"role":"user","content":"Hello!"}]')
    assert body(elsewhere(), messages=raw)["messages"] == HELLO
    assert body(host("mistral"), messages=raw)["messages"] == HELLO


def test_usage_is_always_asked_for_on_streams() -> None:
    assert body(elsewhere(), stream=True)["stream_options"] == {"include_usage": True}
    said = {"include_usage": False, "include_obfuscation": False}
    assert body(elsewhere(), stream=True, stream_options=said)["stream_options"] == said | {"include_usage": True}


def test_a_host_that_does_not_know_stream_options_is_not_sent_any() -> None:
    assert "stream_options" not in body(host("mistral"), stream=True, stream_options={"include_usage": True})
    assert "stream_options" not in body(elsewhere(stream_options="false"), stream=True)


BOUNDS = [
    ("openai", {"max_tokens": 5}, {"max_completion_tokens": 5}),
    ("openai", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
    ("mistral", {"max_completion_tokens": 5}, {"max_tokens": 5}),
    ("mistral", {"max_completion_tokens": 5, "max_tokens": 9}, {"max_tokens": 5}),
    ("openai", {"max_completion_tokens": 5, "max_tokens": 9}, {"max_completion_tokens": 5}),
    ("groq", {"max_tokens": 5}, {"max_tokens": 5}),
    ("groq", {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
]


@pytest.mark.parametrize(("dialect", "said", "sent"), BOUNDS)
def test_the_bound_on_output_has_the_name_that_the_host_knows(dialect: str, said: Any, sent: Any) -> None:
    wire = body(host(dialect), **said)
    assert {name: value for name, value in wire.items() if name.startswith("max_")} == sent


def test_completions_keep_max_tokens_everywhere() -> None:
    wire = body(host("openai"), endpoint="completions", prompt="Once", max_tokens=5)
    assert wire == {"model": "upstream-id", "prompt": "Once", "max_tokens": 5}


REFUSED = [
    ("groq", {"n": 2}, ("n",)),
    ("groq", {"n": 1, "logprobs": False, "logit_bias": {}}, ()),
    ("groq", {"logprobs": True, "top_logprobs": 2}, ("logprobs", "top_logprobs")),
    ("groq", {"logit_bias": None}, ()),
    ("deepseek", {"response_format": {"type": "json_schema", "json_schema": {}}}, ("response_format",)),
    ("deepseek", {"response_format": {"type": "json_object"}}, ()),
    ("perplexity", {"tools": [{"type": "function"}], "tool_choice": "auto"}, ("tools",)),
    ("moonshot", {"tool_choice": "required"}, ("tool_choice",)),
    ("moonshot", {"tool_choice": "auto"}, ()),
    ("ollama", {"tool_choice": {"type": "function", "function": {"name": "f"}}}, ("tool_choice",)),
    ("cerebras", {"frequency_penalty": 0, "presence_penalty": 0.5}, ("presence_penalty",)),
    ("openai", {"n": 3, "logprobs": True, "seed": 1}, ()),
    ("vllm", {"n": 3, "guided_regex": "a"}, ()),
]


@pytest.mark.parametrize(("dialect", "fields", "names"), REFUSED)
def test_what_a_host_cannot_express_is_named(dialect: str, fields: dict[str, Any], names: tuple[str, ...]) -> None:
    assert refused(host(dialect), **fields) == names
    assert not set(names) & set(body(host(dialect), **fields))


def test_harmless_values_of_unknown_fields_are_not_sent() -> None:
    assert "n" not in body(host("groq"), n=1)
    assert "parallel_tool_calls" not in body(host("deepseek"), parallel_tool_calls=True)


def test_labels_that_change_no_answer_are_left_out_where_the_host_chokes_on_them() -> None:
    labels = {"user": "ada", "store": False, "metadata": {"a": "b"}}
    assert set(body(host("mistral"), **labels)) == {"model", "messages"}
    assert set(body(host("openai"), **labels)) == {"model", "messages", *labels}


def test_mistral_calls_the_seed_otherwise() -> None:
    assert body(host("mistral"), seed=7)["random_seed"] == 7


def test_the_role_developer_becomes_system_where_it_is_unknown() -> None:
    messages = [{"role": "developer", "content": "Be brief."}, *HELLO]
    assert body(host("mistral"), messages=messages)["messages"][0]["role"] == "system"
    assert body(host("openai"), messages=messages)["messages"] == messages


def test_reasoning_of_earlier_turns_goes_back_only_to_those_who_take_it() -> None:
    messages = [*HELLO, {"role": "assistant", "content": "Hi.", "reasoning_content": "Greet."}, *HELLO]
    assert body(host("deepseek"), messages=messages)["messages"] == messages
    for strict in ("openai", "mistral", "groq"):
        assert "reasoning_content" not in body(host(strict), messages=messages)["messages"][1]


def test_what_other_vendors_left_in_a_conversation_stays_away_from_those_who_check_every_field() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    called = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    signed = {"extra_content": {"google": {"thought_signature": "x"}}, **mark}
    messages = [
        *HELLO,
        {
            "role": "assistant",
            "content": None,
            "thinking_blocks": [{"type": "thinking"}],
            "tool_calls": [called | signed],
        },
        {"role": "tool", "tool_call_id": "a", "content": "failed", "is_error": True, **mark},
    ]
    plain = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "a", "content": "failed"},
    ]
    for strict in ("openai", "azure", "mistral", "groq", "cerebras"):
        assert body(host(strict), messages=messages)["messages"] == plain
    assert body(elsewhere(), messages=messages)["messages"] == messages
    assert messages[1]["tool_calls"] == [called | signed], "the payload itself stays as it was"


MODELS = [
    ("gpt-4o", {"reasoning_effort": "high", "temperature": 0.2}, ("reasoning_effort",)),
    ("gpt-4.1-mini", {"temperature": 0.2, "logprobs": True}, ()),
    ("o3-mini", {"temperature": 0.2, "reasoning_effort": "high"}, ("temperature",)),
    ("o1", {"temperature": 1, "top_p": 1.0, "frequency_penalty": 0, "logit_bias": {}}, ()),
    (
        "gpt-5-mini-2025-08-07",
        {"top_p": 0.5, "logprobs": True, "presence_penalty": 1},
        ("top_p", "presence_penalty", "logprobs"),
    ),
    ("gpt-5-chat-latest", {"temperature": 0.2}, ()),
    ("gpt-5.1", {"temperature": 0.2}, ()),
    ("gpt-5.1", {"temperature": 0.2, "reasoning_effort": "none"}, ()),
    ("gpt-5.4-mini", {"temperature": 0.2, "reasoning_effort": "low"}, ("temperature",)),
    ("gpt-6-sol", {"top_logprobs": 2, "reasoning_effort": "high"}, ("top_logprobs",)),
    ("text-davinci-003", {"temperature": 0.2}, ()),
]


@pytest.mark.parametrize(("model", "fields", "named"), MODELS)
def test_openais_own_models_are_not_told_what_they_refuse(
    model: str, fields: dict[str, Any], named: tuple[str, ...]
) -> None:
    ask, offer = an_ask("smart", payload={"messages": HELLO, **fields}), an_offer(model)
    speaker = dialect_of("openai")
    assert speaker.unsupported(ask, host("openai"), offer) == named
    sent = msgspec.json.decode(speaker.request(ask, offer, host("openai")).body)
    assert sent == {"model": model, "messages": HELLO} | {name: fields[name] for name in fields if name not in named}
    assert speaker.unsupported(ask, elsewhere(), offer) == (), "another vendor may call its models what it likes"


def test_parts_and_messages_that_a_host_has_no_place_for_are_refused_by_their_place_or_left_out() -> None:
    spoken = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Look"}, spoken]}]
    ask = an_ask(payload={"messages": messages}, features=frozenset({"audio"}))
    speaker, offer = dialect_of("deepseek"), an_offer("deepseek-flash")
    assert speaker.unsupported(ask, host("deepseek"), offer) == ("messages[0].content[1].type",)
    sent = msgspec.json.decode(speaker.request(ask, offer, host("deepseek")).body)
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Look"}]}]
    assert speaker.unsupported(ask, host("openrouter"), offer) == ()
    told = [*HELLO, {"role": "tool", "tool_call_id": "a", "content": "sunny"}]
    assert refused(host("perplexity"), messages=told) == ("messages[1].role",)
    assert body(host("perplexity"), messages=told)["messages"] == HELLO


def test_top_k_is_refused_where_it_is_known_to_be_unknown() -> None:
    assert refused(host("openai"), top_k=5) == ("top_k",)
    assert refused(host("vllm"), top_k=5) == refused(elsewhere(), top_k=5) == ()


def test_cache_marks_go_only_to_those_who_take_them() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "x", **mark}], **mark}]
    tools = [{"type": "function", "function": {"name": "f"}, **mark}]
    assert body(host("openrouter"), messages=messages, tools=tools)["messages"] == messages
    assert b"cache_control" not in call(host("openai"), messages=messages, tools=tools).body


def test_a_fictitious_vendor_needs_only_options() -> None:
    acme = elsewhere(
        max_tokens_field="max_new_tokens",
        drop_fields="user, seed",
        refuse_fields="n, response_format=json_schema",
        rename_fields="stop:stop_sequences top_p:nucleus",
        stream_options="no",
        developer_role="false",
        embedding_formats="float",
    )
    said = {"max_tokens": 5, "user": "ada", "seed": 1, "n": 2, "stop": ["x"], "top_p": 0.5}
    assert refused(acme, **said, response_format={"type": "json_schema"}) == ("n", "response_format")
    wire = body(acme, stream=True, **said)
    assert wire == {
        "model": "upstream-id",
        "messages": HELLO,
        "stream": True,
        "max_new_tokens": 5,
        "stop_sequences": ["x"],
        "nucleus": 0.5,
    }


def test_every_option_can_be_read_from_text() -> None:
    for read in OPTIONS.values():
        assert read(Secret(" a:b , true ")) is not None


def test_the_call_goes_below_the_base_url_with_the_key_as_bearer() -> None:
    made = call(elsewhere())
    assert made.url == "https://llm.acme.example/v1/chat/completions"
    headers = dict(made.headers)
    assert headers["authorization"] == "Bearer sk-CANARY-upstream"
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert made.request_id
    assert dict(call(elsewhere(), stream=True).headers)["accept"] == "text/event-stream"
    assert "CANARY" not in repr(made)


def test_headers_of_the_file_win_over_ours() -> None:
    provider = a_provider(
        headers=(("Authorization", Secret("Basic abc")), ("X-Team", Secret("blue"))),
        options=MappingProxyType({"organization": Secret("org-1"), "project": Secret("proj-1")}),
    )
    headers = call(provider).headers
    assert [value for name, value in headers if name == "authorization"] == ["Basic abc"]
    assert dict(headers)["x-team"] == "blue"
    assert dict(headers)["openai-organization"] == "org-1"
    assert dict(headers)["openai-project"] == "proj-1"


def test_without_a_key_nothing_is_authorised() -> None:
    assert "authorization" not in dict(call(a_provider(api_key=None)).headers)


def test_a_provider_of_a_new_configuration_is_called_with_its_new_key() -> None:
    old, new = a_provider(), a_provider(api_key=Secret("sk-new"))
    assert dict(call(old).headers)["authorization"] == "Bearer sk-CANARY-upstream"
    assert dict(call(new).headers)["authorization"] == "Bearer sk-new"


EMBEDDING = [
    ("openai", {"encoding_format": "base64"}, {"encoding_format": "base64"}),
    ("mistral", {"encoding_format": "base64", "dimensions": 8}, {"output_dimension": 8}),
    ("together", {"encoding_format": "base64"}, {}),
    ("openai", {}, {}),
]


@pytest.mark.parametrize(("dialect", "said", "sent"), EMBEDDING)
def test_embeddings_are_asked_for_in_a_format_the_host_has(dialect: str, said: Any, sent: Any) -> None:
    assert body(host(dialect), endpoint="embeddings", input="a", **said) == {
        "model": "upstream-id",
        "input": "a",
        **sent,
    }


def test_models_are_listed_where_the_dialect_says() -> None:
    listing = dialect_of("openai").listing(host())
    assert listing is not None
    assert (listing.method, listing.url) == ("GET", "https://api.openai.com/v1/models")
