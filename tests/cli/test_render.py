"""`tokenhub render`: one file out of many, with origins, without secrets."""

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.main import main
from tests.config.worlds import completed

CASE = Path(__file__).parent.parent / "golden/config/accepted/includes-and-overlay"


def test_every_leaf_has_its_origin_behind_it() -> None:
    result = CliRunner().invoke(main, ["render", str(CASE)])
    assert result.exit_code == 0, result.output
    lines = {line.partition("#")[0].strip(): line.partition("# ")[2] for line in result.stdout.splitlines()}
    assert lines['listen: "127.0.0.1:1"'] == f"{CASE}/base.yaml:2"
    assert lines["max_in_flight: 99"] == f"{CASE}/tokenhub.yaml:3"
    assert lines["max_concurrency: 500"] == f"{CASE}/prod.yaml:1"
    assert lines["team-a: m"] == f"{CASE}/teams/a.yaml:2"
    assert "include:" not in result.stdout
    assert "overlay:" not in result.stdout


def test_json_has_configuration_and_origins() -> None:
    answer = json.loads(CliRunner().invoke(main, ["render", str(CASE), "--format", "json"]).stdout)
    assert answer["config"]["server"]["max_in_flight"] == 99
    assert answer["origins"]["server.max_in_flight"] == f"{CASE}/tokenhub.yaml:3:25"
    assert answer["origins"]["models.m.offers[1].price.input"] == f"{CASE}/prod.yaml:3:97"


def test_references_stay_and_secrets_are_stars(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(
        completed(
            "allow_inline_secrets: true\n"
            "providers:\n"
            "  p: {dialect: openai, api_key: '${env:SECRET_OF_TEST}'}\n"
            "  q: {dialect: openai, api_key: sk-CANARY, headers: {Authorization: Bearer CANARY, X-Team: routing}}\n"
            "state: redis://u:CANARY@redis.example/0\n"
        )
    )
    for form in ("yaml", "json"):
        result = CliRunner().invoke(main, ["render", str(path), "--format", form], env={"SECRET_OF_TEST": "CANARY-too"})
        assert result.exit_code == 0
        assert "CANARY" not in result.output
        assert "${env:SECRET_OF_TEST}" in result.output
        assert "***" in result.output
        assert "routing" in result.output


def test_a_broken_configuration_is_a_no_with_its_problems_on_standard_error() -> None:
    result = CliRunner().invoke(main, ["render", str(CASE.parent.parent / "rejected/circles")])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "TH2105" in result.stderr


def test_shipped_files_go_by_the_name_they_are_included_by(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text("version: 1\ninclude: [catalog/voyage.yaml]\n")
    text = CliRunner().invoke(main, ["render", str(path)]).stdout
    assert "# catalog/voyage.yaml:" in text
    assert "/configs/catalog" not in text
