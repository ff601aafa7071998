"""Everything that can be said about a configuration before it serves: its problems, its tests, what they leave out."""

from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import Loading, World, load
from gateway.config.problem import Problem, in_order
from gateway.domain.snapshot import Snapshot
from gateway.flow.coverage import Coverage, coverage
from gateway.flow.prove import Proof, problems_of, prove

Check = Callable[[Loading, Snapshot], Iterable[Problem]]
"""One more thing to be looked at in a configuration without errors."""


class Report(Struct, frozen=True, kw_only=True):
    """What was found."""

    loading: Loading
    problems: tuple[Problem, ...]
    """Of the files, of their tests, of further checks; in order."""
    omitted: int
    snapshot: Snapshot | None
    """None where the files have errors."""
    proofs: tuple[Proof, ...] = ()
    coverage: Coverage | None = None

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)


def validate(path: Path, world: World, unix: float, checks: Iterable[Check] = ()) -> Report:
    """Tests run only where the files have no error: a broken table proves nothing."""
    loading = load(path, world)
    if loading.declaration is None:
        return Report(loading=loading, problems=loading.problems, omitted=loading.omitted, snapshot=None)
    snapshot = drive(compile_snapshot(loading))
    proofs = drive(prove(loading.declaration, snapshot, unix))
    found = [*loading.problems, *problems_of(proofs, loading)]
    for check in checks:
        found += check(loading, snapshot)
    problems = in_order(found)
    return Report(
        loading=loading,
        problems=tuple(problems),
        omitted=loading.omitted + len(found) - len(problems),
        snapshot=snapshot,
        proofs=proofs,
        coverage=coverage(snapshot, proofs),
    )
