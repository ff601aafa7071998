"""`tokenhub bisect`: the revision that changed where a request goes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from tests.cli.test_plan import a_repository, commit, git

STEPS = (
    ("a comment", ("version: 1\n", "version: 1   # the first\n")),
    ("dearer", ("input: 4, output: 12", "input: 5, output: 12")),
    ("broken", ("providers:\n", "providrs:\n")),
    ("mended", ("providrs:\n", "providers:\n")),
    ("smart moves", ("smart: large", "smart: rival")),
    ("another key", ("keys:\n", f'keys:\n  - {{name: b, digest: "sha256:{"2" * 64}"}}\n')),
    ("broken again", ("models:\n", "modles:\n")),
    ("mended again", ("modles:\n", "models:\n")),
    ("rungs swapped", ("[rival, large, small]", "[large, rival, small]")),
)


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Commits by their subjects."""
    a_repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "configs/tokenhub.yaml"
    commits = {"the beginning": git(tmp_path, "rev-parse", "HEAD")}
    for subject, (old, new) in STEPS:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        commits[subject] = commit(tmp_path, subject)
    return commits


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bisect", "configs", *arguments])


@pytest.mark.parametrize(
    ("arguments", "subject", "before", "after"),
    [
        (("--model", "smart"), "smart moves", "one/large", "three/rival"),
        (("--model", "*"), "rungs swapped", "three/rival", "one/large"),
        (("--model", "rival", "--key", "b"), "another key", "refused (invalid_api_key)", "three/rival"),
        (("--model", "smart", "--down", "one"), "smart moves", "two/large", "three/rival"),
        (("--model", "smart", "--from", "HEAD~5"), "smart moves", "one/large", "three/rival"),
        (("--model", "smart", "--to", "HEAD~4"), "smart moves", "one/large", "three/rival"),
    ],
)
def test_the_revision_is_found_between_broken_ones(
    arguments: tuple[str, ...], subject: str, before: str, after: str, history: dict[str, str]
) -> None:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["commit"], answer["subject"]) == (history[subject], subject)
    assert answer["before"].startswith(before)
    assert answer["after"].startswith(after)
    assert answer["looked_at"] <= len(STEPS) + 1


def test_it_is_told_with_what_changed(history: dict[str, str]) -> None:
    result = run("--model", "smart")
    assert result.stdout.startswith(f"{history['smart moves'][:12]} smart moves\n  a, ")
    assert "  alias `smart`: large -> rival\n" in result.stdout


def test_where_nothing_changed_the_answer_is_no(history: dict[str, str]) -> None:
    result = run("--model", "small")
    assert result.exit_code == 1
    assert "the request goes the same way at both ends: one/small" in result.stdout
    assert json.loads(run("--model", "small", "--format", "json").stdout)["found"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "nowhere"), "git knows no revision `nowhere`"),
        (("--from", "HEAD~6"), "the configuration at HEAD~6 is not valid"),
        (("--to", "HEAD~3", "--from", "HEAD~2"), "is not valid"),
    ],
)
def test_ends_that_cannot_be_read_are_wrong_usage(
    arguments: tuple[str, ...], words: str, history: dict[str, str]
) -> None:
    result = run("--model", "smart", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_a_file_outside_the_repository_has_no_history(
    history: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("elsewhere") / "tokenhub.yaml"
    other.write_text("version: 1\n")
    result = CliRunner().invoke(main, ["bisect", str(other), "--model", "m"])
    assert result.exit_code == 2
    assert "is not in the git repository" in " ".join(result.stderr.split())
