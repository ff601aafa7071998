"""The board: who is being served just now, in memory that is a file, so that a kill leaves word of them.

A request takes a place when it is admitted, and leaves it once its record is in the journal. Places are used again and
again, the last one first: what is written there is written where the processor still has it at hand.
"""

import os
import struct
from collections.abc import Callable
from mmap import mmap
from pathlib import Path

import msgspec

from gateway.state.ledger.record import Admitted, plain

PLACES = 2048
PLACE_BYTES = 512
FIXED = struct.Struct("<26sddqHB")
"""Id, moment, moment of expiry, estimate, how long the rest is, and last of all, whether the place is taken."""
TAKEN = FIXED.size - 1
COMMON = 64
"""Where the rest stands in a place."""
NOWHERE = 0
MOST = 2**63 - 1
"""A place holds no larger estimate."""

Common = tuple[str, str, str, str, str]
"""Origin, key, endpoint, name asked for, configuration: mostly those of whoever had the place before."""

_rest = msgspec.json.Decoder(Common).decode
_write = FIXED.pack_into


class Board:
    """Belongs to one process, and to one thread of it; others may `sync`, and ask who is `running`."""

    def __init__(self, path: Path, otherwise: Callable[[Admitted], object], places: int = PLACES) -> None:
        self._path = path
        self._otherwise = otherwise
        """Where those are noted who get no place."""
        self._size = places * PLACE_BYTES
        self._descriptor = -1
        self._memory: mmap | bytearray = bytearray()
        self._free: list[int] = []
        self._said: dict[int, tuple[Common | None, int]] = {NOWHERE: (None, 0)}
        """What stands in the second part of each place, and how long it is."""

    def left(self) -> list[Admitted]:
        """Whom a process before this one was serving when it ended."""
        try:
            memory = self._path.read_bytes()
        except FileNotFoundError:
            return []
        places = (memory[start : start + PLACE_BYTES] for start in range(0, len(memory), PLACE_BYTES))
        return [each for each in map(_admitted, places) if each is not None]

    def open(self, *, for_use: bool = True) -> None:
        """With all places free. Where the disk has no room for it there are none."""
        if not for_use:
            self._path.unlink(missing_ok=True)
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
            self._memory = mmap(descriptor, self._size)
        except OSError:
            os.close(descriptor)
            return
        self._descriptor = descriptor
        self._free = list(range(self._size - PLACE_BYTES, 0, -PLACE_BYTES))
        self._said |= dict.fromkeys(self._free, (None, 0))

    def enter(self, ulid: str, unix: float, expires_unix: float, nano_usd: int, common: Common) -> int:
        """The place that was taken, to be left again; NOWHERE if there was none, and it was noted otherwise."""
        free = self._free
        place = free.pop() if free else NOWHERE
        said, length = self._said[place]
        if said != common:
            length = self._say(place, common)
        if not length or nano_usd > MOST:
            return self._note(place, admitted(ulid, unix, expires_unix, nano_usd, common))
        _write(self._memory, place, ulid.encode(), unix, expires_unix, nano_usd, length, 1)
        return place

    def leave(self, place: int) -> None:
        self._memory[place + TAKEN] = 0
        self._free.append(place)

    def running(self, before_unix: float) -> list[Admitted]:
        """Who was admitted before this moment and is still being served."""
        memory = self._memory
        taken = [memory[place : place + PLACE_BYTES] for place in self._said.keys() - self._free - {NOWHERE}]
        return [each for each in map(_admitted, taken) if each is not None and each.unix < before_unix]

    def sync(self) -> None:
        if self._descriptor >= 0:
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        self._free = []
        if isinstance(self._memory, mmap):
            self._memory.close()
            self._memory = bytearray()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _say(self, place: int, common: Common) -> int:
        """How long it is; 0 if there is no room for it."""
        common = bounded(common)
        told = msgspec.json.encode(common)
        length = len(told)
        if place == NOWHERE or length > PLACE_BYTES - COMMON:
            return 0
        self._memory[place + COMMON : place + COMMON + length] = told
        self._said[place] = common, length
        return length

    def _note(self, place: int, admitted: Admitted) -> int:
        if place != NOWHERE:
            self._free.append(place)
        self._otherwise(admitted)
        return NOWHERE


def admitted(ulid: str, unix: float, expires_unix: float, nano_usd: int, common: Common) -> Admitted:
    return Admitted(ulid, unix, expires_unix, *bounded(common), nano_usd)


def bounded(common: Common) -> Common:
    """What callers said, as every database takes it."""
    origin, key, endpoint, asked, config = common
    return origin, key, endpoint, plain(asked), config


def _admitted(place: bytes | bytearray) -> Admitted | None:
    """None where nobody is, and where a loss of power tore what was said."""
    try:
        ulid, unix, expires_unix, nano_usd, length, taken = FIXED.unpack_from(place)
        common = _rest(place[COMMON : COMMON + length]) if taken else None
        return None if common is None else admitted(ulid.decode("ascii"), unix, expires_unix, nano_usd, common)
    except (struct.error, msgspec.DecodeError, UnicodeDecodeError):
        return None
