"""`tokenhub catalog`: listing, comparing, locking; and `validate-config --locked`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from tests.config.worlds import completed

ROOT = Path(__file__).parent.parent.parent
CATALOG = ROOT / "configs" / "catalog"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env={"TOKENHUB_CONFIG": None})


def a_file(folder: Path, text: str, name: str = "tokenhub.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_a_lock_is_written_beside_the_configuration_and_holds(tmp_path: Path) -> None:
    path = a_file(tmp_path, completed(""))
    result = run("catalog", "lock", path)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'prices.lock'}: 3 prices locked (3 new)\n"
    assert run("validate-config", path, "--locked").exit_code == 0
    assert run("catalog", "lock", tmp_path).stdout.endswith("3 prices locked, as before\n")


def test_several_configurations_in_one_folder_have_a_lock_each(tmp_path: Path) -> None:
    one, two = a_file(tmp_path, completed("")), a_file(tmp_path, completed(""), "staging.yaml")
    run("catalog", "lock", one)
    before = (tmp_path / "prices.lock").read_text()
    assert run("catalog", "lock", two).stdout.startswith(str(tmp_path / "staging.prices.lock"))
    assert (tmp_path / "prices.lock").read_text() == before
    assert run("validate-config", one, "--locked").exit_code == run("validate-config", two, "--locked").exit_code == 0


def test_a_price_that_changed_is_refused_only_when_locked(tmp_path: Path) -> None:
    path = a_file(tmp_path, completed(""))
    run("catalog", "lock", path)
    path.write_text(path.read_text().replace("input: 3, output: 4", "input: 3, output: 40"))
    assert run("validate-config", path).exit_code == 0
    result = run("validate-config", path, "--locked")
    assert result.exit_code == 1
    assert "error TH2801: `q/n` does not cost what is locked since " in result.stdout
    assert ": output 4 -> 40" in result.stdout
    answer = json.loads(run("validate-config", path, "--locked", "--format", "json").stdout)
    assert (answer["ok"], [problem["code"] for problem in answer["problems"]]) == (False, ["TH2801"])


def test_without_a_lock_nothing_is_locked(tmp_path: Path) -> None:
    result = run("validate-config", a_file(tmp_path, completed("")), "--locked")
    assert result.exit_code == 1
    assert "TH2803" in result.stdout
    assert "hint: run `tokenhub catalog lock`" in result.stdout


def test_locking_anew_says_what_changed(tmp_path: Path) -> None:
    path = a_file(tmp_path, completed(""))
    run("catalog", "lock", path)
    text = path.read_text().replace("input: 3, output: 4", "input: 3, output: 40").replace(" o: {", " oo: {")
    path.write_text(text)
    answer = json.loads(run("catalog", "lock", path, "--format", "json").stdout)
    assert (answer["new"], answer["changed"], answer["gone"], answer["offers"]) == (["p/oo"], ["q/n"], ["p/o"], 3)
    assert answer["file"] == str(tmp_path / "prices.lock")
    assert run("validate-config", path, "--locked").exit_code == 0


def test_a_configuration_with_errors_is_not_locked(tmp_path: Path) -> None:
    result = run("catalog", "lock", a_file(tmp_path, completed("fallbacks: {m: [nobody]}\n")))
    assert result.exit_code == 1
    assert "TH2003" in result.stderr
    assert not (tmp_path / "prices.lock").exists()


OLD = """version: 1
providers: {p: {dialect: echo}}
models:
  a: {context_window: 1000, max_output_tokens: 10, offers: [{provider: p, price: {input: 1, output: 2}}]}
  b: {max_output_tokens: 10, offers: [{provider: p, price: {input: 1, output: 2}}]}
  c: {max_output_tokens: 10, retires_on: 2026-01-01, offers: [{provider: p, price: {input: 1, output: 2}}]}
"""
NEW = """version: 1
providers: {p: {dialect: echo}}
models:
  a: {context_window: 2000, max_output_tokens: 10, offers: [{provider: p, price: {input: 1, output: 1.5}}]}
  d: {context_window: 500000, max_output_tokens: 10, offers: [{provider: p, price: {input: 1, output: 2}}]}
"""


def test_two_catalogues_are_compared_for_people(tmp_path: Path) -> None:
    result = run("catalog", "diff", a_file(tmp_path, OLD, "old.yaml"), a_file(tmp_path, NEW, "new.yaml"))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "+ d: p input 1, output 2, window 500,000",
        "- b: removed",
        "- c: retired, its last day was given as 2026-01-01",
        "~ a at p: output 2 -> 1.5",
        "~ a: context_window 1,000 -> 2,000",
        "models: 1 added, 1 removed, 1 retired, 1 changed",
    ]


def test_two_catalogues_are_compared_for_scripts(tmp_path: Path) -> None:
    files = a_file(tmp_path, OLD, "old.yaml"), a_file(tmp_path, NEW, "new.yaml")
    answer = json.loads(run("catalog", "diff", *files, "--format", "json").stdout)
    assert answer == {
        "same": False,
        "added": ["d"],
        "removed": ["b"],
        "retired": [{"model": "c", "retires_on": "2026-01-01"}],
        "changed": [
            {"model": "a", "offer": "p", "field": "price.output", "old": 2.0, "new": 1.5},
            {"model": "a", "offer": None, "field": "context_window", "old": 1000, "new": 2000},
        ],
    }
    assert run("catalog", "diff", *files, "--exit-code").exit_code == 1


def test_a_catalogue_does_not_differ_from_itself(tmp_path: Path) -> None:
    result = run("catalog", "diff", CATALOG, CATALOG, "--exit-code")
    assert (result.exit_code, result.stdout) == (0, "no difference\n")


def test_folders_with_a_configuration_are_compared_by_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    a_file(old, OLD)
    a_file(new, OLD.replace("output: 2}", "output: 2, cached_input: 0.5}"))
    a_file(new, "not: read\n", "other.yaml")
    assert run("catalog", "diff", old, new).stdout.splitlines()[-1] == "models: 3 changed"


@pytest.mark.parametrize("text", ["models: {m: {offers: []}}\n", "- no map\n"])
def test_what_is_no_catalogue_is_refused(text: str, tmp_path: Path) -> None:
    result = run("catalog", "diff", a_file(tmp_path, OLD, "old.yaml"), a_file(tmp_path, text, "new.yaml"))
    assert result.exit_code == 1
    assert "error TH" in result.stderr


def test_an_empty_folder_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("catalog", "diff", CATALOG, tmp_path / "empty").exit_code == 2
    assert run("catalog", "diff", CATALOG, tmp_path / "nothing").exit_code == 2


def test_the_shipped_catalogue_is_listed() -> None:
    lines = run("catalog", "list").stdout.splitlines()
    assert lines[0].split() == ["model", "provider", "input", "output", "window", "weight", "capabilities", "retires"]
    assert len(lines) > 250
    assert any(line.startswith("gpt-6-luna ") and " openai " in line for line in lines)


def test_models_are_found_by_what_they_can_and_cost() -> None:
    asked = ("--capability", "vision", "--capability", "tools", "--max-price", "2", "--min-window", "900000")
    rows = json.loads(run("catalog", "list", *asked, "--sort", "price", "--format", "json").stdout)
    assert rows
    for row in rows:
        assert {"vision", "tools"} <= set(row["capabilities"])
        assert max(row["price"]["input"], row["price"]["output"]) <= 2
        assert row["context_window"] >= 900_000
    sums = [row["price"]["input"] + row["price"]["output"] for row in rows]
    assert sums == sorted(sums)


def test_ones_own_configuration_can_be_listed() -> None:
    rows = json.loads(run("catalog", "list", ROOT / "configs", "--provider", "spare", "--format", "json").stdout)
    assert [(row["model"], row["provider"], row["id"]) for row in rows] == [("echo-small", "spare", "echo-small-1")]


@pytest.mark.parametrize("verb", ["lock", "diff", "list"])
def test_each_verb_has_a_manual_page(verb: str) -> None:
    result = run("catalog", verb, "--help")
    assert result.exit_code == 0
    assert "Exit status:" in result.stdout
    assert "With --format json:" in result.stdout
    assert f"  {verb} " in run("catalog", "--help").stdout
