"""The report for people."""

from collections.abc import Iterator

import click
from msgspec.structs import asdict

from gateway.cli.reports.told import Told
from gateway.cli.show_problems import coloured, counted
from gateway.config.shape import Declaration
from gateway.flow.validate import Report
from gateway.flow.what_if import Landing, told_usd


def as_text(told: Told) -> str:
    """Problems first, then the verdict, then the tests, then what was asked for."""
    return "\n".join(_lines(told))


def _lines(told: Told) -> Iterator[str]:
    report = told.report
    yield from map(coloured, report.problems)
    if report.omitted:
        yield f"… and {report.omitted} more"
    verdict = click.style("valid", fg="green", bold=True) if told.ok else click.style("not valid", fg="red", bold=True)
    troubles = counted(report.problems, report.omitted)
    yield f"{told.path}: {verdict}" + (f" ({troubles})" if troubles else "")
    if report.loading.declaration is not None:
        yield f"{_inventory(report.loading.declaration)}; digest {(report.loading.digest or '')[:12]}"
    yield from _tests(report, in_full=told.coverage)
    if told.simulated is not None:
        yield from _landings(told.simulated)


def _inventory(said: Declaration) -> str:
    offers = sum(len(model.offers) for model in said.models.values())
    counts = (
        (len(said.providers), "provider", "providers"),
        (len(said.models), "model", "models"),
        (offers, "offer", "offers"),
        (len(said.aliases), "alias", "aliases"),
        (len(said.keys), "key", "keys"),
    )
    return ", ".join(f"{number} {one if number == 1 else many}" for number, one, many in counts)


def _tests(report: Report, *, in_full: bool) -> Iterator[str]:
    found = report.coverage
    if found is None:
        return
    if not report.proofs and not in_full:
        yield "tests: none; declare some under `tests:`, and a change that sends requests elsewhere is noticed"
        return
    failed = sum(bool(proof.failures) for proof in report.proofs)
    passed = len(report.proofs) - failed
    yield f"tests: {passed} passed" + (", " + click.style(f"{failed} failed", fg="red") if failed else "")
    shares = asdict(found)
    yield "reached by tests: " + ", ".join(f"{share.reached} of {share.of} {kind}" for kind, share in shares.items())
    if in_full:
        missed = [name for share in shares.values() for name in share.missed]
        yield from ("no test reaches:", *(f"  {name}" for name in missed)) if missed else ("tests reach everything",)


def _landings(landings: tuple[Landing, ...]) -> Iterator[str]:
    yield "if it were so:"
    width = max((len(landing.name) for landing in landings), default=0)
    for landing in landings:
        yield f"  {landing.name:{width}}  {_landing(landing)}"


def _landing(landing: Landing) -> str:
    capacity = f"capacity {landing.capacity_after} of {landing.capacity_before}"
    if landing.after is None:
        return click.style(f"is refused: {landing.error}", fg="red")
    cost = f"{told_usd(landing.cost_after_usd)} a request"
    if landing.after == landing.before:
        return f"stays at {landing.after}; {cost}, {capacity}"
    change = f", was {told_usd(landing.cost_before_usd)}" if landing.before is not None else ""
    return click.style(f"moves from {landing.before or 'nowhere'} to {landing.after}", fg="yellow") + (
        f"; {cost}{change}, {capacity}"
    )
