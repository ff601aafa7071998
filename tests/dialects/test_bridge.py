"""Completions served through chat: asks, answers and streams there and back."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.base import Seal
from gateway.dialects.bridge import join_answers, split_prompts, via_chat
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from gateway.errors import RequestError
from tests.builders import a_provider, an_ask, an_offer

SEAL = Seal(id="cmpl-th-01j9", created=1, provider="demo", model="echo")
DEMO = a_provider("demo", dialect="echo", base_url="http://echo.invalid")
BRIDGE = via_chat(dialect_of("echo"))


def completions(prompt: Any = "Once", **fields: Any) -> Ask:
    payload = {"model": "m", "prompt": prompt, **fields}
    return an_ask("m", endpoint="completions", payload=payload, stream=bool(fields.get("stream")))


def wire(ask: Ask) -> Any:
    call = BRIDGE.request(ask, an_offer("echo", "demo"), DEMO)
    assert call.url.endswith("/chat/completions")
    return msgspec.json.decode(call.body)


def served(ask: Ask) -> Answer:
    answer = BRIDGE.answer(ask, BRIDGE.perform(BRIDGE.request(ask, an_offer("echo", "demo"), DEMO)), SEAL)
    assert isinstance(answer, Answer)
    return answer


def test_a_prompt_becomes_a_message_and_the_default_bound_is_that_of_completions() -> None:
    assert wire(completions(temperature=0.5, n=2, logprobs=None, best_of=1, echo=False, suffix="")) == {
        "model": "echo",
        "messages": [{"role": "user", "content": "Once"}],
        "temperature": 0.5,
        "n": 2,
        "max_tokens": 16,
    }
    assert wire(completions(max_tokens=3))["max_tokens"] == 3


REFUSED = [
    ("logprobs", {"logprobs": 0}),
    ("logprobs", {"logprobs": 5}),
    ("best_of", {"best_of": 2}),
    ("echo", {"echo": True}),
    ("suffix", {"suffix": "."}),
    ("prompt", {"prompt": [1, 2]}),
    ("prompt", {"prompt": [[1], [2]]}),
    ("prompt", {"prompt": []}),
    ("prompt", {"prompt": None}),
]


@pytest.mark.parametrize(("param", "fields"), REFUSED)
def test_what_chat_cannot_express_ends_the_request(param: str, fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        split_prompts(completions(**fields))
    assert (caught.value.kind, caught.value.param) == ("invalid_value", param)


def test_one_prompt_is_one_ask_and_several_are_several() -> None:
    one = completions("Once")
    assert split_prompts(one) == (one,)
    assert [ask.payload["prompt"] for ask in split_prompts(completions(["a", "b"]))] == ["a", "b"]
    assert split_prompts(completions(["a"]))[0].payload["prompt"] == "a"


def test_a_message_becomes_a_text() -> None:
    fields = msgspec.json.decode(msgspec.json.encode(served(completions()).fields))
    assert (fields["id"], fields["object"], fields["model"]) == (SEAL.id, "text_completion", "demo/echo")
    assert fields["choices"] == [{"index": 0, "text": "echo: Once", "logprobs": None, "finish_reason": "stop"}]


def test_answers_to_several_prompts_are_numbered_through_and_counted_together() -> None:
    answers = [served(ask) for ask in split_prompts(completions(["a", "b c"], n=2))]
    whole = join_answers(answers)
    assert [(choice["index"], choice["text"]) for choice in whole.fields["choices"]] == [
        (0, "echo: a"),
        (1, "echo: a"),
        (2, "echo: b c"),
        (3, "echo: b c"),
    ]
    assert whole.usage == Usage(input_tokens=9, output_tokens=10)
    assert whole.fields["usage"]["total_tokens"] == 19
    assert join_answers(answers[:1]) is answers[0]


def test_unknown_usage_stays_unknown() -> None:
    answers = [served(ask) for ask in split_prompts(completions(["a", "b !no-usage"]))]
    whole = join_answers(answers)
    assert whole.usage is None
    assert "usage" not in whole.fields


def test_a_stream_of_messages_becomes_a_stream_of_texts() -> None:
    ask = completions("Once !think about it", stream=True)
    call = BRIDGE.request(ask, an_offer("echo", "demo"), DEMO)
    reader = BRIDGE.reader(ask, SEAL)
    pieces = BRIDGE.perform_stream(call)
    assert not isinstance(pieces, Reply)
    said = [each for piece in pieces for each in reader.feed(piece)] + reader.end()
    chunks = [each for each in said if isinstance(each, Chunk)]
    told = [msgspec.json.decode(each.data) for each in chunks]
    assert chunks == said
    assert {(each["object"], each["id"]) for each in told} == {("text_completion", SEAL.id)}
    texts = [choice["text"] for each in told for choice in each["choices"]]
    assert "".join(texts) == "echo: Once !think about it"
    assert [chunk.finish for chunk in chunks][-2:] == [True, False]
    assert chunks[-1].usage_only
    assert reader.finished
    assert reader.usage is not None
    assert reader.model == "echo"


def test_failures_pass_through() -> None:
    ask = completions("!fail 503")
    reply = BRIDGE.perform(BRIDGE.request(ask, an_offer("echo", "demo"), DEMO))
    assert isinstance(BRIDGE.answer(ask, reply, SEAL), Failure)
    reader = BRIDGE.reader(ask, SEAL)
    assert isinstance(reader.feed(b"data: nonsense\n\n")[0], Failure)
