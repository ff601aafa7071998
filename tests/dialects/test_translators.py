"""What holds for every payload, answer and stream that Anthropic's and Google's translators could ever see."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.dialects.anthropic.dialect import Anthropic
from gateway.dialects.base import Dialect, Seal
from gateway.dialects.gemini.dialect import Gemini
from gateway.dialects.gemini.vertex import Vertex
from gateway.dialects.inbound.messages.answer import content_blocks, message
from gateway.dialects.inbound.messages.request import chat_payload
from gateway.dialects.inbound.messages.writer import MessagesWriter
from gateway.dialects.inbound.responses.request import chat_payload as responses_payload
from gateway.dialects.inbound.responses.writer import ResponsesWriter
from gateway.domain.answer import Answer, Chunk
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from gateway.errors import RequestError
from tests.builders import a_provider, an_ask, an_offer
from tests.dialects.payloads import NAMES, SAID, SENSELESS, WORDS, anything, conversations, shaped

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEAL = Seal(id="chatcmpl-th-01ulid", created=1, provider="p", model="m")
SPEAKERS: list[Dialect] = [Anthropic(), Gemini(), Vertex()]
PLACE = a_provider("p", base_url="https://x.test")
OFFER = an_offer("claude-opus-5", "p")


def body_of(speaker: Dialect, payload: dict[str, Any], stream: bool = False) -> Any:
    return msgspec.json.decode(speaker.request(an_ask(payload=payload, stream=stream), OFFER, PLACE).body)


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: type(speaker).__name__)
@QUICK
@given(payload=SENSELESS)
def test_no_payload_makes_a_translator_raise_and_it_is_never_changed(speaker: Dialect, payload: dict[str, Any]) -> None:
    before = msgspec.json.encode(payload)
    named = speaker.unsayable(an_ask(payload=payload), PLACE)
    assert all(isinstance(name, str) and name for name in named)
    assert isinstance(body_of(speaker, payload), dict)
    assert msgspec.json.encode(payload) == before


@QUICK
@given(messages=conversations())
def test_what_openai_can_express_survives_the_way_to_anthropic_and_back(messages: list[dict[str, Any]]) -> None:
    payload = {"model": "m", "messages": messages, "max_completion_tokens": 9}
    assert Anthropic().unsayable(an_ask(payload=payload), PLACE) == ()
    wire = body_of(Anthropic(), payload)
    back = chat_payload(wire)
    assert body_of(Anthropic(), back) == wire
    assert [flat(each) for each in back["messages"]] == [flat(each) for each in messages]


def flat(said: dict[str, Any]) -> dict[str, Any]:
    """With its text as one string."""
    content = said.get("content")
    text = "".join(part["text"] for part in content) if isinstance(content, list) else content
    return said | {"content": text}


@QUICK
@given(messages=conversations())
def test_what_openai_can_express_is_all_there_for_google(messages: list[dict[str, Any]]) -> None:
    payload = {"model": "m", "messages": messages}
    assert Gemini().unsayable(an_ask(payload=payload), PLACE) == ()
    told = msgspec.json.encode(body_of(Gemini(), payload)).decode()
    texts = [msgspec.json.encode(each["content"]).decode() for each in messages]
    assert all(text in told for text in texts)
    assert told.count('"functionCall"') == told.count('"functionResponse"')


BLOCK = shaped(
    {
        "type": st.sampled_from(["text", "tool_use", "thinking", "redacted_thinking", "server_tool_use"]),
        "text": WORDS,
        "thinking": WORDS,
        "signature": WORDS,
        "id": NAMES,
        "name": NAMES,
        "input": anything(3),
    }
)
PARTS = shaped(
    {
        "text": WORDS,
        "thought": st.booleans(),
        "thoughtSignature": WORDS,
        "functionCall": shaped({"name": NAMES, "id": NAMES, "args": anything(3)}),
    }
)
CANDIDATE = shaped(
    {
        "content": shaped({"parts": st.lists(PARTS, max_size=3)}),
        "finishReason": st.sampled_from(["STOP", "SAFETY", "MALFORMED_FUNCTION_CALL", "NEW"]),
        "index": st.integers(0, 3),
        "logprobsResult": shaped({"chosenCandidates": st.lists(anything(3)), "topCandidates": st.lists(anything(3))}),
    }
)
ERROR = shaped({"type": WORDS, "message": WORDS, "code": st.integers(0, 700), "status": WORDS, "details": anything(4)})
USAGE = st.dictionaries(
    st.sampled_from(["input_tokens", "output_tokens", "promptTokenCount", "promptTokensDetails", "cacheTokensDetails"]),
    st.integers(-5, 50) | anything(3),
)
ANSWERS = shaped(
    {
        "content": st.lists(BLOCK, max_size=3),
        "stop_reason": st.sampled_from(["end_turn", "tool_use", "new"]),
        "usage": USAGE,
        "usageMetadata": USAGE,
        "candidates": st.lists(CANDIDATE, max_size=3),
        "promptFeedback": shaped({"blockReason": WORDS}),
        "error": ERROR,
    }
)


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: type(speaker).__name__)
@QUICK
@given(status=st.sampled_from([200, 200, 200, 400, 429, 503, 0]), fields=ANSWERS | anything(6))
def test_no_answer_makes_a_translator_raise(speaker: Dialect, status: int, fields: Any) -> None:
    reply = Reply(status=status, headers=(), body=msgspec.json.encode(fields))
    outcome = speaker.answer(an_ask(), reply, SEAL)
    assert isinstance(outcome, Answer | Failure)
    if isinstance(outcome, Answer):
        msgspec.json.encode(outcome.fields)
        msgspec.json.encode(message(outcome, None))


EVENTS = st.lists(
    ANSWERS
    | shaped(
        {
            "type": st.sampled_from(
                [
                    "message_start",
                    "content_block_start",
                    "content_block_delta",
                    "content_block_stop",
                    "message_delta",
                    "message_stop",
                    "ping",
                    "error",
                    "new",
                ]
            ),
            "index": st.integers(0, 2),
            "message": shaped({"model": NAMES, "usage": USAGE}),
            "content_block": BLOCK,
            "delta": shaped(
                {
                    "type": st.sampled_from(["text_delta", "input_json_delta", "thinking_delta", "signature_delta"]),
                    "text": WORDS,
                    "partial_json": WORDS,
                    "thinking": WORDS,
                    "signature": WORDS,
                    "stop_reason": st.sampled_from(["end_turn", "new"]),
                }
            ),
            "usage": USAGE,
        }
    ),
    max_size=6,
)


@pytest.mark.parametrize("speaker", SPEAKERS[:2], ids=lambda speaker: type(speaker).__name__)
@QUICK
@given(events=EVENTS)
def test_no_stream_makes_a_reader_raise_and_nothing_follows_a_failure(speaker: Dialect, events: list[Any]) -> None:
    reader = speaker.reader(an_ask(stream=True), SEAL)
    raw = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    out = reader.feed(raw) + reader.end()
    assert not any(isinstance(each, Failure) for each in out[:-1])
    assert reader.finished or isinstance(out[-1], Failure)
    for each in out:
        if isinstance(each, Chunk):
            assert isinstance(msgspec.json.decode(each.data)["choices"], list)
    for writer in (MessagesWriter(), ResponsesWriter({})):
        for each in out:
            if isinstance(each, Chunk):
                writer.feed(each)
        assert writer.done()


@QUICK
@given(texts=st.lists(SAID, max_size=1), calls=st.lists(st.tuples(NAMES, SAID), max_size=3))
def test_a_stream_read_and_written_again_is_the_same_stream(texts: list[str], calls: list[tuple[str, str]]) -> None:
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}}]
    for text in texts:
        events += _block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": text})
    for place, (name, said) in enumerate(calls, start=1):
        start = {"type": "tool_use", "id": name, "name": name, "input": {}}
        pieces = msgspec.json.encode({"a": said}).decode()
        events += _block(place, start, {"type": "input_json_delta", "partial_json": pieces})
    events.append({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}})
    first = _read(b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events))
    writer = MessagesWriter()
    again = _read(b"".join([frame for chunk in first for frame in writer.feed(chunk)] + writer.done()))
    assert [_choices(each) for each in again] == [_choices(each) for each in first]
    assert again[-1].usage == first[-1].usage


def _block(place: int, start: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": place, "content_block": start},
        {"type": "content_block_delta", "index": place, "delta": delta},
        {"type": "content_block_stop", "index": place},
    ]


def _choices(chunk: Chunk) -> Any:
    return msgspec.json.decode(chunk.data)["choices"]


def _read(raw: bytes) -> list[Chunk]:
    reader = Anthropic().reader(an_ask(stream=True), SEAL)
    return [each for each in reader.feed(raw) + reader.end() if isinstance(each, Chunk)]


@QUICK
@given(content=st.lists(st.builds(lambda text: {"type": "text", "text": text}, SAID), min_size=1, max_size=1))
def test_an_answer_read_and_told_again_has_the_same_content(content: list[dict[str, Any]]) -> None:
    body = {"content": content, "stop_reason": "end_turn", "model": "m", "usage": {}}
    outcome = Anthropic().answer(an_ask(), Reply(status=200, headers=(), body=msgspec.json.encode(body)), SEAL)
    assert isinstance(outcome, Answer)
    assert content_blocks(outcome.fields["choices"][0]["message"]) == content


INBOUND = shaped(
    {
        "model": NAMES,
        "max_tokens": st.integers(1, 9),
        "messages": st.lists(
            shaped({"role": st.sampled_from(["user", "assistant"]), "content": WORDS | st.lists(BLOCK, max_size=3)}),
            max_size=3,
        ),
        "input": WORDS
        | st.lists(
            shaped(
                {
                    "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning"]),
                    "role": st.sampled_from(["user", "assistant"]),
                    "content": WORDS | st.lists(anything(3), max_size=2),
                    "call_id": NAMES,
                    "name": NAMES,
                    "arguments": WORDS,
                    "output": WORDS,
                    "encrypted_content": WORDS,
                }
            ),
            max_size=3,
        ),
        "system": WORDS | st.lists(BLOCK, max_size=2),
        "tools": st.lists(anything(4), max_size=2),
        "thinking": anything(3),
        "text": anything(4),
    }
)


@pytest.mark.parametrize("understand", [chat_payload, responses_payload], ids=["messages", "responses"])
@QUICK
@given(fields=INBOUND)
def test_a_callers_body_is_understood_or_refused_by_name(understand: Any, fields: dict[str, Any]) -> None:
    outcome = understood(understand, fields)
    if isinstance(outcome, RequestError):
        assert outcome.param
        return
    assert all(isinstance(each, dict) for each in outcome["messages"])
    body_of(Anthropic(), outcome)
    body_of(Gemini(), outcome)


def understood(understand: Any, fields: dict[str, Any]) -> dict[str, Any] | RequestError:
    try:
        payload: dict[str, Any] = understand(fields)
    except RequestError as error:
        return error
    return payload
