"""What Anthropic's Messages API says."""

from collections.abc import Iterable, Sequence
from typing import Any

from tests.wire.scripted import Scripted, events, json_reply

MODEL = "claude-3-5-sonnet-20241022"
ID = "msg_upstream_1"


def anthropic_message(
    text: str = "Hello there!",
    *,
    model: str = MODEL,
    usage: tuple[int, int] | dict[str, Any] = (10, 5),
    stop: str = "end_turn",
    content: Sequence[dict[str, Any]] | None = None,
    **more: Any,
) -> Scripted:
    value = {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}] if content is None else list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": _usage(usage),
    }
    return json_reply(value, **more)


def anthropic_stream(
    words: Iterable[str] = ("Hello", " there", "!"),
    *,
    model: str = MODEL,
    usage: tuple[int, int] = (10, 5),
    stop: str = "end_turn",
    **more: Any,
) -> Scripted:
    start: dict[str, Any] = {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": usage[0], "output_tokens": 1},
    }
    said: list[Any] = [{"type": "message_start", "message": start}]
    said.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    said.append({"type": "ping"})
    said += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in words
    ]
    said.append({"type": "content_block_stop", "index": 0})
    said.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": usage[1]},
        }
    )
    said.append({"type": "message_stop"})
    return events([(item["type"], item) for item in said], done=False, **more)


def anthropic_error(
    status: int, type: str = "api_error", message: str = "the provider says no", **more: Any
) -> Scripted:
    return json_reply({"type": "error", "error": {"type": type, "message": message}}, status, **more)


def _usage(usage: tuple[int, int] | dict[str, Any]) -> dict[str, Any]:
    if isinstance(usage, dict):
        return usage
    return {"input_tokens": usage[0], "output_tokens": usage[1]}
