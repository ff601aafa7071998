"""Problems on a terminal: coloured where there are colours, plain elsewhere."""

from collections.abc import Sequence

import click

from gateway.config.problem import Problem, as_text

_COLOURS = {"error": "red", "warning": "yellow"}


def show(problems: Sequence[Problem], *, omitted: int = 0, err: bool = False) -> None:
    """One paragraph a problem."""
    for problem in problems:
        click.echo(coloured(problem), err=err)
    if omitted:
        click.echo(f"… and {omitted} more", err=err)


def coloured(problem: Problem) -> str:
    """`click.echo` takes the colours out again when nobody would see them."""
    head, *rest = as_text(problem).split("\n")
    mark = f"{problem.severity} {problem.code}"
    head = head.replace(mark, click.style(mark, fg=_COLOURS[problem.severity], bold=True), 1)
    rest = [click.style(line, fg="cyan") if line.startswith("hint: ") else line for line in rest]
    return "\n".join([head, *rest])


def counted(problems: Sequence[Problem], omitted: int = 0) -> str:
    """`3 errors, 1 warning`."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    parts = [_some(errors, "error")] if errors else []
    parts += [_some(warnings, "warning")] if warnings else []
    return ", ".join(parts) + (f", {omitted} more not shown" if omitted else "")


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
