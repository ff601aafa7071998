"""`tokenhub schema`: the JSON Schema of the configuration, for editors and for CI."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.places import find_config
from gateway.cli.show_problems import show
from gateway.config.load import World, load
from gateway.config.print_schema import print_schema


@click.command("schema", short_help="Print the JSON Schema of the configuration.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--project", is_flag=True, help="Fill in the names that CONFIG declares, so that editors complete them.")
def schema(config: Path | None, project: bool) -> None:
    """Print the JSON Schema of the configuration.

    Editors that speak YAML complete and check a file that begins with

    \b
    # yaml-language-server: $schema=tokenhub.schema.json

    With --project, the schema knows the providers, models, aliases, modes and keys of CONFIG: the editor completes them
    and underlines what is not declared. Without it, CONFIG is not read.

    \b
    tokenhub schema > tokenhub.schema.json
    tokenhub schema --project configs/ > .tokenhub.schema.json

    Exit status: 0 printed, 1 CONFIG is not valid, 2 wrong usage.
    """
    if not project:
        click.echo(print_schema(), nl=False)
        return
    path = find_config(config)
    loading = load(path, World(env=os.environ, today=datetime.now(UTC).date(), secrets="skip"))
    if loading.declaration is None:
        show(loading.problems, omitted=loading.omitted, err=True)
        sys.exit(1)
    click.echo(print_schema(loading.declaration), nl=False)
