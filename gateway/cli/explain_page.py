"""One decision on one page, for a person to follow from the name to the end."""

from collections.abc import Iterable, Iterator
from typing import Any

import click

from gateway.flow.what_if import told_usd

Told = dict[str, Any]


def page(answer: Told, hints: Iterable[str] = ()) -> str:
    """From the answer of `POST /v1/explain`, wherever it came from."""
    return "\n".join(_lines(answer, hints))


def _lines(answer: Told, hints: Iterable[str]) -> Iterator[str]:
    yield _heading(answer)
    yield from (f"  {sentence}" for sentence in answer["resolution"])
    yield ""
    yield _verdict(answer["verdict"])
    yield from (click.style(f"hint: {hint}", fg="cyan") for hint in hints)
    if answer["steps"]:
        yield ""
        yield from _steps(answer)
    if answer["wider"]:
        yield f"only if the provider says the input is too long: {', '.join(answer['wider'])}"
    if answer["refused"]:
        yield ""
        yield "passed over:"
        yield from _table([(each["name"], each["rule"], each["why"]) for each in answer["refused"]])
    if answer["limits"]:
        yield ""
        yield from _limits(answer)
    yield ""
    yield f"{answer['candidates']} offers looked at; config {answer['config']}"


def _heading(answer: Told) -> str:
    size = f"about {answer['input_tokens']} tokens in"
    size += f", {answer['output_tokens']} out" if answer["output_tokens"] else ""
    how = [answer["endpoint"], size]
    how += [f"needs {', '.join(answer['features'])}"] if answer["features"] else []
    how += [f"mode {answer['mode']}"] if answer["mode"] else []
    within = " within each model" if answer.get("ordered") else ""
    how += [f"strategy {answer['strategy']}{within}"] if answer["strategy"] else []
    how += [f"key {answer['key']}"] if answer["key"] else []
    return click.style(answer["asked"] or "(no model named)", bold=True) + f": {'; '.join(how)}"


def _verdict(verdict: Told) -> str:
    if verdict["ok"]:
        served = click.style(verdict["offer"], fg="green", bold=True)
        return f"would be served by {served} ({verdict['reason']}), about {told_usd(verdict['estimated_cost_usd'])}"
    refused = click.style(f"would be refused: {verdict['status']} {verdict['code']}", fg="red", bold=True)
    again = f" (again in {verdict['retry_after_s']:.0f} s)" if verdict["retry_after_s"] else ""
    return f"{refused}{again}: {verdict['message']}"


def _steps(answer: Told) -> Iterator[str]:
    most = answer["attempts"]
    yield f"tried in turn, at most {most} attempts:"
    rows = [_step(number, step) for number, step in enumerate(answer["steps"], 1)]
    lines = list(_table(rows))
    yield from lines[:most]
    if len(lines) > most:
        yield click.style("  not reached unless a circuit is open above:", dim=True)
        yield from lines[most:]


def _step(number: int, step: Told) -> tuple[str, ...]:
    score = step["score"]
    if score is not None:
        terms = f"score {score['total']:.4f} = cost {score['cost']:.4f} + latency {score['latency']:.4f}"
        why = f"{terms} + failure {score['failure']:.4f} + capability {score['capability']:.4f}"
    else:
        why = f"draw {step['draw']:.4f}" if step["draw"] is not None else ""
    standing = "" if step["standing"] == "well" else f"[{step['standing']}] "
    return f"{number}. {step['offer']}", step["reason"], told_usd(step["estimated_cost_usd"]), standing + why


def _limits(answer: Told) -> Iterator[str]:
    yield f"limits of {answer['key']}:"
    rows: list[tuple[str, ...]] = []
    for name, limit in answer["limits"].items():
        used = f"{limit['remaining']} left" if "remaining" in limit else ""
        used = f"{limit['spent']:g} spent" if "spent" in limit else used
        rows.append((name, f"{limit['limit']:g}", used))
    yield from _table(rows)
    demand = answer["demand"]
    if demand is not None:
        usd = "unpriced" if demand["usd"] is None else told_usd(demand["usd"])
        yield f"  this request sets aside {demand['tokens']} tokens and {usd}"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
