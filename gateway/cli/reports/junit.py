"""The report as JUnit XML, which CI servers read: a suite for the files, a suite for their tests."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from msgspec import Struct

from gateway.cli.reports.told import Told
from gateway.config.problem import Problem, as_text
from gateway.flow.prove import Proof

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(Struct, frozen=True):
    """One line of a suite; `failure` is None where all is well."""

    group: str
    name: str
    failure: str | None


def as_junit(told: Told) -> str:
    """Warnings fail only with `--strict`, as everywhere."""
    report = told.report
    strict = not told.ok and not report.failed
    suites = [("configuration", _files(told, strict=strict)), ("routing tests", [_tested(p) for p in report.proofs])]
    root = ET.Element("testsuites")
    for name, cases in suites:
        root.append(_suite(name, cases))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _files(told: Told, *, strict: bool) -> list[Case]:
    """Every file that was read, and what is wrong in it; failed tests have their own suite."""
    counted = [
        problem
        for problem in told.report.problems
        if problem.code != "TH2704" and (strict or problem.severity == "error")
    ]
    names = list(dict.fromkeys([*map(str, told.report.loading.files), *(p.file or str(told.path) for p in counted)]))
    return [
        Case("configuration", name, _said([p for p in counted if (p.file or str(told.path)) == name])) for name in names
    ]


def _said(problems: Sequence[Problem]) -> str | None:
    return "\n\n".join(map(as_text, problems)) or None


def _tested(proof: Proof) -> Case:
    failure = "\n".join(each.message for each in proof.failures)
    return Case("routing", proof.title, f"{failure}\n{proof.seen.route()}" if failure else None)


def _suite(name: str, cases: Sequence[Case]) -> ET.Element:
    failures = sum(case.failure is not None for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": "0"}
    suite = ET.Element("testsuite", {"name": name} | counts)
    for case in cases:
        element = ET.SubElement(suite, "testcase", {"classname": _printable(case.group), "name": _printable(case.name)})
        if case.failure is not None:
            text = _printable(case.failure)
            failure = ET.SubElement(element, "failure", {"message": text.partition("\n")[0], "type": "failure"})
            failure.text = text
    return suite


def _printable(text: str) -> str:
    """XML has no way to write some characters."""
    return _UNPRINTABLE.sub("�", text)
