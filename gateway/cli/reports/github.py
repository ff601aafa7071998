"""The report as workflow commands: GitHub shows each problem beside its line in a pull request."""

from gateway.cli.reports.told import Told
from gateway.config.codes import CODES
from gateway.config.problem import Problem


def as_github(told: Told) -> str:
    """One command a problem, and a last line for the log."""
    verdict = "valid" if told.ok else "not valid"
    return "\n".join([*map(_command, told.report.problems), f"{told.path}: {verdict}"])


def _command(problem: Problem) -> str:
    properties = {"title": f"{problem.code}: {CODES[problem.code].title}"}
    if problem.file is not None:
        end = problem.column + max(problem.length, 1)
        properties = {"file": problem.file, "line": str(problem.line), "col": str(problem.column)} | properties
        properties |= {"endColumn": str(end)} if problem.length else {}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = problem.message + (f"\nhint: {problem.hint}" if problem.hint else "")
    return f"::{problem.severity} {said}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
