"""Read the catalogue that an argument names, or end with what is wrong with it."""

import sys
from pathlib import Path

import click

from gateway.cli.show_problems import show
from gateway.config.catalog import read_catalog
from gateway.config.catalog_diff import Models


def models_at(path: Path) -> Models:
    """Exits with 1 where it cannot be read."""
    catalog = read_catalog(path)
    if catalog.problems:
        show(catalog.problems, err=True)
        sys.exit(1)
    if not catalog.models and path.is_dir():
        raise click.UsageError(f"no models in {path}: neither a tokenhub.yaml nor files of a catalogue")
    return catalog.models
