"""Read a catalogue, which is a configuration, one of its parts, or a folder of such parts: models and their offers."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct

from gateway.config.gather import SHIPPED
from gateway.config.load import load
from gateway.config.problem import Problem
from gateway.config.shape.offering import Model
from gateway.config.world import World

SHIPPED_CATALOG = SHIPPED / "catalog"
MAIN = "tokenhub.yaml"


class Catalog(Struct, frozen=True, kw_only=True):
    """What was read, and what stood against it."""

    models: Mapping[str, Model]
    problems: tuple[Problem, ...] = ()
    """Errors only: a catalogue of last year may warn of anything."""


def read_catalog(path: Path) -> Catalog:
    """A file is read with its includes. A folder is its `tokenhub.yaml` or, without one, all its YAML files."""
    if not path.is_dir():
        return _read([path])
    whole = path / MAIN
    return _read([whole] if whole.is_file() else sorted([*path.glob("*.yaml"), *path.glob("*.yml")]))


def _read(files: list[Path]) -> Catalog:
    world = World(env={}, today=date.min, secrets="skip")  # on that day nothing had retired yet
    models: dict[str, Model] = {}
    problems: list[Problem] = []
    for file in files:
        loading = load(file, world)
        problems += (problem for problem in loading.problems if problem.severity == "error")
        if loading.declaration is not None:
            models |= loading.declaration.models
    return Catalog(models=dict(sorted(models.items())), problems=tuple(problems))
