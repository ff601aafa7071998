"""`tokenhub explain`: where a request would go, and why."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from gateway.cli.ask_options import Supposed, ask_options
from gateway.cli.explain_page import page
from gateway.cli.places import find_config
from gateway.cli.remote import base_of
from gateway.cli.show_problems import show
from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import World, load
from gateway.config.shape.proving import TrialAsk
from gateway.domain.ask import Ask
from gateway.domain.moment import Moment
from gateway.domain.snapshot import Snapshot
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.outlook import outlook_with_key
from gateway.flow.suppose import ID, Names, ask_of, moment_of_trial
from gateway.flow.supposed_body import body_for, headers_for
from gateway.state.stores.memory import MemoryLimits
from gateway.web.app import HOT
from gateway.web.body import decode_object
from gateway.web.explaining import Decision, endpoint_of, told

Answered = tuple[dict[str, Any], tuple[str, ...]]
"""The decision, and what was probably meant."""


@click.command("explain", short_help="Where a request would go, and why.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@ask_options
@click.option(
    "--body",
    type=click.File("rb"),
    help="A file with the body of a request; standard input where nothing else is said.",
)
@click.option("--url", metavar="URL", help="Ask a running gateway, with the key in $TOKENHUB_KEY.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
def explain(config: Path | None, supposed: Supposed, body: Any, url: str | None, form: str) -> None:
    """Where a request would go, and why.

    Asks the code that serves requests: which offers a name means, who is tried in turn, who is passed over and by which
    rule, the terms of a score, the estimated cost, and how the request would end if nobody may serve it. Nothing is
    sent to a provider.

    \b
    tokenhub explain --model smart
    tokenhub explain configs/ --mode planning --tokens 5000 --key web-app
    tokenhub explain --model gpt-4o --down openai --latency azure-eu=3s
    tokenhub explain --body request.json
    tokenhub explain < request.json
    tokenhub explain --url http://127.0.0.1:8080 --model smart

    Offline, CONFIG is read and the world is well but for what the options say. With --url a running gateway answers
    from what it knows now (health, turns, limits, overrides): $TOKENHUB_KEY holds the key, and --down and its like
    cannot be said. A body is told by its shape (`messages`, `prompt`, `input`, `request`), else by --endpoint.

    With --format json: the answer of `POST /v1/explain`: {"verdict": {"ok", "status", "offer", "model", "provider",
    "reason", "estimated_cost_usd", "code", "message", …}, "asked", "resolution", "steps": [{"offer", "reason",
    "standing", "estimated_cost_usd", "score", …}], "wider", "refused": [{"name", "rule", "why"}], "attempts",
    "candidates", "demand", "limits", "config", …}.

    Exit status: 0 it would be sent to a provider, 1 it would be refused, 2 wrong usage.
    """
    sent = body.read() if body else _piped(supposed)
    answer, hints = _ask_gateway(url, supposed, sent) if url else _decide_here(config, supposed, sent)
    as_json = form == "json"
    click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() if as_json else page(answer, hints))
    sys.exit(0 if answer["verdict"]["ok"] else 1)


def _piped(supposed: Supposed) -> bytes:
    """Standard input, where nothing else says what is asked."""
    if supposed.ask != TrialAsk(key=supposed.ask.key) or sys.stdin.isatty():
        return b""
    return sys.stdin.buffer.read().strip()


def _decide_here(config: Path | None, supposed: Supposed, body: bytes) -> Answered:
    now = datetime.now(UTC)
    loading = load(find_config(config), World(env=os.environ, today=now.date(), secrets="skip"))
    if loading.declaration is None:
        show(loading.problems, omitted=loading.omitted, err=True)
        sys.exit(1)
    snapshot = drive(compile_snapshot(loading))
    supposed.check(snapshot)
    names = Names(snapshot.table)
    moment = moment_of_trial(snapshot, supposed.moment, names, now.timestamp())
    try:
        ask = _understood(snapshot, supposed, body, moment) if body else ask_of(snapshot, supposed.ask)
    except RequestError as error:
        raise click.UsageError(f"the body would be refused: {error.message}") from None
    found = outlook_with_key(snapshot, moment, ask)
    answer = told(snapshot, ask, Decision(moment, MemoryLimits(moment.now, moment.unix), found))
    return answer, supposed.hints(snapshot.table)


def _understood(snapshot: Snapshot, supposed: Supposed, body: bytes, moment: Moment) -> Ask:
    """As the route would understand it."""
    fields = decode_object(body)
    name = endpoint_of(fields, supposed.endpoint, {path: endpoint.name for path, endpoint in HOT.items()})
    understand: Callable[..., Ask] = next(one.understand for one in HOT.values() if one.name == name)
    key = snapshot.keys[supposed.ask.key] if supposed.ask.key is not None else None
    visit = Visit(snapshot=snapshot, key=key, ulid=ID, started=moment.now, started_unix=moment.unix)
    headers = {name.lower().encode(): value.encode() for name, value in headers_for(supposed.ask).items()}
    return understand(visit, headers, fields)


def _ask_gateway(url: str, supposed: Supposed, body: bytes) -> Answered:
    base = base_of(url, "/v1")
    supposed.refuse_moment()
    key = os.environ.get("TOKENHUB_KEY")
    if not key:
        raise click.UsageError("set TOKENHUB_KEY to a key of the running gateway")
    sent = body or msgspec.json.encode(body_for(supposed.ask))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers_for(supposed.ask)}
    params = {"endpoint": supposed.endpoint} if supposed.endpoint else {}
    try:
        answer = httpx.post(f"{base}/v1/explain", content=sent, headers=headers, params=params, timeout=30)
    except httpx.HTTPError as error:
        raise click.ClickException(f"{url} does not answer: {error}") from None
    if answer.status_code != 200:
        raise click.ClickException(f"{url} answered {answer.status_code}: {answer.text[:500]}")
    explained: dict[str, Any] = msgspec.json.decode(answer.content)
    return explained, ()
