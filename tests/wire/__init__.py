"""Providers, faked at the wire: one raw-socket server that answers exactly what a test scripted, and keeps what it saw.

    with Wire() as wire:
        wire.script(openai_error(429), openai_chat("Hello!"))
        ...                                        # call wire.url + "/v1/chat/completions"
        assert wire.requests[0].json["model"] == "gpt-4o"

Nothing scripted: a sensible answer for chat, streams, completions, embeddings, Anthropic messages. A model named
`f/<scenario>` (see `SCENARIOS`) answers that scenario.

The `wait_*` methods block: where the client runs on an event loop in the same thread, `await asyncio.to_thread(...)`.
"""

from tests.wire.anthropic import anthropic_error, anthropic_message, anthropic_stream
from tests.wire.faults import FaultProxy
from tests.wire.openai import completion, embedding, openai_chat, openai_error, openai_stream
from tests.wire.proxy import ConnectProxy
from tests.wire.scenarios import SCENARIOS, scenario
from tests.wire.scripted import HOLE, RESET, Scripted, events, json_reply
from tests.wire.server import Connection, Gate, Seen, Wire
from tests.wire.tls import Authority

__all__ = [
    "HOLE",
    "RESET",
    "SCENARIOS",
    "Authority",
    "ConnectProxy",
    "Connection",
    "FaultProxy",
    "Gate",
    "Scripted",
    "Seen",
    "Wire",
    "anthropic_error",
    "anthropic_message",
    "anthropic_stream",
    "completion",
    "embedding",
    "events",
    "json_reply",
    "openai_chat",
    "openai_error",
    "openai_stream",
    "scenario",
]
