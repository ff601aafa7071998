"""docs/http-api.md is complete and true: every route, every header, every code, and none that is not there."""

import ast
import json
import re
from pathlib import Path

import pytest

from gateway.web.errors import STATUS
from gateway.web.limit_headers import rates_of

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "http-api.md").read_text()
ROW = re.compile(r"^\| (.*) \|$", re.MULTILINE)
ROUTE = re.compile(r"`(GET|POST|PUT|DELETE) (/[^`]*)`")
CODE = r"[a-z]+(?:_[a-z]+)+"
SOURCES = {path: path.read_text() for path in sorted((ROOT / "gateway").rglob("*.py"))}


def rows(heading: str) -> list[list[str]]:
    """The cells of all tables under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(section)]
    return [row for row in cells if not row[0].startswith("---")]


def test_every_route_is_described_and_every_route_described_exists() -> None:
    described = [route for row in ROW.findall(PAGE) for route in ROUTE.findall(row.partition(" | ")[0])]
    paths = json.loads((ROOT / "schemas" / "openapi.json").read_text())["paths"]
    there = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert set(described) == there
    assert len(described) == len(there)


def sent() -> set[str]:
    """Names of all headers that the rooms towards callers write."""
    text = "".join(SOURCES[path] for path in SOURCES if path.parts[len(ROOT.parts) + 1] == "web")
    whole = set(re.findall(r'\(b"((?:x|retry|www|idempotent)-[a-z-]*[a-z])", ', text))
    whole |= set(re.findall(r"(x-[a-z-]*[a-z]): %", text))
    whole |= set(re.findall(r'^CONFIG = b"(x-[a-z-]+)"$', text, re.MULTILINE))
    whole |= {name.lower() for name in re.findall(r'"(X-TokenHub-Next)"', text)}
    rates = rates_of(requests=1, tokens=1).form.decode()
    return whole | set(re.findall(r"^([a-z-]+): ", rates, re.MULTILINE))


def test_every_response_header_is_described() -> None:
    described = {name.lower() for row in rows("Response headers") for name in re.findall(r"`([A-Z][\w-]+)`", row[0])}
    assert described == sent()


def test_every_request_header_is_described() -> None:
    described = {row[0].strip("`") for row in rows("Request headers")[1:]}
    document = json.loads((ROOT / "schemas" / "openapi.json").read_text())
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    known = {each["name"] for one in operations for each in one.get("parameters", ()) if each["in"] == "header"}
    assert described == known | {"X-Request-Id"}


def said_codes() -> set[str]:
    """Of every refusal that is written out."""
    found = set()
    for text in SOURCES.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                arguments = [one.value for one in node.args if isinstance(one, ast.Constant)]
                arguments += [one.value.value for one in node.keywords if isinstance(one.value, ast.Constant)]
                if node.func.id in ("RequestError", "Denial") and len(arguments) > 1 and arguments[0] in STATUS:
                    found.add(arguments[1])
    return {code for code in found if isinstance(code, str)}


def test_every_code_is_described_and_every_code_described_is_said() -> None:
    described = {
        code for row in rows("Errors")[1:] for code in re.findall(f"`({CODE}|concurrency|overloaded|draining)`", row[2])
    }
    everything = "".join(SOURCES.values())
    assert said_codes() - described == set()
    assert [code for code in sorted(described) if f'"{code}"' not in everything] == []


@pytest.mark.parametrize("row", rows("Errors")[1:], ids=lambda row: f"{row[0]} {row[1]}")
def test_statuses_and_types_are_those_of_the_table(row: list[str]) -> None:
    status, kind = int(re.findall(r"\d{3}", row[0])[-1]), row[1].strip("`")
    assert (status, kind) in set(STATUS.values())


def test_every_status_and_type_is_described() -> None:
    described = {(int(re.findall(r"\d{3}", row[0])[-1]), row[1].strip("`")) for row in rows("Errors")[1:]}
    assert described == set(STATUS.values())


def test_every_reason_that_the_planners_know_is_described() -> None:
    reasons = {
        reason for row in rows("Response headers") for reason in re.findall(r"`([a-z]+(?:-[a-zA-Z]+)*)`", row[0])
    }
    story = ast.get_docstring(ast.parse((ROOT / "gateway/routing/named.py").read_text())) or ""
    assert set(re.findall(r"^\| `([\w-]+)` \|", story, re.MULTILINE)) <= reasons
