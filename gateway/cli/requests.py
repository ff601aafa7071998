"""`tokenhub requests`: what a running gateway has recorded, request by request."""

from datetime import UTC, datetime
from typing import Any

import click

from gateway.cli.pages import more_told, page_options
from gateway.cli.remote import Remote, remote_options, say
from gateway.cli.tables import print_table

COLUMNS = {
    "time": "time (UTC)",
    "id": "id",
    "key": "key",
    "asked": "asked",
    "offer": "served by",
    "reason": "reason",
    "attempts": "tries",
    "came": "came to",
    "tokens": "tokens",
    "cost_usd": "cost $",
    "ms": "ms",
}


@click.command("requests", short_help="What was recorded, request by request.")
@click.option("--key", help="Only this key.")
@click.option("--model", help="Only this model.")
@click.option("--provider", help="Only this provider.")
@click.option(
    "--outcome",
    type=click.Choice(["settled", "released", "unknown"]),
    help="Charged; ended without a charge; lost with its process.",
)
@page_options
@remote_options
def requests(
    key: str | None,
    model: str | None,
    provider: str | None,
    outcome: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    before: str | None,
    url: str,
    token_env: str,
    form: str,
) -> None:
    """What was recorded, request by request, newest first; never a prompt or an answer.

    \b
    tokenhub requests
    tokenhub requests --key web-app --outcome unknown --from 2027-01-01
    tokenhub requests --limit 1000 --format json | jq '.data[].latency_ms'

    With --format json: the answer of GET /admin/v1/requests.

    Exit status: 0 answered, 1 the gateway refused or does not answer, 2 wrong usage.
    """
    asked = {"key": key, "model": model, "provider": provider, "outcome": outcome}
    page = {"from": since, "to": until, "limit": str(limit), "before": before}
    say(form, Remote(url, token_env).get("/requests", **asked, **page), _text)


def _text(told: Any) -> None:
    if not told["data"]:
        click.echo("nothing was recorded")
        return
    print_table([row_of(record) for record in told["data"]], COLUMNS)
    more_told(told)


def row_of(record: dict[str, Any]) -> dict[str, Any]:
    served = f"{record['provider']}/{record['model']}" if record["provider"] else None
    billed = ", possibly billed" if record["possibly_billed"] and record["outcome"] != "settled" else ""
    return record | {
        "time": moment(record["unix"]),
        "offer": served,
        "came": f"{record['error'] or record['status']}{billed}",
        "tokens": sum(record[name] for name in record if name.endswith("_tokens")),
        "ms": round(record["latency_ms"]),
    }


def moment(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%S")
