"""`tokenhub wildcard`: the ladder of `*` in a running gateway."""

from typing import Any

import click

from gateway.cli.remote import Remote, remote_options, say
from gateway.cli.tables import print_table

PATH = "/wildcard-models"


@click.group("wildcard", short_help="The ladder of `*` in a running gateway.")
def wildcard() -> None:
    """The ladder of `*` in a running gateway: what is in force, another one for the time being, back to the files.

    What is set here is over and above the files, survives restarts, and shows as drift until it is reset or expires.
    """


@wildcard.command("get", short_help="Print the ladder in force, and who said so.")
@remote_options
def get(url: str, token_env: str, form: str) -> None:
    """Print the ladder in force, and who said so.

    Exit status: 0 printed, 1 the gateway refused or does not answer, 2 wrong usage.
    """
    say(form, Remote(url, token_env).get(PATH), _text)


@wildcard.command("set", short_help="Put another ladder in force, at once.")
@click.argument("models", nargs=-1, required=True)
@click.option("--expires-in", metavar="DURATION", help="Back to the files after this long, for example 24h.")
@remote_options
def put(models: tuple[str, ...], expires_in: str | None, url: str, token_env: str, form: str) -> None:
    """Put another ladder in force, at once: MODELS from the first to be tried to the last.

    Exit status: 0 in force, 1 the gateway refused or does not answer, 2 wrong usage.
    """
    body = {"models": list(models)} | ({"expires_in": expires_in} if expires_in else {})
    say(form, Remote(url, token_env).call("PUT", PATH, json=body), _text)


@wildcard.command("reset", short_help="Back to what the files say.")
@remote_options
def reset(url: str, token_env: str, form: str) -> None:
    """Back to what the files say.

    Exit status: 0 done, 1 the gateway refused or does not answer, 2 wrong usage.
    """
    say(form, Remote(url, token_env).call("DELETE", PATH), _text)


def _text(told: Any) -> None:
    source = {"api": "set at run time", "file": "its own file", "config": "the configuration"}[told["source"]]
    click.echo(f"from: {source}")
    if told["models"]:
        columns = {
            "rank": "rank",
            "model_id": "model",
            "provider_id": "provider",
            "available": "available",
            "reason": "",
        }
        print_table([row | {"reason": row["reason"] or ""} for row in told["models"]], columns)
    else:
        click.echo("the ladder is empty: requests for `*` find nothing")
