"""`tokenhub audit`: who changed what in a running gateway."""

from typing import Any

import click

from gateway.cli.pages import more_told, page_options
from gateway.cli.remote import Remote, remote_options, say
from gateway.cli.requests import moment
from gateway.cli.tables import print_table

COLUMNS = {"time": "time (UTC)", "who": "who", "what": "what", "subject": "of", "where": "from where", "after": "after"}


@click.command("audit", short_help="Who changed what, when, and from where.")
@click.option("--what", help="Only this kind of change, for example provider.disable.")
@page_options
@remote_options
def audit(
    what: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    before: str | None,
    url: str,
    token_env: str,
    form: str,
) -> None:
    """Who changed what, when, and from where, newest first: through the admin API, and in the files.

    With --format json: the answer of GET /admin/v1/audit, where each row also says how it was before.

    Exit status: 0 answered, 1 the gateway refused or does not answer, 2 wrong usage.
    """
    page = {"from": since, "to": until, "limit": str(limit), "before": before}
    say(form, Remote(url, token_env).get("/audit", what=what, **page), _text)


def _text(told: Any) -> None:
    if not told["data"]:
        click.echo("nothing was changed")
        return
    print_table([row | {"time": moment(row["unix"])} for row in told["data"]], COLUMNS)
    more_told(told)
