"""The report as SARIF 2.1.0, which code scanning services read."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from gateway import __version__
from gateway.cli.reports.told import Told
from gateway.config.codes import CODES
from gateway.config.codes.row import Code
from gateway.config.problem import Problem

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = tuple(CODES.values())
INDEX = {code.code: index for index, code in enumerate(RULES)}


def as_sarif(told: Told) -> str:
    """One run, a rule for every code there is, a result a problem."""
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "tokenhub",
                        "semanticVersion": __version__,
                        "rules": [_rule(code) for code in RULES],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True, "exitCode": 0 if told.ok else 1}],
                "results": [_result(problem) for problem in told.report.problems],
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode()


def _rule(code: Code) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": code.code,
        "shortDescription": {"text": code.title},
        "defaultConfiguration": {"level": code.severity},
    }
    return rule | ({"fullDescription": {"text": code.why}} if code.why else {})


def _result(problem: Problem) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": INDEX[problem.code],
        "level": problem.severity,
        "message": {"text": problem.message + (f" ({problem.hint})" if problem.hint else "")},
        "partialFingerprints": {"problem/v1": f"{problem.code}:{problem.path}"},
    }
    return result | ({"locations": [_location(problem, problem.file)]} if problem.file is not None else {})


def _location(problem: Problem, file: str) -> dict[str, Any]:
    region = {"startLine": problem.line, "startColumn": problem.column}
    if problem.length:
        region["endColumn"] = problem.column + problem.length
    return {"physicalLocation": {"artifactLocation": {"uri": uri_of(file)}, "region": region}}


def uri_of(file: str) -> str:
    """Relative stays relative, so that a service can match it with the files of a repository."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
