"""`tokenhub render`: the merged configuration, and where each of its leaves comes from."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.places import find_config
from gateway.cli.show_problems import show
from gateway.config.load import World, load
from gateway.config.render import as_json, as_yaml


@click.command("render", short_help="Print the merged configuration and the origin of every leaf.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="How to print it."
)
def render(config: Path | None, form: str) -> None:
    """Print the merged configuration and the origin of every leaf.

    Follows every include and overlay of CONFIG and prints what they come to, as one YAML file that means the same. A
    comment behind each value names the file and line it comes from. References stay references; a secret that is
    written out is printed as ***.

    \b
    tokenhub render configs/
    tokenhub render --format json | jq '.origins["server.listen"]'

    With --format json: {"config": {…}, "origins": {"path": "file:line:column"}}.

    Exit status: 0 printed, 1 CONFIG is not valid, 2 wrong usage.
    """
    path = find_config(config)
    loading = load(path, World(env=os.environ, today=datetime.now(UTC).date(), secrets="skip"))
    if loading.declaration is None or loading.tree is None:
        show(loading.problems, omitted=loading.omitted, err=True)
        sys.exit(1)
    click.echo((as_json if form == "json" else as_yaml)(loading.tree), nl=False)
