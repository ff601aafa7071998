"""How the configuration stands: what serves, what the files say, and how changes of them would be noticed."""

from typing import Any

from msgspec import Struct

from gateway.config.problem import as_json
from gateway.flow.gateway import Gateway
from gateway.flow.watch import Mode


class ConfigStatus(Struct, frozen=True, kw_only=True):
    """For whoever operates the gateway."""

    running: str
    """Digest of what serves."""
    on_disk: str | None
    """Digest of what the files said when they were read last; None if they could not be understood."""
    in_sync: bool
    last_good: bool
    """The files were broken at the start, and still are: the last configuration that worked serves."""
    problems: tuple[dict[str, Any], ...]
    """What stands against the files; nothing of them serves before these are gone."""
    warnings: tuple[dict[str, Any], ...]
    restart_needed: tuple[str, ...]
    """Settings that take effect at the next start."""
    files: tuple[str, ...]
    watching: tuple[str, ...]
    """Folders."""
    noticed_by: Mode
    never_updated: tuple[str, ...]
    """Files whose mounts hide every change."""
    requests_inside: int
    retiring: tuple[int, ...]
    """Requests that still see an older configuration, for each of these."""


def config_status(gateway: Gateway) -> ConfigStatus:
    reloader, live = gateway.reloader, gateway.live
    on_disk, running = reloader.on_disk, live.current.digest
    return ConfigStatus(
        running=running,
        on_disk=on_disk.digest,
        in_sync=on_disk.digest == running and not on_disk.errors,
        last_good=gateway.on_last_good,
        problems=tuple(as_json(problem) for problem in on_disk.errors),
        warnings=tuple(as_json(problem) for problem in on_disk.warnings),
        restart_needed=reloader.restart_needed,
        files=tuple(map(str, reloader.watch.footprint.files)),
        watching=reloader.watch.folders,
        noticed_by=reloader.watch.mode,
        never_updated=reloader.watch.footprint.frozen,
        requests_inside=live.visitors,
        retiring=tuple(tenure.visitors for tenure in live.retiring),
    )
