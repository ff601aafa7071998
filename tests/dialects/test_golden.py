"""Transcripts of every dialect: one OpenAI request, each provider's wire request, reply, stream, and the answer.

`tests/golden/dialects/<case>/` holds `ask.json` and, for each dialect, what a provider sends (`<dialect>.reply.json`,
`<dialect>.stream.sse` or `.stream.bin`) and what must come out (`<dialect>.request.json`, `<dialect>.answer.json`,
`<dialect>.chunks.jsonl`); `pytest --update-golden` writes the latter anew.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.dialects.base import Proof, Seal
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer, Chunk
from gateway.domain.ask import Ask
from gateway.domain.call import Reply
from gateway.domain.dialect_facts import DIALECTS
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

GOLDEN = Path(__file__).parent.parent / "golden" / "dialects"
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
ENDPOINT_OF_FIELD = {"messages": "chat", "prompt": "completions", "input": "embeddings"}
ID_PREFIX = {"chat": "chatcmpl-th-", "completions": "cmpl-th-", "embeddings": "embd-th-"}
PREPARED = frozenset({"echo", "azure", "openai", "mistral", "deepseek", "anthropic", "gemini", "bedrock", "cohere"})
"""Dialects whose wire request is written down for every chat case; others where a file of theirs is in the case."""
OPTIONS: dict[str, dict[str, str]] = {
    "azure": {"api_version": "2024-10-21"},
    "bedrock": {"region": "eu-central-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "CANARY-secret"},
}
PROOF = Proof(now_unix=1_800_000_000.0)
MOST_SPLITS = 1500


def provider_of(dialect: str) -> Provider:
    base_url = DIALECTS[dialect].base_url or "https://res.openai.azure.com"
    options = {name: Secret(value) for name, value in OPTIONS.get(dialect, {}).items()}
    key = Secret("sk-CANARY-upstream") if dialect != "bedrock" else None
    return a_provider(dialect, dialect=dialect, base_url=base_url, options=options, api_key=key)


def ask_of(case: str, *, stream: bool = False) -> Ask:
    payload = msgspec.json.decode((GOLDEN / case / "ask.json").read_bytes())
    endpoint = next(endpoint for field, endpoint in ENDPOINT_OF_FIELD.items() if field in payload)
    if stream:
        payload |= {"stream": True}
    choices = payload.get("n") or 1
    return an_ask("the-model", endpoint=endpoint, payload=payload, stream=stream, choices=choices)


def seal_of(case: str, dialect: str) -> Seal:
    prefix = ID_PREFIX[ask_of(case).endpoint]
    return Seal(id=prefix + "01j9z3xkbfqe5m7nw4v2p6r8cd", created=1_800_000_000, provider=dialect, model="upstream-id")


def present(case: str, *suffixes: str) -> Iterator[tuple[str, Path]]:
    for suffix in suffixes:
        for path in sorted((GOLDEN / case).glob(f"*.{suffix}")):
            yield path.name.removesuffix(f".{suffix}"), path


def requests() -> Iterator[tuple[str, str]]:
    for case in CASES:
        names = {name for name, _ in present(case, "request.json", "reply.json", "stream.sse", "stream.bin")}
        yield from ((case, name) for name in sorted(names | (PREPARED if ask_of(case).endpoint == "chat" else set())))


REPLIES = [(case, name) for case in CASES for name, _ in present(case, "reply.json")]
STREAMS = [(case, name, path) for case in CASES for name, path in present(case, "stream.sse", "stream.bin")]


def check(path: Path, came_out: str, update: bool) -> None:
    if update:
        path.write_text(came_out)
    assert path.exists(), f"{path.name} is missing: run `pytest --update-golden` and review the diff"
    assert path.read_text() == came_out


def pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


@pytest.mark.parametrize(("case", "dialect"), list(requests()))
def test_the_wire_request_is_the_recorded_one(case: str, dialect: str, update_golden: bool) -> None:
    speaker, provider, ask = dialect_of(dialect), provider_of(dialect), ask_of(case)
    refused = speaker.unsupported(ask, provider, an_offer("upstream-id", dialect))
    call = speaker.request(ask, an_offer("upstream-id", dialect), provider, PROOF)
    seen = {
        "unsupported": list(refused),
        "url": f"{call.method} {call.url}",
        "headers": dict(call.headers) | ({"x-request-id": f"req-{call.request_id}"} if call.request_id else {}),
        "body": msgspec.json.decode(call.body),
    }
    check(GOLDEN / case / f"{dialect}.request.json", pretty(seen), update_golden)


@pytest.mark.parametrize(("case", "dialect"), REPLIES)
def test_a_reply_becomes_the_recorded_answer(case: str, dialect: str, update_golden: bool) -> None:
    recorded = msgspec.json.decode((GOLDEN / case / f"{dialect}.reply.json").read_bytes())
    headers = tuple(recorded.get("headers", {"content-type": "application/json"}).items())
    reply = Reply(status=recorded["status"], headers=headers, body=msgspec.json.encode(recorded["body"]))
    answer = dialect_of(dialect).answer(ask_of(case), reply, seal_of(case, dialect))
    check(GOLDEN / case / f"{dialect}.answer.json", pretty(told(answer)), update_golden)


@pytest.mark.parametrize(("case", "dialect", "path"), STREAMS, ids=lambda value: getattr(value, "name", value))
def test_a_stream_becomes_the_recorded_chunks(case: str, dialect: str, path: Path, update_golden: bool) -> None:
    chunks = replayed(case, dialect, [path.read_bytes()])
    lines = "".join(msgspec.json.encode(told(each)).decode() + "\n" for each in chunks)
    check(GOLDEN / case / f"{dialect}.chunks.jsonl", lines, update_golden)


@pytest.mark.parametrize(("case", "dialect", "path"), STREAMS, ids=lambda value: getattr(value, "name", value))
def test_a_stream_is_the_same_however_its_bytes_are_cut(case: str, dialect: str, path: Path) -> None:
    data = path.read_bytes()
    whole = replayed(case, dialect, [data])
    assert replayed(case, dialect, [bytes([byte]) for byte in data]) == whole
    for cut in range(1, len(data), max(1, len(data) // MOST_SPLITS)):
        assert replayed(case, dialect, [data[:cut], data[cut:]]) == whole, f"cut at byte {cut}"


def replayed(case: str, dialect: str, pieces: list[bytes]) -> list[Chunk | Failure]:
    reader = dialect_of(dialect).reader(ask_of(case, stream=True), seal_of(case, dialect))
    return [each for piece in pieces for each in reader.feed(piece)] + reader.end()


def told(value: Answer | Chunk | Failure) -> dict[str, Any]:
    """Without defaults, and with a chunk's bytes as JSON."""
    if isinstance(value, Answer):
        return {"model": value.model, "usage": told_usage(value), "fields": value.fields}
    if isinstance(value, Failure):
        return {"failure": plain(value)}
    return {"data": msgspec.Raw(value.data)} | {name: each for name, each in plain(value).items() if name != "data"}


def told_usage(answer: Answer) -> dict[str, Any] | None:
    return None if answer.usage is None else plain(answer.usage)


def plain(struct: msgspec.Struct) -> dict[str, Any]:
    values = msgspec.structs.asdict(struct)
    defaults = {field.name: field.default for field in msgspec.structs.fields(struct)}
    kept = {name: value for name, value in values.items() if value != defaults[name]}
    return {name: plain(value) if isinstance(value, msgspec.Struct) else value for name, value in kept.items()}


@pytest.mark.parametrize("dialect", ["azure", "openai"])
def test_a_dialect_has_transcripts_of_whole_and_streamed_answers(dialect: str) -> None:
    assert any(name == dialect for _, name in REPLIES)
    assert any(name == dialect for _, name, _ in STREAMS)
