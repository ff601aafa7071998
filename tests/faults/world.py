"""A gateway whose providers misbehave by name: one model for each fault of the wire, and one provider that never fails.

A request for a model named after a scenario meets that fault first; `safe` is its fallback. With the header
`X-Inferoute-Fallback` left blank nothing stands behind it.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.serving import ADMIN, Serving, digest_of, serving
from tests.wire import SCENARIOS, Wire

MESSAGES = [{"role": "user", "content": "Hello!"}]
ALONE = {"X-Inferoute-Fallback": ""}
LEAKS = ("CANARY", "Traceback", "/work/", "site-packages", "127.0.0.1", "gateway/")
"""What no answer may hold: keys, places in our code, addresses of providers."""


@dataclass
class World:
    """The gateway, its providers, and a caller."""

    gateway: Serving
    bad: Wire
    good: Wire
    client: httpx.Client

    def fresh(self) -> None:
        """Nothing seen, nothing learnt, retries to spend."""
        self.bad.forget()
        self.good.forget()
        self.gateway.call(self._forget)

    def _forget(self) -> None:
        inside = self.gateway.gateway
        inside.health.adopt(inside.live.current.routing.health, ())
        for _ in range(200):
            inside.retry_budget.note_request(inside.clock.monotonic())

    def chat(self, model: str, *, stream: bool = False, headers: dict[str, str] | None = None, **more: Any) -> "Heard":
        body = {"model": model, "messages": MESSAGES, "stream": stream} | more
        return heard(self.client.post("/v1/chat/completions", json=body, headers=headers))

    def policy(self, hint: str, *, stream: bool = False, **more: Any) -> "Heard":
        body = {"request": {"messages": MESSAGES, "model_hint": hint, "stream": stream}} | more
        return heard(self.client.post("/v1/chat", json=body))

    def record_of(self, answer: "Heard") -> dict[str, Any]:
        """What the ledger says of this request."""
        return self.record(answer.ulid)

    def record(self, ulid: str) -> dict[str, Any]:
        """The journal is shipped in batches: it may take a moment."""
        rows: list[dict[str, Any]] = until(lambda: [row for row in self.records() if row["id"] == ulid])
        assert len(rows) == 1, "one request, one record"
        return rows[0]

    def records(self) -> list[dict[str, Any]]:
        answer = self.client.get("/admin/v1/requests?limit=1000", headers={"Authorization": f"Bearer {ADMIN}"})
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows


def until(true: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What this says once it says something."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.01)
    return value


@dataclass(frozen=True)
class Heard:
    """One answer, checked against what must hold for every answer."""

    status: int
    headers: httpx.Headers
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def code(self) -> str | None:
        if self.status == 200:
            broken = [event for event in self.events if isinstance(event, dict) and "error" in event]
            return broken[-1]["error"]["code"] if broken else None
        body = self.json
        return str(body["code"] if "code" in body else body["error"]["code"])

    @property
    def ulid(self) -> str:
        return self.headers["x-inferoute-request-id"].removeprefix("req-")

    @property
    def provider(self) -> str:
        return self.headers["x-inferoute-provider"]

    @property
    def attempts(self) -> int:
        return int(self.headers["x-tokenhub-attempts"])

    @property
    def events(self) -> list[Any]:
        lines = [line[6:] for line in self.text.split("\n") if line.startswith("data: ")]
        return [json.loads(line) if line != "[DONE]" else line for line in lines]

    @property
    def content(self) -> str:
        if self.text.startswith("{"):
            return str(self.json["choices"][0]["message"]["content"])
        deltas = [choice for event in self.events if isinstance(event, dict) for choice in event.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in deltas)

    @property
    def done(self) -> bool:
        return bool(self.events) and self.events[-1] == "[DONE]"


def heard(answer: httpx.Response) -> Heard:
    answer.read()
    for leak in LEAKS:
        assert leak not in answer.text, f"an answer holds {leak}: {answer.text[:500]}"
        assert leak not in str(answer.headers.multi_items()), f"a header holds {leak}"
    assert answer.headers["x-inferoute-request-id"].startswith("req-")
    return Heard(answer.status_code, answer.headers, answer.text)


def slug(scenario: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in scenario.lower())


@contextlib.contextmanager
def a_world(
    folder: Path, *, more: str = "", timeouts: str = "", models: tuple[str, ...] = tuple(SCENARIOS)
) -> Iterator[World]:
    with Wire() as bad, Wire() as good:
        config = world_config(
            bad.url, good.url, models, timeouts or "connect: 1s, first_byte: 500ms, idle: 500ms, total: 3s"
        )
        with serving(config + more, folder) as gateway, gateway.client() as client:
            yield World(gateway, bad, good, client)


def world_config(bad: str, good: str, models: tuple[str, ...], timeouts: str) -> str:
    common = 'dialect: openai, api_key: "${env:OPENAI_API_KEY}", allow_private: true'
    lines = [
        "version: 1",
        "providers:",
        f'  bad: {{{common}, base_url: "{bad}/v1", timeouts: {{{timeouts}}}}}',
        f'  good: {{{common}, base_url: "{good}/v1"}}',
        f'  refused: {{{common}, base_url: "http://127.0.0.1:{closed_port()}/v1"}}',
        f'  nowhere: {{{common}, base_url: "http://tokenhub.invalid/v1"}}',
        "models:",
        a_model("safe", "good", "gpt-safe", window=200_000, weight=1),
        a_model("refused", "refused", "gpt-refused"),
        a_model("nowhere", "nowhere", "gpt-nowhere"),
        *(a_model(slug(name), "bad", f"f/{name}") for name in models),
        "fallbacks:",
        *(f"  {name}: [safe]" for name in ("refused", "nowhere", *map(slug, models))),
        "routing:",
        "  retries: {backoff: 1ms}",
        "  health: {open_after: 1000, min_requests: 1000000}",
        "keys:",
        f"  - {{name: web-app, digest: '{digest_of()}'}}",
    ]
    return "\n".join(lines) + "\n"


def a_model(name: str, provider: str, upstream_id: str, *, window: int = 8000, weight: int = 8) -> str:
    return (
        f"  {name}: {{weight: {weight}, context_window: {window}, max_output_tokens: 4000, "
        "capabilities: [chat, completions, embeddings, tools, json_schema], "
        f'offers: [{{provider: {provider}, id: "{upstream_id}", price: {{input: 1, output: 1}}}}]}}'
    )


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
