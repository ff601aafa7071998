"""`tokenhub usage`: who used what, and what it cost."""

from typing import Any

import click

from gateway.cli.remote import Remote, remote_options, say
from gateway.cli.tables import print_table

GROUPS = ("key", "model", "provider", "day")
NUMBERS = {
    "requests": "requests",
    "errors": "errors",
    "tokens": "tokens",
    "input_tokens": "input",
    "output_tokens": "output",
    "cost_usd": "cost $",
}


@click.command("usage", short_help="Who used what, and what it cost.")
@click.option(
    "--group-by", default="key,model", show_default=True, metavar="NAME[,NAME…]", help="key, model, provider, day."
)
@click.option("--from", "since", metavar="DATE", help="First day, for example 2027-01-01.")
@click.option("--to", "until", metavar="DATE", help="The day after the last.")
@click.option("--key", help="Only this key.")
@click.option("--model", help="Only this model.")
@click.option("--provider", help="Only this provider.")
@remote_options
def usage(
    group_by: str,
    since: str | None,
    until: str | None,
    key: str | None,
    model: str | None,
    provider: str | None,
    url: str,
    token_env: str,
    form: str,
) -> None:
    """Who used what, and what it cost: sums from the ledger of a running gateway, by UTC days.

    \b
    tokenhub usage
    tokenhub usage --group-by day,key --from 2027-01-01 --to 2027-02-01
    tokenhub usage --format json | jq '.data[].cost_usd'

    With --format json: the answer of GET /admin/v1/usage.

    Exit status: 0 answered, 1 the gateway refused or does not answer, 2 wrong usage.
    """
    groups = [group for group in GROUPS if group in group_by.split(",")]
    asked = {"group_by": group_by, "from": since, "to": until, "key": key, "model": model, "provider": provider}
    body = Remote(url, token_env).get("/usage", **asked)

    def text(told: Any) -> None:
        rows = told["data"]
        if not rows:
            click.echo("nothing was used")
            return
        print_table(
            [*rows, total(rows)] if len(rows) > 1 and groups else rows, {name: name for name in groups} | NUMBERS
        )

    say(form, body, text)


def total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    sums: dict[str, Any] = {name: sum(row[name] for row in rows) for name in NUMBERS}
    first = next(group for group in GROUPS if rows[0].get(group) is not None)
    return sums | dict.fromkeys(GROUPS, "") | {first: "all"}
