"""Gateways as real processes, and crowds that call them."""

import asyncio
import hashlib
import itertools
import time
from collections.abc import Iterable, Mapping, Sequence

import httpx

CENT = 0.01
CHAT = "/v1/chat/completions"
ASK = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 16}


def config(wire_url: str, keys: Mapping[str, str], *, state: str = "memory://", more: str = "") -> str:
    """Every request costs exactly a cent, whatever it uses. `keys` is limits by name; a key is `th-CANARY-<name>`."""
    provider = f"dialect: openai, base_url: '{wire_url}/v1', api_key: '${{env:OPENAI_API_KEY}}', allow_private: true"
    offer = f"{{provider: p, id: m, price: {{input: 0, output: 0, request: {CENT}}}}}"
    lines = [
        "version: 1",
        f"state: {state}",
        f"providers: {{p: {{{provider}}}}}",
        "models:",
        "  m:",
        "    {weight: 5, context_window: 8000, max_output_tokens: 1000, capabilities: [chat], offers: [" + offer + "]}",
        "keys:",
    ]
    for name, limits in keys.items():
        lines.append(f"  - {{name: {name}, digest: 'sha256:{digest(name)}', limits: {{{limits}}}}}")
    return "\n".join(lines) + "\n" + more


def secret(name: str) -> str:
    return f"th-CANARY-{name}"


def digest(name: str) -> str:
    return hashlib.sha256(secret(name).encode()).hexdigest()


def crowd(urls: Sequence[str], name: str, count: int, at_once: int = 50) -> list[httpx.Response]:
    """So many requests in parallel, spread evenly."""

    async def call() -> list[httpx.Response]:
        gate = asyncio.Semaphore(at_once)
        limits = httpx.Limits(max_connections=at_once)
        async with httpx.AsyncClient(timeout=30, trust_env=False, limits=limits) as client:

            async def one(url: str) -> httpx.Response:
                async with gate:
                    headers = {"Authorization": f"Bearer {secret(name)}"}
                    return await client.post(url + CHAT, json=ASK, headers=headers)

            return await asyncio.gather(*(one(url) for url in itertools.islice(itertools.cycle(urls), count)))

    return asyncio.run(call())


def codes(answers: Iterable[httpx.Response]) -> dict[str, int]:
    """How often each outcome came."""
    counted: dict[str, int] = {}
    for answer in answers:
        code = "ok" if answer.is_success else str(answer.json()["error"]["code"])
        counted[code] = counted.get(code, 0) + 1
    return counted


def all_served(urls: Sequence[str], name: str, patience_s: float = 20.0) -> bool:
    """Whether, sooner or later, a small crowd is served whole."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if codes(crowd(urls, name, 12, at_once=4)) == {"ok": 12}:
            return True
    return False
