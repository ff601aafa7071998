"""What a comparison found, for people at a terminal and for a comment on a pull request."""

from collections.abc import Iterator

import click

from gateway.flow.compare.compare import Change, Comparison
from gateway.flow.compare.traffic import Traffic
from gateway.templates import dollars, page

MOST_ROWS = 50
"""A comment has its limits, and so have those who read it."""
COLOURS = {"re-routes": "yellow", "is refused": "red", "is served": "green", "falls back differently": "cyan"}


def verdict(comparison: Comparison) -> str:
    """`3 asks go elsewhere`: names count once, in however many ways they move."""
    asks = {change.asks for change in comparison.changes}
    if not asks:
        return "no request goes elsewhere"
    return "1 ask goes elsewhere" if len(asks) == 1 else f"{len(asks)} asks go elsewhere"


def as_markdown(comparison: Comparison, traffic: Traffic | None) -> str:
    return page(
        "plan.md.j2",
        verdict=verdict(comparison),
        comparison=comparison,
        traffic=traffic,
        sections=_sections(comparison),
        most=MOST_ROWS,
    ).rstrip("\n")


def _sections(comparison: Comparison) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("Prices", comparison.prices),
        ("Keys and limits", comparison.keys),
        ("Everything else", comparison.settings),
    )


def as_text(comparison: Comparison, traffic: Traffic | None) -> str:
    return "\n".join(_lines(comparison, traffic))


def _lines(comparison: Comparison, traffic: Traffic | None) -> Iterator[str]:
    for change in comparison.changes:
        yield from _change(change)
    if comparison.gone_names:
        yield f"names that are gone: {', '.join(comparison.gone_names)}"
    if comparison.new_names:
        yield f"new names: {', '.join(comparison.new_names)}"
    for title, sentences in _sections(comparison):
        if sentences:
            yield f"{title.lower()}:"
            yield from (f"  {sentence}" for sentence in sentences)
    if traffic is not None:
        yield from _traffic(traffic)
    bold = click.style(verdict(comparison), bold=True)
    yield f"{bold} ({comparison.probes:,} questions; {comparison.old[:12]} -> {comparison.new[:12]})"


def _change(change: Change) -> Iterator[str]:
    kind = click.style(change.kind, fg=COLOURS[change.kind])
    yield f"{change.asks} {kind}: {change.before} -> {change.after}"
    cost = f"{dollars(change.cost_before_usd)} -> {dollars(change.cost_after_usd)} a request"
    yield f"    {change.when}; {cost}" if change.cost_before_usd != change.cost_after_usd else f"    {change.when}"


def _traffic(traffic: Traffic) -> Iterator[str]:
    unreadable = f" ({traffic.unreadable:,} lines were no records)" if traffic.unreadable else ""
    yield (
        f"replayed: {traffic.requests:,} requests{unreadable}, {traffic.moved:,} go elsewhere, "
        f"{traffic.refused:,} would be refused"
    )
    factor, span = (1.0, "these requests") if traffic.per_month is None else (traffic.per_month, "a month")
    before, after = traffic.cost_before_usd * factor, traffic.cost_after_usd * factor
    yield f"  {span}: {dollars(before)} -> {dollars(after)} ({traffic.increase:+.1%})"
    for move in traffic.moves[:MOST_ROWS]:
        cost = f"{dollars(move.cost_before_usd)} -> {dollars(move.cost_after_usd)}"
        yield f"  {move.requests:,} x {move.asks}: {move.before} -> {move.after}, {cost}"
    if len(traffic.moves) > MOST_ROWS:
        yield f"  … and {len(traffic.moves) - MOST_ROWS} more kinds of move"
