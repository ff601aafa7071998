"""The report for scripts: stable names, documented in docs/command-line.md."""

from typing import Any

import msgspec
from msgspec.structs import asdict

from gateway.cli.reports.told import Told
from gateway.config.problem import as_json as problem_as_json
from gateway.flow.coverage import Coverage
from gateway.flow.prove import Proof


def as_json(told: Told) -> str:
    """Tests and coverage are there whenever the files have no error."""
    report = told.report
    answer: dict[str, Any] = {
        "ok": told.ok,
        "digest": report.loading.digest,
        "problems": [problem_as_json(problem) for problem in report.problems],
    }
    if report.coverage is not None:
        failed = sum(bool(proof.failures) for proof in report.proofs)
        answer["tests"] = {
            "passed": len(report.proofs) - failed,
            "failed": failed,
            "cases": [_case(proof) for proof in report.proofs],
        }
        answer["coverage"] = _coverage(report.coverage)
    if told.simulated is not None:
        answer["simulated"] = [asdict(landing) for landing in told.simulated]
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _case(proof: Proof) -> dict[str, Any]:
    step = proof.seen.first
    return {
        "name": proof.name,
        "case": proof.case,
        "ok": not proof.failures,
        "failures": [failure.message for failure in proof.failures],
        "got": {
            "model": step.offer.model if step else None,
            "provider": step.offer.provider if step else None,
            "reason": step.reason if step else None,
            "error": proof.seen.error.code if proof.seen.error else None,
        },
    }


def _coverage(found: Coverage) -> dict[str, Any]:
    return {kind: asdict(share) for kind, share in asdict(found).items()}
