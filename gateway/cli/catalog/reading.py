"""Read the catalogue that an argument names, or end with what is wrong with it."""

import sys
from pathlib import Path

import click

from gateway.cli.show_problems import show
from gateway.config.catalog import read_catalog
from gateway.config.catalog_diff import Models
from gateway.config.gather import SHIPPED
from gateway.config.problem import nearest


def a_catalogue(ctx: click.Context, param: click.Parameter, said: Path | None) -> Path | None:
    """A file or a folder, here or among those that ship: found as `include:` finds them."""
    if said is None or said.exists():
        return said
    if (SHIPPED / said).exists():
        return SHIPPED / said
    hint = nearest(str(said), [str(path.relative_to(SHIPPED)) for path in sorted(SHIPPED.rglob("*.yaml"))])
    raise click.BadParameter(f"`{said}` does not exist" + (f"; {hint}" if hint else ""), ctx, param)


def models_at(path: Path) -> Models:
    """Exits with 1 where it cannot be read."""
    catalog = read_catalog(path)
    if catalog.problems:
        show(catalog.problems, err=True)
        sys.exit(1)
    if not catalog.models and path.is_dir():
        raise click.UsageError(f"no models in {path}: neither a tokenhub.yaml nor files of a catalogue")
    return catalog.models
