"""The first loading of a process: there is nothing yet to fall back to but what an earlier process kept."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from msgspec import Struct

from gateway.config.load import Loading, World, load
from gateway.config.problem import as_text
from gateway.flow import last_good
from gateway.flow.load_in_child import load_in_child

LOG = logging.getLogger("tokenhub")

SMALL = 256 * 1024
"""Above this, a process of its own is faster, and leaves what it needed for reading behind."""


class CannotServeError(Exception):
    """The configuration has errors; the report names every one."""

    def __init__(self, report: str) -> None:
        super().__init__(report)
        self.report = report


class FirstLoading(Struct, frozen=True):
    """What the files say; and, where they are broken and it is wanted, the last good configuration instead."""

    loading: Loading
    fallback: Loading | None = None


async def first_loading(config: Path, env: Mapping[str, str], *, spare: Path | None = None) -> FirstLoading:
    """`spare` is a folder where the workers beside this one keep what they serve."""
    world = World(env=env, today=today())
    loading = load(config, world) if is_small(config) else await load_in_child(config, env)
    if loading.declaration is not None:
        return FirstLoading(loading)
    report = "\n\n".join(as_text(problem) for problem in loading.problems)
    fallback = last_good.spare_in(spare, world) or last_good.restore(config, loading, world)
    if fallback is None:
        raise CannotServeError(report)
    LOG.error("the configuration is broken; serving the last good one, %s:\n%s", fallback.files[0], report)
    return FirstLoading(loading, fallback)


def is_small(config: Path) -> bool:
    """One short file that includes no other."""
    try:
        with config.open("rb") as file:
            raw = file.read(SMALL + 1)
    except OSError:
        return True
    return len(raw) <= SMALL and b"include" not in raw


def today() -> date:
    return datetime.now(tz=UTC).date()
