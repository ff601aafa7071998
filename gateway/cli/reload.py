"""`tokenhub reload`: a running gateway reads its files now."""

from typing import Any

import click

from gateway.cli.remote import Remote, remote_options, say


@click.command("reload", short_help="Have a running gateway read its files now.")
@remote_options
def reload(url: str, token_env: str, form: str) -> None:
    """Have a running gateway read its files now, and say what became of it.

    With --format json: the answer of POST /admin/v1/reload.

    Exit status: 0 what the files say serves, 1 it was refused and nothing changed, 2 wrong usage.
    """
    body = Remote(url, token_env).call("POST", "/reload", fine=(200, 422))
    say(form, body, _text)
    if body["outcome"] not in ("loaded", "unchanged"):
        raise SystemExit(1)


def _text(told: Any) -> None:
    click.echo(f"{told['outcome']}: configuration {told['digest'][:12]} serves")
    for change in told["changes"]:
        click.echo(f"  {change}")
    for problem in told["problems"]:
        place = f"{problem['file']}:{problem['line']}:{problem['column']}: " if problem.get("file") else ""
        click.echo(f"  {place}{problem['severity']} {problem['code']}: {problem['message']}")
    for setting in told["restart_needed"]:
        click.echo(f"needs a restart: {setting}")
    for worker in told.get("workers", ()):
        if worker["digest"] != told["digest"]:
            click.echo(f"worker {worker['worker']}: {worker['outcome']}, {worker['digest'][:12]} serves")
