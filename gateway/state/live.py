"""The snapshot that serves now, and those that still have visitors."""

from collections.abc import Callable

from gateway.domain.snapshot import Snapshot


class Tenure:
    """How many are inside one snapshot."""

    __slots__ = ("snapshot", "visitors")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.visitors = 0


class Live:
    """A request enters once and leaves once; a swap is one assignment; the old snapshot retires with its last visitor."""

    def __init__(self, snapshot: Snapshot, on_retired: Callable[[Snapshot], None] = lambda _: None) -> None:
        self.current = snapshot
        self._tenure = Tenure(snapshot)
        self._leaving: list[Tenure] = []
        self._on_retired = on_retired
        self.swaps = 0

    def enter(self) -> Snapshot:
        self._tenure.visitors += 1
        return self.current

    def leave(self, snapshot: Snapshot) -> None:
        if snapshot is self.current:
            self._tenure.visitors -= 1
            return
        for tenure in self._leaving:
            if tenure.snapshot is snapshot:
                tenure.visitors -= 1
                if tenure.visitors == 0:
                    self._leaving.remove(tenure)
                    self._on_retired(snapshot)
                return

    def swap(self, snapshot: Snapshot) -> None:
        old = self._tenure
        self._tenure = Tenure(snapshot)
        self.current = snapshot
        self.swaps += 1
        if old.visitors:
            self._leaving.append(old)
        else:
            self._on_retired(old.snapshot)

    @property
    def visitors(self) -> int:
        """Inside the current snapshot."""
        return self._tenure.visitors

    @property
    def retiring(self) -> tuple[Tenure, ...]:
        """Old snapshots that somebody still sees."""
        return tuple(self._leaving)
