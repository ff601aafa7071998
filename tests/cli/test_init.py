"""`tokenhub init`: a repository that passes its own CI, and tells a pull request what it changes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import check_jsonschema
import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from gateway.cli.main import VERBS, main

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
WORKFLOWS = sorted((ROOT / "examples/github-actions").glob("*.yml"))
SHIPPED = ("anthropic", "openai", "anthropic,gemini,openai", "groq,mistral", "azure", "bedrock-eu,deepseek")


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", str(folder), *arguments])


def run(folder: Path, *command: str, **env: str) -> str:
    """With `tokenhub` of this environment, and with no configuration of git but this."""
    clean = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder)}
    who = {f"GIT_{role}_{part}": "a@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    done = subprocess.run(
        command, cwd=folder, env=clean | who | env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repository(folder: Path, *arguments: str) -> Path:
    assert init(folder, *arguments).exit_code == 0
    run(folder, "git", "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    run(folder, "git", "add", ".")
    run(folder, "git", "commit", "--quiet", "--message", "one")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_a_new_repository_passes_its_own_ci_unchanged(tmp_path: Path) -> None:
    folder = repository(tmp_path / "ours")
    assert "tests: 3 passed" in run(folder, "./ci.sh")
    assert run(folder, "git", "status", "--porcelain") == ""
    run(folder, "./ci.sh", BASE="main")
    assert "no request goes elsewhere" in (folder / "plan.md").read_text()


def test_a_branch_that_swaps_two_rungs_is_told_exactly_which_asks_re_route(tmp_path: Path) -> None:
    folder = repository(tmp_path / "ours")
    run(folder, "git", "checkout", "--quiet", "-b", "swap")
    edit(
        folder,
        "configs/tokenhub.yaml",
        "wildcard_models: [echo-large, echo-small]",
        "wildcard_models: [echo-small, echo-large]",
    )
    edit(folder, "configs/tests.yaml", "{model: echo-large, reason: wild", "{model: echo-small, reason: wild")
    commit(folder)
    run(folder, "./ci.sh", BASE="main", TOKENHUB_FORMAT="github")
    page = (folder / "plan.md").read_text()
    assert page.startswith("<!-- tokenhub plan -->"), "by this the workflow finds its comment again"
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith(("| `", "| the test"))]
    assert [(row[0], *row[1:4]) for row in rows] == [
        ("| `*`", "re-routes", "demo/echo-large", "demo/echo-small"),
        (
            "| the test `whoever leaves the choice to us starts at the top of the ladder`",
            "re-routes",
            "demo/echo-large",
            "demo/echo-small",
        ),
    ]


def test_a_branch_that_only_adds_a_key_re_routes_nobody(tmp_path: Path) -> None:
    folder = repository(tmp_path / "ours")
    with (folder / "configs/tokenhub.yaml").open("a") as file:
        file.write(f"  - {{name: another, digest: 'sha256:{'ab' * 32}'}}\n")
    run(folder, "./ci.sh", BASE="main")
    assert "re-routes" not in (folder / "plan.md").read_text()


@pytest.mark.parametrize("vendors", SHIPPED)
def test_real_vendors_give_a_configuration_without_a_single_warning(tmp_path: Path, vendors: str) -> None:
    told = json.loads(init(tmp_path, "--with", vendors, "--format", "json").stdout)
    assert told["key"].startswith("th-")
    assert told["vendors"] == vendors.split(",")
    checked = CliRunner().invoke(main, ["validate-config", str(tmp_path / "configs"), "--strict", "--format", "json"])
    answer = json.loads(checked.stdout)
    assert (answer["ok"], answer["problems"]) == (True, [])
    assert answer["tests"]["passed"] >= 1
    text = (tmp_path / "configs/tokenhub.yaml").read_text() + (tmp_path / "README.md").read_text()
    assert all(text.count(variable) == 2 for variable in told["variables"])
    assert told["key"] not in text


def test_nothing_is_ever_written_over(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    mine = {"configs/tokenhub.yaml": "version: 1\n", "README.md": "mine\n"}
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "Makefile").symlink_to(tmp_path / "elsewhere")
    told = json.loads(init(tmp_path, "--format", "json").stdout)
    assert sorted(told["kept"]) == ["Makefile", "README.md", "configs/tokenhub.yaml"]
    assert told["key"] is None
    assert all((tmp_path / name).read_text() == text for name, text in mine.items())
    assert not (tmp_path / "elsewhere").exists()
    again = json.loads(init(tmp_path, "--format", "json").stdout)
    assert again["written"] == []


def test_a_vendor_that_nobody_knows_is_wrong_usage_and_writes_nothing(tmp_path: Path) -> None:
    result = init(tmp_path / "new", "--with", "opnai")
    assert (result.exit_code, (tmp_path / "new").exists()) == (2, False)
    assert "openai" in result.stderr
    assert init(tmp_path / "new", "--with", "voyage").exit_code == 2, "nothing to chat with"


def test_a_folder_that_cannot_be_written_is_a_no(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert init(tmp_path / "file" / "below").exit_code == 1


def test_every_file_is_well_formed(tmp_path: Path) -> None:
    init(tmp_path)
    workflow = tmp_path / ".github/workflows/routing.yml"
    assert json.loads((tmp_path / ".vscode/settings.json").read_text())["yaml.schemas"] == {
        ".tokenhub.schema.json": ["configs/**/*.yaml"]
    }
    json.loads((tmp_path / ".vscode/extensions.json").read_text())
    hooks = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert all(hook["entry"].split()[1] in VERBS for hook in hooks)
    check_workflow(workflow)
    assert workflow.read_text() == (ROOT / "examples/github-actions/routing.yml").read_text()
    schema = json.loads((tmp_path / ".tokenhub.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert run(tmp_path, "make").count("\n") == 5
    if shutil.which("shellcheck"):
        run(tmp_path, "shellcheck", "ci.sh")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_valid_and_call_what_exists(path: Path) -> None:
    check_workflow(path)


def check_workflow(path: Path) -> None:
    """Against the schema, and every call of ours by its own parser."""
    schema = json.loads((SCHEMAS / "github-workflows.json").read_text())
    said = {"on" if key is True else key: value for key, value in yaml.safe_load(path.read_text()).items()}
    jsonschema.Draft7Validator(schema).validate(said)
    assert said["permissions"]["contents"] == "read"
    for job in said["jobs"].values():
        for step in job["steps"]:
            check_step(step)


def check_step(step: dict[str, Any]) -> None:
    for line in step.get("run", "").replace("\\\n", " ").splitlines():
        words = line.split("|")[0].split(">")[0].split()
        if words[:1] == ["tokenhub"]:
            context = click.Context(main, **main.context_settings)
            command = main.get_command(context, words[1])
            assert command is not None
            command.make_parser(click.Context(command, parent=context)).parse_args(words[2:])
    assert "${{" not in step.get("run", ""), "what others may write reaches a shell by the environment only"
