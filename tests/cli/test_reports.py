"""One report in every form: each is well-formed by the rules of those who read it."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.config.codes import CODES
from tests.config.mistakes import ROWS
from tests.config.worlds import completed

SARIF = json.loads((Path(__file__).parent.parent / "data/sarif-2.1.0-part.schema.json").read_text())
GOOD = completed("tests: [{name: m answers, ask: {model: m}, expect: {model: m}}]\n")
FAILING = completed(
    "tests:\n  - name: 'm, <or> \"n\"'\n    ask: {model: m}\n    expect: {model: n}\n"
    "  - {name: n, ask: {model: n}, expect: {model: n}}\n"
)
BROKEN = completed("fallbacks: {m: [nn]}\n")
WARNING = completed("fallbacks: {m: [o]}\n")
WORLDS = {"good": GOOD, "failing": FAILING, "broken": BROKEN, "warning": WARNING}

JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "file"},
        {"name", "tests", "failures", "errors"},
        {"testcase", "properties", "system-out", "system-err"},
    ),
    "testcase": ({"name", "classname", "group", "time"}, {"name"}, {"skipped", "error", "failure", "system-out"}),
    "failure": ({"type", "message"}, set(), set()),
}
"""Element: the attributes it may have, those it must have, the elements it may hold (Jenkins' junit-10)."""


def run(folder: Path, text: str, *arguments: str) -> Result:
    path = folder / "a file, with blanks.yaml"
    path.write_text(text)
    return CliRunner().invoke(main, ["validate-config", str(path), *arguments])


@pytest.mark.parametrize("world", WORLDS)
def test_sarif_is_valid_and_points_at_each_problem(world: str, tmp_path: Path) -> None:
    result = run(tmp_path, WORLDS[world], "--format", "sarif")
    log = json.loads(result.stdout)
    jsonschema.Draft7Validator(SARIF).validate(log)
    (one,) = log["runs"]
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert rules == list(CODES)
    for found in one["results"]:
        assert rules[found["ruleIndex"]] == found["ruleId"]
        region = found["locations"][0]["physicalLocation"]["region"]
        assert region["endColumn"] > region["startColumn"]
        assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
    errors = [found["ruleId"] for found in one["results"] if found["level"] == "error"]
    assert errors == {"broken": ["TH2003"], "failing": ["TH2704"]}.get(world, [])


def test_sarif_keeps_relative_paths_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf d").mkdir()
    (tmp_path / "conf d/tokenhub.yaml").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    log = json.loads(CliRunner().invoke(main, ["validate-config", "conf d", "--format", "sarif"]).stdout)
    (location,) = {
        found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for found in log["runs"][0]["results"]
    }
    assert location == "conf%20d/tokenhub.yaml"


def test_sarif_is_valid_for_every_kind_of_problem(tmp_path: Path) -> None:
    validator = jsonschema.Draft7Validator(SARIF)
    for _, fragment in {code: (code, fragment) for code, fragment in ROWS}.values():
        result = run(tmp_path, completed(fragment.replace("§", "")), "--format", "sarif")
        validator.validate(json.loads(result.stdout))


@pytest.mark.parametrize("world", WORLDS)
def test_junit_has_only_elements_and_attributes_that_ci_servers_know(world: str, tmp_path: Path) -> None:
    root = ET.fromstring(run(tmp_path, WORLDS[world], "--format", "junit").stdout)
    assert root.tag == "testsuites"
    for element in root.iter():
        allowed, needed, inner = JUNIT[element.tag]
        assert needed <= element.attrib.keys() <= allowed
        assert {child.tag for child in element} <= inner
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite)
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))


def test_junit_tells_files_from_tests(tmp_path: Path) -> None:
    root = ET.fromstring(run(tmp_path, FAILING, "--format", "junit").stdout)
    files, tests = root
    assert [(case.get("name"), case.find("failure") is None) for case in tests] == [('m, <or> "n"', False), ("n", True)]
    assert files.get("failures") == "0"
    failure = tests.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "expected the model `n`, got `p/m` (strategy-cost)"
    broken = ET.fromstring(run(tmp_path, BROKEN, "--format", "junit").stdout)
    assert "TH2003" in (broken.findtext("testsuite/testcase/failure") or "")
    assert ET.fromstring(run(tmp_path, WARNING, "--format", "junit").stdout).find("testsuite/testcase/failure") is None
    strict = ET.fromstring(run(tmp_path, WARNING, "--format", "junit", "--strict").stdout)
    assert "TH2109" in (strict.findtext("testsuite/testcase/failure") or "")


def test_github_shows_each_problem_beside_its_line(tmp_path: Path) -> None:
    result = run(tmp_path, FAILING, "--format", "github")
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("::error ")]
    match = re.fullmatch(
        r"::error file=(.+),line=4,col=21,title=TH2704%3A A routing test fails,endColumn=22::(.+)", line
    )
    assert match is not None, line
    assert match[1].endswith("/a file%2C with blanks.yaml")
    assert match[2].startswith('m, <or> "n": expected the model `n`, got `p/m` (strategy-cost)%0Ahint: the route is')
    assert result.exit_code == 1


def test_json_tells_the_tests_and_what_they_reach(tmp_path: Path) -> None:
    answer = json.loads(run(tmp_path, FAILING, "--format", "json").stdout)
    assert (answer["ok"], answer["tests"]["passed"], answer["tests"]["failed"]) == (False, 1, 1)
    case = answer["tests"]["cases"][0]
    assert case["got"] == {"model": "m", "provider": "p", "reason": "strategy-cost", "error": None}
    assert (case["ok"], case["failures"]) == (False, ["expected the model `n`, got `p/m` (strategy-cost)"])
    assert answer["coverage"]["offers"] == {"reached": 2, "of": 3, "missed": ["offer p/o"]}
    assert "tests" not in json.loads(run(tmp_path, BROKEN, "--format", "json").stdout)


def test_text_counts_tests_and_names_what_none_reaches_if_asked(tmp_path: Path) -> None:
    assert "tests: 1 passed, 1 failed\n" in run(tmp_path, FAILING).stdout
    assert "\nno test reaches:\n  offer p/o\n" in run(tmp_path, FAILING, "--coverage").stdout
    assert "\ntests: none; declare some" in run(tmp_path, completed("")).stdout


SIMULATED = {
    "p down": {
        "m": ("p/m", None, "no_healthy_provider"),
        "n": ("q/n", "q/n", None),
        "smart": ("p/m", "q/n", None),
        "*": ("q/n", "q/n", None),
    },
    "p/m 429": {"m": ("p/m", None, "no_healthy_provider"), "n": ("q/n", "q/n", None), "o": ("p/o", "p/o", None)},
    "q 2s, p 50%": {"m": ("p/m", "p/m", None), "n": ("q/n", "q/n", None)},
}


@pytest.mark.parametrize("world", SIMULATED)
def test_a_simulation_says_where_each_name_lands(world: str, tmp_path: Path) -> None:
    text = completed("aliases: {smart: {tier: [m, n], ordered: true}}\nwildcard_models: [m, n]\n")
    answer = json.loads(run(tmp_path, text, "--simulate", world, "--format", "json").stdout)
    landings = {one["name"]: (one["before"], one["after"], one["error"]) for one in answer["simulated"]}
    for name, landing in SIMULATED[world].items():
        assert landings[name] == landing
    assert "/v1/chat normal" in landings


def test_a_simulation_says_what_room_and_what_cost_are_left(tmp_path: Path) -> None:
    text = completed("aliases: {smart: {tier: [m, n], ordered: true}}\n")
    answer = json.loads(run(tmp_path, text, "--simulate", "p down", "--format", "json").stdout)
    (smart,) = [one for one in answer["simulated"] if one["name"] == "smart"]
    assert (smart["capacity_before"], smart["capacity_after"]) == (400, 200)
    assert smart["cost_before_usd"] < smart["cost_after_usd"]
    told = run(tmp_path, text, "--simulate", "p down").stdout
    assert re.search(r"smart +moves from p/m to q/n; \$[0-9.]+ a request, was \$[0-9.]+, capacity 200 of 400", told)


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ("pp down", "did you mean `p`?"),
        ("p dwn", "`dwn` in `p dwn` is not `down`"),
        ("down", "needs a name and a state"),
        ("p 400%", "is not `down`"),
    ],
)
def test_a_simulation_that_makes_no_sense_is_wrong_usage(world: str, words: str, tmp_path: Path) -> None:
    result = run(tmp_path, GOOD, "--simulate", world)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
