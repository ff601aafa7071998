"""Faults by their id in the catalogue, as answers; and what a provider says when nothing was scripted."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from tests.wire.anthropic import anthropic_message, anthropic_stream
from tests.wire.openai import completion, embedding, openai_chat, openai_error, openai_stream, stream_chunk
from tests.wire.request import Seen
from tests.wire.scripted import HOLE, RESET, Scripted, events, json_reply

HTML = b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"
NO_MONEY = "You exceeded your current quota, please check your plan and billing details."
LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."


def scenario(name: str) -> Scripted:
    """By whole name, or by the id it starts with where only one does."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    found = [key for key in SCENARIOS if key.startswith(f"{name}-")]
    if len(found) != 1:
        raise KeyError(f"{name} names {found or 'no scenario'}")
    return SCENARIOS[found[0]]


def default_answer(seen: Seen) -> Scripted:
    asked = seen.json if isinstance(seen.json, dict) else {}
    named: dict[str, Any] = {"model": seen.model} if seen.model else {}
    stream = asked.get("stream") is True
    if seen.path.endswith("/chat/completions"):
        return openai_stream(**named) if stream else openai_chat(**named)
    if seen.path.endswith("/completions"):
        return completion(**named)
    if seen.path.endswith("/embeddings"):
        given = asked.get("input")
        count = len(given) if isinstance(given, list) and given and not isinstance(given[0], int) else 1
        return embedding(*[(0.25, -0.5, 1.0 + index) for index in range(count)], **named)
    if seen.path.endswith("/messages"):
        return anthropic_stream(**named) if stream else anthropic_message(**named)
    return openai_error(404, message=f"unknown url {seen.path[:64]}")


def _connection() -> Iterator[tuple[str, Scripted]]:
    yield "U08-reset-after-request", RESET
    yield "U08-close-after-request", Scripted(raw=b"", end="close")
    yield "U08-reset-inside-head", Scripted(raw=b"HTTP/1.1 200 OK\r\nContent-Le", end="reset")
    yield "U09-close-mid-body", openai_chat(end="close", cut_after=40)
    yield "U09-reset-mid-body", openai_chat(end="reset", cut_after=40)
    yield "U09-close-mid-chunked", openai_chat(framing="chunked", end="close", cut_after=40)
    yield "U14-redirect", Scripted(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    yield "U14-redirect-permanent", Scripted(status=308, headers={"Location": "/v2/chat/completions"})
    yield "T02-never-answers", HOLE
    yield "T02-never-ends-its-head", Scripted(raw=b"HTTP/1.1 200 OK\r\nX-Slow:", end="silent")


def _status() -> Iterator[tuple[str, Scripted]]:
    yield "S01-bad-request", openai_error(400, "invalid_value", "temperature is wrong", param="temperature")
    yield "S02-context-length", openai_error(400, "context_length_exceeded", LONG, param="messages")
    yield "S02-too-large", openai_error(413, None, "request too large")
    yield "S03-content-policy", openai_error(400, "content_policy_violation", "Your request was rejected.")
    yield "S04-unauthorized", openai_error(401, "invalid_api_key", "Incorrect API key provided: sk-CANARY-upstream.")
    yield "S04-forbidden", openai_error(403, None, "no access")
    yield "S05-billing", openai_error(402, None, "payment required")
    yield "S06-model-gone", openai_error(404, "model_not_found", "The model does not exist.")
    yield "S07-unprocessable", openai_error(422, None, "unprocessable")
    yield "S08-request-timeout", openai_error(408, None, "timed out")
    yield "S09-conflict", openai_error(409, None, "conflict")
    yield "S10-rate-limited", openai_error(429, "rate_limit_exceeded", headers={"Retry-After": "7"})
    yield "S11-no-money", openai_error(429, "insufficient_quota", NO_MONEY, type="insufficient_quota")
    yield "S12-slow-down", openai_error(429, "slow_down", "slow down")
    for said in ("Wed, 21 Oct 2015 07:28:00 GMT", "-3", "1e9", "NaN", "inf", "soon"):
        yield f"S13-retry-after-{said.split(',')[0]}", openai_error(429, headers={"Retry-After": said})
    yield "S14-server-error", openai_error(500)
    for status in (502, 503, 504, 520, 526):
        yield f"S15-{status}-html", Scripted(status=status, headers={"Content-Type": "text/html"}, body=HTML)
    yield "S16-overloaded", openai_error(529, None, "overloaded", type="overloaded_error")
    yield "S16-server-is-overloaded", openai_error(503, "server_is_overloaded")
    yield "S17-continue-first", openai_chat(informational=(b"HTTP/1.1 100 Continue\r\n\r\n",))
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    yield "S17-early-hints", openai_chat(informational=(hints, b"HTTP/1.1 102 Processing\r\n\r\n"))
    yield "S18-no-content", Scripted(status=204, framing="none")
    yield "S18-reset-content", Scripted(status=205)
    yield "S18-empty", Scripted(headers={"Content-Type": "application/json"})
    yield "S19-error-in-200", json_reply({"error": {"message": "backend down", "type": "server_error", "code": 502}})
    yield (
        "S19-vllm-error",
        json_reply({"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}),
    )
    yield "S20-status-0", Scripted(raw=b"HTTP/1.1 0 Nothing\r\nContent-Length: 0\r\n\r\n")
    yield "S20-status-600", openai_error(600)
    yield "S20-status-999", openai_error(999)
    yield "S24-html-error", Scripted(status=500, headers={"Content-Type": "text/html"}, body=HTML)
    yield "S24-binary-error", Scripted(status=500, body=bytes(range(256)) * 64)
    yield "S24-huge-error", Scripted(status=500, body=b'{"error":{"message":"' + b"x" * 10_000_000 + b'"}}')


def _body() -> Iterator[tuple[str, Scripted]]:
    yield "B01-html", Scripted(headers={"Content-Type": "text/html"}, body=HTML)
    yield "B02-truncated-json", Scripted(headers={"Content-Type": "application/json"}, body=b'{"id": "x", "choi')
    yield "B02-bad-utf8", Scripted(headers={"Content-Type": "application/json"}, body=b'{"id": "\xff\xfe"}')
    yield "B02-shorter-than-said", openai_chat(headers={"Content-Length": "100000"}, end="close")
    squeezed = gzip.compress(openai_chat().pieces()[0])
    yield "B03-gzip", Scripted(headers={"Content-Encoding": "gzip"}, body=squeezed)
    yield (
        "B03-deflate",
        Scripted(headers={"Content-Encoding": "deflate"}, body=zlib.compress(openai_chat().pieces()[0])),
    )
    yield "B03-bad-gzip", Scripted(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b\x08 this is no gzip at all")
    yield "B03-cut-gzip", Scripted(headers={"Content-Encoding": "gzip"}, body=squeezed[:-12])
    yield "B03-gzip-bomb", Scripted(headers={"Content-Encoding": "gzip"}, body=_bomb(80))
    yield "B05-deep-json", Scripted(body=b"[" * 100_000)
    yield "B06-no-choices", json_reply({"id": "x", "object": "chat.completion", "choices": [], "model": "m"})
    yield "B06-empty-content", openai_chat("")
    yield "B07-no-usage", openai_chat(usage=None)
    yield "B08-negative-usage", openai_chat(usage=(-5, -1))
    yield "B08-text-usage", openai_chat(usage={"prompt_tokens": "many", "completion_tokens": 1.5, "total_tokens": None})
    yield "B08-absurd-usage", openai_chat(usage=(10**18, 10**18))
    yield "B10-other-model", openai_chat(model="another-model")
    yield "B11-no-id", openai_chat(extra={"id": None})
    yield "B12-unknown-fields", openai_chat(extra={"brand_new": {"a": [1, 2]}, "system_fingerprint": "fp_1"})
    yield (
        "B15-set-cookie",
        openai_chat(headers={"Set-Cookie": "a=b", "OpenAI-Organization": "org-CANARY", "Server": "x"}),
    )


def _bomb(megabytes: int) -> bytes:
    """A gzip whose blocks repeat, so that it costs nothing to make; its end is never reached."""
    squeezer = zlib.compressobj(1, zlib.DEFLATED, 31)
    first = squeezer.compress(b"\0") + squeezer.flush(zlib.Z_FULL_FLUSH)
    block = squeezer.compress(b"\0" * 1_048_576) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return first + block * megabytes


def _stream() -> Iterator[tuple[str, Scripted]]:
    error = {"error": {"message": "backend down", "type": "server_error", "code": None}}
    yield "E02-first-event-is-an-error", events([error], done=False)
    yield "E03-error-after-content", openai_stream(finish=None, usage=None, ending=[error], done=False)
    yield "E04-ends-without-finish", openai_stream(finish=None, usage=None, done=False)
    yield "E04-ends-with-nothing", events([], done=False)
    yield "E05-no-done", openai_stream(done=False)
    yield "E06-done-without-finish", openai_stream(finish=None)
    yield "E07-bytes-after-done", events([stream_chunk({"content": "hi"}, finish="stop"), "[DONE]", "{}"], done=False)
    yield "E08-stalls", openai_stream(stall_after=3)
    yield "E09-only-comments", events([b": ping\n\n"] * 5, done=False, stall_after=5)
    yield "E10-every-byte-alone", openai_stream(["日本", "語", " 🎉"], split=1)
    yield "E11-cr", openai_stream(eol="\r")
    yield "E11-crlf", openai_stream(eol="\r\n")
    yield "E11-crlf-cut", openai_stream(eol="\r\n", split=1)
    yield "E12-separators", openai_stream(["a\u2028b", "c\u2029d", "e\x85f", "g\x0bh\x0ci"])
    half = b'data: {"id":"x","object":"chat.completion.chunk",\ndata: "model":"m","choices":[]}\n\n'
    yield "E13-odd-but-legal", openai_stream(ending=[b"\xef\xbb\xbf: hi\n\n", b"id: 7\nretry: 10\n\n", half])
    yield "E14-endless-line", events([b"data: " + b"x" * 2_000_000], done=False)
    yield "E15-many-tiny-events", openai_stream(["a"] * 2000)
    yield "E16-json-instead", openai_chat()
    yield "E17-bad-json", events([stream_chunk({"content": "hi"}), "{not json", stream_chunk({"content": "ho"})])
    yield "E18-no-usage", openai_stream(usage=None)
    two = [stream_chunk({"content": word}, index=index) for index, word in ((0, "a"), (1, "b"), (0, "c"), (1, "d"))]
    ends = [stream_chunk({}, finish="stop", index=index) for index in (1, 0)]
    yield "E27-two-choices", events([*two, *ends])
    yield "E29-think-cut", openai_stream(["<th", "ink>hidden</", "think>", "shown"])
    last = stream_chunk(None) | error | {"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
    yield "E32-error-with-usage", openai_stream(usage=None, finish=None, ending=[last], done=False)
    yield "E04-reset", openai_stream(end="reset", cut_after=300)
    yield "E04-close-mid-event", openai_stream(end="close", cut_after=300)


SCENARIOS: Mapping[str, Scripted] = MappingProxyType(
    {name: said for group in (_connection, _status, _body, _stream) for name, said in group()}
)
