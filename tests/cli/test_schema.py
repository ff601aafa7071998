"""`tokenhub schema`: the published schema, and that of a project."""

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.main import main

ROOT = Path(__file__).parent.parent.parent


def test_it_prints_the_published_schema() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    assert result.stdout == (ROOT / "schemas/tokenhub.schema.json").read_text()


def test_a_project_fills_in_its_names() -> None:
    result = CliRunner().invoke(main, ["schema", "--project", str(ROOT / "configs")])
    assert result.exit_code == 0
    offer = json.loads(result.stdout)["$defs"]["Offer"]
    assert offer["properties"]["provider"]["enum"] == ["demo", "spare"]


def test_a_broken_project_is_a_no_with_its_problems_on_standard_error() -> None:
    result = CliRunner().invoke(main, ["schema", "--project", str(ROOT / "tests/golden/config/rejected/circles")])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "TH2104" in result.stderr


def test_help_shows_the_line_for_editors() -> None:
    assert "# yaml-language-server: $schema=" in CliRunner().invoke(main, ["schema", "-h"]).stdout
