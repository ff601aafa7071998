"""Which of several worker processes this one is; most gateways are one process, and theirs is the only seat."""

from pathlib import Path

from msgspec import Struct


class Seat(Struct, frozen=True):
    """Seats are numbered from 0, and a worker that takes the place of a dead one takes its seat."""

    number: int = 0
    of: int = 1
    folder: Path | None = None
    """Where the workers of one gateway meet."""

    @property
    def first(self) -> bool:
        """Does what only one of them may do."""
        return self.number == 0


ALONE = Seat()
