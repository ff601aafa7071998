"""When each key was last used, and each of its digests while it has several: known after a restart too."""

import asyncio
from pathlib import Path

import msgspec

from gateway.domain.key import Key
from gateway.flow.gateway import Gateway
from gateway.state.kept_file import read_or_set_aside, write_whole

DIGEST_CHARS = 8
"""Enough to tell the digests of one key apart."""


def digest_name(key: str, digest: str) -> str:
    """What a digest of a rotated key is noted under; no key has a space in its name."""
    return f"{key} {digest[:DIGEST_CHARS]}"


def by_digest(last_used: dict[str, float], key: Key) -> dict[str, float | None]:
    """For a rotation: once the old digest is used no more, it may go."""
    if len(key.digests) == 1:
        return {key.digests[0][:DIGEST_CHARS]: last_used.get(key.name)}
    return {digest[:DIGEST_CHARS]: last_used.get(digest_name(key.name, digest)) for digest in key.digests}


def restore_last_used(gateway: Gateway) -> None:
    """Of every seat there ever was."""
    for file in gateway.data_dir.glob("last-used-*.json"):
        for name, unix in (read_or_set_aside(file, _decoded, gateway.clock.unix()) or {}).items():
            gateway.last_used[name] = max(unix, gateway.last_used.get(name, 0.0))


async def save_last_used(gateway: Gateway) -> None:
    if gateway.last_used:
        await asyncio.to_thread(write_whole, _file(gateway), msgspec.json.encode(gateway.last_used))


def _file(gateway: Gateway) -> Path:
    return gateway.data_dir / f"last-used-{gateway.seat.number}.json"


def _decoded(data: bytes) -> dict[str, float]:
    return msgspec.json.decode(data, type=dict[str, float])
