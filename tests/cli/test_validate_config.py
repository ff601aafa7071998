"""`tokenhub validate-config`: verdict, formats, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.config.codes import CODES
from tests.config.worlds import completed

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests/golden/config"


def run(*arguments: str, env: dict[str, str | None] | None = None) -> Result:
    return CliRunner().invoke(main, ["validate-config", *arguments], env={"TOKENHUB_CONFIG": None} | (env or {}))


def a_file(folder: Path, text: str) -> str:
    path = folder / "tokenhub.yaml"
    path.write_text(text)
    return str(path)


def test_a_valid_configuration_is_said_to_be_valid() -> None:
    result = run(str(ROOT / "configs/tokenhub.yaml"), "--strict")
    assert result.exit_code == 0, result.output
    assert "valid" in result.stdout
    assert "2 providers, 2 models, 3 offers, 4 aliases, 1 key; digest " in result.stdout
    assert result.stderr == ""


def test_twelve_mistakes_are_printed_with_their_places_and_exit_one() -> None:
    path = GOLDEN / "rejected/twelve-mistakes/tokenhub.yaml"
    result = run(str(path))
    assert result.exit_code == 1
    places = [line.split(": error ")[0] for line in result.stdout.splitlines() if ": error TH" in line]
    assert len(places) == len(set(places)) == 12
    assert places[0] == f"{path}:3:11"
    assert "not valid (12 errors" in result.stdout


def test_the_problems_of_a_golden_file_are_printed_as_recorded() -> None:
    case = GOLDEN / "rejected/circles"
    lines = run(str(case)).stdout.replace(f"{case}/", "").splitlines()
    recorded = [line for line in (case / "problems.txt").read_text().splitlines() if line]
    assert lines[: len(recorded)] == recorded


def test_json_has_the_documented_shape(tmp_path: Path) -> None:
    result = run(a_file(tmp_path, completed("fallbacks: {m: [nn]}\n")), "--format", "json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (answer["ok"], answer["digest"]) == (False, None)
    (problem,) = [problem for problem in answer["problems"] if problem["severity"] == "error"]
    assert problem == {
        "code": "TH2003",
        "severity": "error",
        "file": str(tmp_path / "tokenhub.yaml"),
        "line": 1,
        "column": 17,
        "path": "fallbacks.m[0]",
        "message": "fallback `nn` is not a declared model or alias",
        "hint": "did you mean `n`?",
    }


def test_json_of_a_valid_configuration_has_its_digest() -> None:
    answer = json.loads(run(str(ROOT / "configs"), "--format", "json").stdout)
    assert answer["ok"] is True
    assert len(answer["digest"]) == 64
    assert answer["problems"] == []


def test_warnings_fail_only_when_it_is_strict(tmp_path: Path) -> None:
    path = a_file(tmp_path, completed("fallbacks: {m: [o]}\n"))
    lenient, strict = run(path), run(path, "--strict")
    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    assert "warning TH2109" in lenient.stdout
    assert "valid (1 warning)" in lenient.stdout


def test_secrets_are_looked_up_only_on_request(tmp_path: Path) -> None:
    text = completed("providers: {p: {dialect: openai, api_key: '${env:SECRET_OF_TEST}'}, q: {dialect: echo}}\n")
    path = a_file(tmp_path, text)
    assert run(path).exit_code == 0
    missing = run(path, "--secrets", "check")
    assert missing.exit_code == 1
    assert "`SECRET_OF_TEST` is not set" in missing.stdout
    there = run(path, "--secrets", "check", env={"SECRET_OF_TEST": "sk-CANARY-value"})
    assert there.exit_code == 0
    assert "CANARY" not in there.output


def test_a_missing_file_is_a_no_and_no_configuration_at_all_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("nowhere.yaml").exit_code == 1
    result = run()
    assert result.exit_code == 2
    assert "TOKENHUB_CONFIG" in result.stderr


def test_the_configuration_is_found_where_the_manual_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    a_file(tmp_path / "configs", completed("# in configs\n"))
    assert run().stdout.startswith("configs/tokenhub.yaml: valid")
    a_file(tmp_path, completed("# here\n"))
    assert run().stdout.startswith("tokenhub.yaml: valid")
    (tmp_path / "there").mkdir()
    a_file(tmp_path / "there", completed("# there\n"))
    assert run(env={"TOKENHUB_CONFIG": "there"}).stdout.startswith("there/tokenhub.yaml: valid")
    assert run("configs", env={"TOKENHUB_CONFIG": "there"}).stdout.startswith("configs/tokenhub.yaml: valid")


def test_fifty_problems_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    text = completed("aliases: {" + ", ".join(f"a{n}: gone-{n}" for n in range(80)) + "}\n")
    result = run(a_file(tmp_path, text))
    assert result.stdout.count("error TH2002") == 50
    assert "and 30 more" in result.stdout


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_the_manual(flag: str) -> None:
    result = run(flag)
    assert result.exit_code == 0
    for word in ("--format", "--strict", "--secrets", "Exit status", "docs/problems.md"):
        assert word in result.stdout


def test_every_verb_has_a_line_in_the_help() -> None:
    result = CliRunner().invoke(main, ["-h"])
    assert result.exit_code == 0
    for verb in ("serve", "validate-config", "schema", "render", "keys"):
        assert f"  {verb} " in result.stdout


def test_an_unknown_verb_is_wrong_usage() -> None:
    assert CliRunner().invoke(main, ["validate"]).exit_code == 2


def test_a_real_process_prints_plainly_into_a_pipe() -> None:
    path = GOLDEN / "rejected/typos/tokenhub.yaml"
    command = [sys.executable, "-m", "gateway.cli.main", "validate-config", str(path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"TERM": "xterm"}
    )
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    assert "hint: did you mean `listen`?" in done.stdout


def test_validating_does_not_load_the_server() -> None:
    code = (
        "import sys; sys.argv = ['tokenhub', 'validate-config', 'configs']\n"
        "from gateway.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'litestar', 'uvicorn', 'jsonschema', 'httpx'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_the_page_of_problems_has_every_code() -> None:
    page = (ROOT / "docs/problems.md").read_text()
    assert all(f"### {code}: " in page for code in CODES)


def test_a_configuration_without_tests_is_told_that_it_has_none(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(completed(""))
    result = CliRunner().invoke(main, ["validate-config", str(path), "--strict"])
    assert result.exit_code == 0, result.output
    assert "tests: none; declare some under `tests:`" in result.stdout
