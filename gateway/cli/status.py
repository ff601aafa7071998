"""`tokenhub status`: how a running gateway is."""

from datetime import UTC, datetime
from typing import Any

import click

from gateway.cli.remote import Remote, remote_options, say


@click.command("status", short_help="How a running gateway is.")
@remote_options
def status(url: str, token_env: str, form: str) -> None:
    """How a running gateway is: what serves, whether it is what the files say, and what does not work as it should.

    With --format json: the answer of GET /admin/v1/status.

    Exit status: 0 it serves what the files say, 1 it does not, or does not answer, 2 wrong usage.
    """
    body = Remote(url, token_env).get("/status")
    say(form, body, _text)
    if not body["config"]["in_sync"]:
        raise SystemExit(1)


def _text(told: Any) -> None:
    config = told["config"]
    click.echo(
        f"tokenhub {told['version']}, up for {_span(told['uptime_seconds'])}, {told['in_flight']} requests in flight"
    )
    same = "as the files say" if config["in_sync"] else "NOT what the files say"
    click.echo(f"configuration {config['running'][:12]}, {same}")
    for problem in config["problems"]:
        click.echo(
            f"  {problem['file']}:{problem['line']}:{problem['column']}: {problem['code']}: {problem['message']}"
        )
    last = told["last_reload"]
    if last is not None:
        moment = datetime.fromtimestamp(last["unix"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        click.echo(f"last reload: {last['outcome']} by {last['trigger']}, {moment}")
    for setting in config["restart_needed"]:
        click.echo(f"needs a restart: {setting}")
    for override in told["drift"]:
        click.echo(f"overridden: {override['what']} {override['subject']}")
    if len(told["workers"]) > 1:
        for worker in told["workers"]:
            same = "" if worker["config"] == config["running"] else f", configuration {worker['config'][:12]}"
            click.echo(f"worker {worker['worker']}: process {worker['pid']}, {worker['in_flight']} in flight{same}")
    for what in told["degraded"]:
        click.echo(f"degraded: {what}")


def _span(seconds: float) -> str:
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min {int(seconds % 60)} s"
