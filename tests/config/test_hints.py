"""What a problem says to do: the file, the name or the number that was meant; and nothing twice."""

from datetime import date
from pathlib import Path

import pytest

from gateway.config.load import World, load
from gateway.config.problem import Problem, as_text

TODAY = date(2026, 11, 1)


def problems(folder: Path, text: str, **files: str) -> tuple[Problem, ...]:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    (folder / "tokenhub.yaml").write_text(text)
    return load(folder / "tokenhub.yaml", World(env={}, today=TODAY, secrets="skip")).problems


def hint(folder: Path, text: str, code: str, **files: str) -> str | None:
    found = [problem for problem in problems(folder, text, **files) if problem.code == code]
    assert found, code
    return found[0].hint


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("catalog/opnai.yaml", "catalog/openai.yaml"),
        ("catalgo/anthropic.yaml", "catalog/anthropic.yaml"),
        ("openai.yaml", "catalog/openai.yaml"),
        ("lcoal.yaml", "local.yaml"),
        ("team/prcies.yaml", "team/prices.yaml"),
        ("'local.yml'", "local.yaml"),
    ],
)
def test_an_include_that_is_missing_names_the_file_that_was_meant(written: str, meant: str, tmp_path: Path) -> None:
    text = f"version: 1\ninclude: [{written}]\n"
    said = hint(tmp_path, text, "TH1201", local_yaml="version: 1\n", team__prices_yaml="version: 1\n")
    assert said == f"did you mean `{meant}`?"


WITHOUT_THE_REST = """
version: 1
include: [{include}]
aliases: {{smart: gpt-5, top: {{tier: [gpt-5]}}}}
fallbacks: {{gpt-5: [claude]}}
wildcard_models: [gpt-5]
defaults: {{default_model: gpt-5, mode: ours}}
keys:
  - {{name: a, digest: "sha256:{digest}", models: [gpt-5], providers: [openai]}}
tests:
  - {{name: t, ask: {{model: smart, key: other}}, expect: {{provider: openai, model: gpt-5}}}}
models:
  mine: {{offers: [{{provider: openai, price: {{input: 1, output: 2}}}}]}}
  half: {{weight: 3}}
"""


@pytest.mark.parametrize(("include", "code"), [("gone.yaml", "TH1201"), ("broken.yaml", "TH1101")])
def test_where_a_part_is_missing_nothing_is_said_about_names_it_may_hold(
    include: str, code: str, tmp_path: Path
) -> None:
    text = WITHOUT_THE_REST.format(include=include, digest="1" * 64)
    found = problems(tmp_path, text, broken_yaml="models: {")
    assert [problem.code for problem in found if problem.severity == "error"] == [code]


def test_other_mistakes_are_still_told(tmp_path: Path) -> None:
    text = WITHOUT_THE_REST.format(include="gone.yaml", digest="1" * 64) + "server: {workers: two, max_bdy: 3}\n"
    codes = {problem.code for problem in problems(tmp_path, text) if problem.severity == "error"}
    assert codes == {"TH1201", "TH1403", "TH1401"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("server: {max_in_flight: 2k}", "write 2000"),
        ("server: {max_in_flight: 1.5M}", "write 1500000"),
        ("server: {max_in_flight: 20_000 requests}", None),
        ("defaults: {max_budget_usd: $0.50}", "write 0.50"),
        ("defaults: {max_budget_usd: 0.5 USD}", "write 0.5"),
        ("defaults: {max_budget_usd: '0.5'}", "write 0.5 without quotes"),
        ("canary: {config: x.yaml, share: 20%}", "write 0.2"),
        ("server: {workers: two}", None),
    ],
)
def test_a_number_that_is_text_is_answered_with_the_number(line: str, said: str | None, tmp_path: Path) -> None:
    assert hint(tmp_path, f"version: 1\n{line}\n", "TH1403") == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("server: {drain_delay: 5}", "add a unit, for example `5s`"),
        ("server: {max_body: 10}", "add a unit, for example `10MiB`"),
        ("ledger_sync: 50", "add a unit, for example `50ms`"),
    ],
)
def test_a_number_without_its_unit_is_answered_with_a_unit(line: str, said: str, tmp_path: Path) -> None:
    assert hint(tmp_path, f"version: 1\n{line}\n", "TH1407") == said


def test_a_file_of_litellm_is_told_how_to_become_ours(tmp_path: Path) -> None:
    found = problems(tmp_path, "model_list: [{model_name: m}]\nlitellm_settings: {}\nrouter_settings: {}\n")
    hints = [problem.hint for problem in found if problem.hint]
    path = tmp_path / "tokenhub.yaml"
    assert hints == [f"this looks like a configuration of LiteLLM: `tokenhub import litellm {path}` translates it"]
    assert {problem.code for problem in found} == {"TH1401"}


def test_what_is_known_is_listed_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "version: 1\nserver: {xyz: 1, qqq: 2}\nreload: {zzz: 1}\n")
    known = [problem.hint for problem in found if problem.code == "TH1401"]
    assert known[0] is not None
    assert known[0].startswith("known here: `admin_listen`")
    assert known[1] == "known here is what is listed for `xyz`"
    assert known[2] is not None
    assert known[2].startswith("known here: `keep_last_good`")


def test_a_file_that_is_not_there_has_no_line_to_show_but_a_neighbour_to_name(tmp_path: Path) -> None:
    (tmp_path / "tokenhub.yaml").write_text("version: 1\n")
    loading = load(tmp_path / "tokenhb.yaml", World(env={}, today=TODAY, secrets="skip"))
    (problem,) = loading.problems
    assert problem.hint == f"did you mean `{tmp_path / 'tokenhub.yaml'}`?"
    assert "^" not in as_text(problem)


def test_without_a_neighbour_it_says_how_to_begin(tmp_path: Path) -> None:
    (problem,) = load(tmp_path / "tokenhub.yaml", World(env={}, today=TODAY, secrets="skip")).problems
    assert problem.hint == "`tokenhub init` makes a configuration to begin with"


@pytest.mark.parametrize("time", ["2027-13-01T00:00:00Z", "2027-01-01T25:00:00Z", "2027-02-30T00:00:00Z"])
def test_a_time_that_never_comes_is_a_problem_of_the_test_that_supposes_it(time: str, tmp_path: Path) -> None:
    test = f"{{name: t, ask: {{model: m}}, expect: {{model: m}}, moment: {{time: '{time}'}}}}"
    row = f"{{name: u, ask: {{model: m}}, expect: {{model: m}}, cases: [{{moment: {{time: '{time}'}}}}]}}"
    found = problems(tmp_path, f"version: 1\ntests: [{test}, {row}]\n")
    said = [(problem.code, problem.path, problem.message) for problem in found if problem.code == "TH1406"]
    message = f"there is no such time as `{time}`"
    assert said == [
        ("TH1406", "tests[0].moment.time", message),
        ("TH1406", "tests[1].cases[0].moment.time", message),
    ]
