"""`tokenhub import litellm`: a valid configuration on one side, everything that is not in it on the other."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main

DATA = Path(__file__).parent.parent / "data" / "litellm"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", "litellm", *arguments])


def test_the_configuration_goes_out_and_the_report_beside_it(tmp_path: Path) -> None:
    result = run(str(DATA / "08-everything-else.yaml"))
    assert result.exit_code == 0
    assert result.stdout.startswith("version: 1\n")
    first = result.stderr.splitlines()[0]
    assert first == f"{DATA}/08-everything-else.yaml:2:1: lost include: " + first.partition("include: ")[2]
    assert "translated; " in result.stderr.splitlines()[-1]
    made = tmp_path / "tokenhub.yaml"
    made.write_text(result.stdout)
    assert CliRunner().invoke(main, ["validate-config", str(made)]).exit_code == 0


@pytest.mark.parametrize("file", sorted(DATA.glob("*.yaml")), ids=lambda file: file.stem)
def test_what_is_made_of_every_file_passes_validation_without_secrets(file: Path, tmp_path: Path) -> None:
    made = tmp_path / "tokenhub.yaml"
    assert run(str(file), "-o", str(made)).exit_code == 0
    checked = CliRunner().invoke(main, ["validate-config", "--secrets=skip", str(made)])
    assert checked.exit_code == 0, checked.output


def test_strict_says_no_where_anything_is_lost() -> None:
    assert run(str(DATA / "08-everything-else.yaml"), "--strict").exit_code == 1
    assert run(str(DATA / "01-one-model.yaml"), "--strict").exit_code == 0


def test_it_never_writes_over_anything(tmp_path: Path) -> None:
    output = tmp_path / "tokenhub.yaml"
    assert run(str(DATA / "01-one-model.yaml"), "-o", str(output)).exit_code == 0
    before = output.read_text()
    again = run(str(DATA / "08-everything-else.yaml"), "-o", str(output))
    assert (again.exit_code, output.read_text()) == (1, before)
    assert "exists already" in again.stderr
    assert run(str(DATA / "01-one-model.yaml"), "-o", str(tmp_path / "no" / "folder")).exit_code == 1


def test_json_has_all_of_it() -> None:
    answer = json.loads(run(str(DATA / "06-secrets-written-out.yaml"), "--format", "json").stdout)
    assert set(answer) == {"config", "losses", "problems"}
    assert answer["problems"] == []
    assert {loss["kind"] for loss in answer["losses"]} == {"lost", "approximated", "secret"}
    assert all(set(loss) == {"kind", "path", "line", "column", "why"} for loss in answer["losses"])
    assert "CANARY" not in json.dumps(answer)


def test_what_is_no_such_file_is_a_no_with_a_place(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("model_list: [")
    result = run(str(tmp_path / "config.yaml"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "config.yaml:1:14: error TH1101" in result.stderr
    assert json.loads(run(str(tmp_path / "config.yaml"), "--format", "json").stdout)["config"] is None
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe")
    assert run(str(tmp_path / "config.yaml")).exit_code == 1
    assert run(str(tmp_path / "absent.yaml")).exit_code == 2
