"""The line of the log that tells what became of a change of the files: what came of it, or why nothing did."""

import logging
from collections.abc import Iterable, Sequence

from gateway.config.problem import Problem, as_text
from gateway.flow.history import ReloadOutcome

LOG = logging.getLogger("tokenhub")

SHOWN = 5
"""Problems or changes in one line; the status and the reload ledger have all of them."""


def tell_reload(outcome: ReloadOutcome, problems: Sequence[Problem]) -> None:
    """`problems` are those that nobody has read yet."""
    if outcome.outcome == "refused":
        _tell_refused(outcome, problems)
    else:
        _tell_accepted(outcome)


def _tell_refused(outcome: ReloadOutcome, problems: Sequence[Problem]) -> None:
    what = f" {outcome.refused[:12]}" if outcome.refused else ""
    count = "" if len(problems) == 1 else f"{len(problems)} problems, the first: "
    head = f"configuration{what} refused by {outcome.trigger}; {outcome.digest[:12]} goes on serving"
    lines = [_one_line(problem) for problem in problems[:SHOWN]]
    LOG.error(
        "%s",
        f"{head}: {count}{lines[0]}" if lines else f"{head}; its problems are the same as before",
        extra={
            "facts": {"refused": outcome.refused[:12] or None, "problems": lines},
            "words": "\n".join([head, *map(as_text, problems[:SHOWN]), *_more(len(problems), "problems")]),
        },
    )


def _one_line(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}: " if problem.file else ""
    hint = f" (hint: {problem.hint})" if problem.hint else ""
    return f"{place}{problem.severity} {problem.code}: {problem.message}{hint}"


def _tell_accepted(outcome: ReloadOutcome) -> None:
    changes, restart = outcome.changes[:SHOWN], outcome.restart_needed
    head = f"configuration {outcome.digest[:12]} {outcome.outcome} by {outcome.trigger}"
    told = ["the files say again what serves"] if outcome.outcome == "unchanged" else []
    told += [*changes, *_more(len(outcome.changes), "changes")]
    told += [f"{', '.join(restart)}: takes effect at the next start"] if restart else []
    LOG.log(
        logging.WARNING if restart else logging.INFO,
        "%s",
        f"{head}: {'; '.join(told)}" if told else head,
        extra={
            "facts": {"changes": list(changes), "restart_needed": list(restart)},
            "words": "\n".join([head, *(f"  {one}" for one in told)]),
        },
    )


def _more(number: int, noun: str) -> Iterable[str]:
    if number > SHOWN:
        yield f"and {number - SHOWN} more {noun}"
