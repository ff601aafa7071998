"""Rows of the ledger page by page: the options for it, and where the next page begins."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

ROWS = 20
MOST_ROWS = 1000


def page_options(command: F) -> F:
    """Every verb that lists rows takes these."""
    for option in (
        click.option("--before", metavar="ID", help="The page after the one that ended with this id."),
        click.option(
            "--limit", type=click.IntRange(1, MOST_ROWS), default=ROWS, show_default=True, help="Rows of a page."
        ),
        click.option("--to", "until", metavar="DATE", help="The day after the last, or a moment in ISO 8601."),
        click.option("--from", "since", metavar="DATE", help="First day, for example 2027-01-01."),
    ):
        command = option(command)
    return command


def more_told(told: Any) -> None:
    """On standard error, so that a table in a pipe stays a table."""
    if told["next"] is not None:
        click.echo(f"more: --before {told['next']}", err=True)
