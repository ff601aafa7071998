"""What loading may know of the world outside the files."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from msgspec import Struct

Secrets = Literal["resolve", "skip", "check"]


class World(Struct, frozen=True, kw_only=True):
    """Environment, day, and what becomes of references: looked up and kept, left alone, looked up and forgotten."""

    env: Mapping[str, str]
    today: date
    secrets: Secrets = "resolve"
