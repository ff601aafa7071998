"""What the files say, beside what serves: kept small, because it is kept for ever."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from gateway.config.load import Loading
from gateway.config.problem import Problem
from gateway.domain.snapshot import Snapshot

AT_START_ONLY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "server": ("listen", "admin_listen", "workers"),
        "storage": ("state", "ledger", "data_dir", "ledger_sync_s"),
    }
)
"""Settings of the process itself, which a reload cannot change."""


class OnDisk(Struct, frozen=True, kw_only=True):
    """The files as they were read last."""

    digest: str | None
    """Of what they declare; None if that cannot be told."""
    errors: tuple[Problem, ...]
    """Why it does not serve; empty if it does."""
    warnings: tuple[Problem, ...]
    files: tuple[Path, ...]


def on_disk(loading: Loading, objections: tuple[Problem, ...]) -> OnDisk:
    """Without the declaration, the secrets and the tree, which are large or dear; with what else stands against it."""
    return OnDisk(
        digest=loading.digest,
        errors=(*(problem for problem in loading.problems if problem.severity == "error"), *objections),
        warnings=tuple(problem for problem in loading.problems if problem.severity == "warning"),
        files=loading.files,
    )


class Candidate(Struct, frozen=True):
    """The configuration named by `canary:`."""

    path: Path
    bare_digest: str | None
    """Of the configuration that names it, without that section."""


def candidate_of(loading: Loading) -> Candidate | None:
    return None if loading.candidate is None else Candidate(loading.candidate, loading.bare_digest)


def needs_restart(started: Snapshot, now: Snapshot) -> tuple[str, ...]:
    """Names of process settings that differ from what the process was started with."""
    return tuple(
        f"{section}.{name}"
        for section, names in AT_START_ONLY.items()
        for name in names
        if getattr(getattr(started, section), name) != getattr(getattr(now, section), name)
    )
