"""Where the configuration is when nobody says."""

import os
from pathlib import Path

import click

NAME = "tokenhub.yaml"


def find_config(said: Path | None) -> Path:
    """What was said, else `$TOKENHUB_CONFIG`, else `./tokenhub.yaml`, else `./configs/tokenhub.yaml`."""
    variable = os.environ.get("TOKENHUB_CONFIG")
    if said is not None:
        return _within(said)
    if variable:
        return _within(Path(variable))
    for place in (Path(NAME), Path("configs") / NAME):
        if place.is_file():
            return place
    raise click.UsageError(
        f"no configuration: name one, set TOKENHUB_CONFIG, or go to a folder that holds {NAME} (or configs/{NAME})"
    )


def _within(path: Path) -> Path:
    return path / NAME if path.is_dir() else path
