"""The snapshot that serves now, one that may be tried beside it, and those that still have visitors."""

from collections.abc import Callable

from gateway.domain.snapshot import Snapshot


class Tenure:
    """How many are inside one snapshot."""

    __slots__ = ("snapshot", "visitors")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.visitors = 0


class Live:
    """A request enters once and leaves once; a swap is one assignment; the old one retires with its last visitor."""

    def __init__(self, snapshot: Snapshot, on_retired: Callable[[Snapshot], None] = lambda _: None) -> None:
        self.current = snapshot
        self.candidate: Snapshot | None = None
        self._tenure = Tenure(snapshot)
        self._trial: Tenure | None = None
        self._leaving: list[Tenure] = []
        self._on_retired = on_retired
        self.swaps = 0

    def enter(self) -> Snapshot:
        self._tenure.visitors += 1
        return self.current

    def enter_candidate(self) -> Snapshot:
        """For the few who try it; everybody else enters what serves."""
        if self._trial is None:
            return self.enter()
        self._trial.visitors += 1
        return self._trial.snapshot

    def leave(self, snapshot: Snapshot) -> None:
        if snapshot is self.current:
            self._tenure.visitors -= 1
            return
        if self._trial is not None and snapshot is self._trial.snapshot:
            self._trial.visitors -= 1
            return
        for tenure in self._leaving:
            if tenure.snapshot is snapshot:
                tenure.visitors -= 1
                if tenure.visitors == 0:
                    self._leaving.remove(tenure)
                    self._on_retired(snapshot)
                return

    def swap(self, snapshot: Snapshot) -> None:
        self._serve(Tenure(snapshot))

    def try_out(self, snapshot: Snapshot) -> None:
        """From now on some may enter this one; whatever was tried before is not tried any more."""
        self.drop()
        self._trial = Tenure(snapshot)
        self.candidate = snapshot

    def promote(self) -> None:
        """What was tried serves now, with those who are inside already."""
        if self._trial is not None:
            trial, self._trial, self.candidate = self._trial, None, None
            self._serve(trial)

    def drop(self) -> None:
        """Nobody enters the candidate any more."""
        if self._trial is not None:
            trial, self._trial, self.candidate = self._trial, None, None
            self._retire(trial)

    def _serve(self, tenure: Tenure) -> None:
        old, self._tenure = self._tenure, tenure
        self.current = tenure.snapshot
        self.swaps += 1
        self._retire(old)

    def _retire(self, tenure: Tenure) -> None:
        if tenure.visitors:
            self._leaving.append(tenure)
        else:
            self._on_retired(tenure.snapshot)

    @property
    def visitors(self) -> int:
        """Inside the current snapshot."""
        return self._tenure.visitors

    @property
    def retiring(self) -> tuple[Tenure, ...]:
        """Old snapshots that somebody still sees."""
        return tuple(self._leaving)
