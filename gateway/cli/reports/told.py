"""What every form of a report is made from."""

from pathlib import Path

from msgspec import Struct

from gateway.flow.validate import Report
from gateway.flow.what_if import Landing


class Told(Struct, frozen=True, kw_only=True):
    """A report, and what was asked of it."""

    path: Path
    report: Report
    ok: bool
    coverage: bool = False
    """Name everything that no test reaches."""
    simulated: tuple[Landing, ...] | None = None
