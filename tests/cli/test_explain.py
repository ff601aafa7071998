"""`tokenhub explain` on files: one page a person can follow."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from tests.flow.test_prove import WORLD


def run(folder: Path, *arguments: str, stdin: str = "") -> Result:
    path = folder / "tokenhub.yaml"
    path.write_text(WORLD)
    return CliRunner().invoke(main, ["explain", str(path), *arguments], input=stdin)


PAGE = """\
best: chat; about 8 tokens in; strategy cost within each model
  best is a tier, in this order: big, small
  big is a model, offered by one (as big-1), two (as big)
  small is a model, offered by three (as small)

would be served by one/big (tier), about $0.00516

tried in turn, at most 3 attempts:
  1. one/big      tier  $0.00516
  2. two/big      tier  $0.006192
  3. three/small  tier  $0.001032

4 offers looked at; config {config}
"""


def test_the_page_goes_from_the_name_to_the_end(tmp_path: Path) -> None:
    result = run(tmp_path, "--model", "best")
    assert result.exit_code == 0
    config = json.loads(run(tmp_path, "--model", "best", "--format", "json").stdout)["config"]
    assert result.stdout == PAGE.format(config=config).replace("4 offers", "3 offers")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "big", "--down", "one"), "would be served by two/big (strategy-cost)"),
        (("--model", "big", "--down", "one/big", "--down", "two"), "would be served by three/small (fallback-1)"),
        (("--model", "big", "--rate-limited", "one"), "[cooling]"),
        (
            ("--model", "big", "--strategy", "latency", "--latency", "two=1s", "--latency", "one=2s"),
            "served by two/big",
        ),
        (("--model", "big", "--strategy", "availability", "--error-rate", "one=50%"), "served by two/big"),
        (("--model", "*", "--tokens", "40000"), "three/small  window"),
        (("--mode", "cheap", "--tokens", "500"), "capability -"),
        (("--mode", "cheap", "--min-weight", "5"), "three/small  weight    weight 3 is below 5"),
        (("--mode", "cheap", "--budget", "0.002"), "one/big      budget"),
        (("--mode", "thompson"), "draw 0."),
        (("--model", "small", "--key", "app"), "this request sets aside"),
        (("--model", "vectors", "--endpoint", "embeddings"), "vectors: embeddings; "),
        (("--model", "smart", "--feature", "tools"), "needs tools"),
        (
            ("--model", "big", "--fallback", ""),
            "at most 3 attempts:\n  1. one/big  strategy-cost  $0.00516\n  2. two/big",
        ),
    ],
)
def test_it_shows_what_decides(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 0, result.output
    assert words in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "gone"), "would be refused: 404 model_not_found"),
        (("--model", "big", "--key", "app"), "would be refused: 404 model_not_found"),
        (
            ("--model", "small", "--key", "old", "--time", "2031-01-01T00:00:00Z"),
            "would be refused: 401 invalid_api_key",
        ),
        (("--model", "vectors", "--endpoint", "embeddings", "--key", "app"), "would be refused: 403 scope_not_allowed"),
        (("--model", "small", "--down", "three"), "would be refused: 503 no_healthy_provider (again in 30 s)"),
        (("--mode", "cheap", "--budget", "0.0000001"), "would be refused: 502 no_eligible_models"),
    ],
)
def test_a_refusal_is_told_with_its_status_and_ends_with_one(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 1
    assert words in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--key", "ap"), "did you mean `app`?"),
        (("--down", "thre"), "did you mean `three`?"),
        (("--latency", "three"), "is not NAME=2s"),
        (("--error-rate", "three=x"), "is not NAME=20%"),
        (("--strategy", "cheapest"), "is not one of"),
        (("--url", "http://127.0.0.1:9"), "TOKENHUB_KEY"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKENHUB_KEY", raising=False)
    result = run(tmp_path, "--model", "big", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_a_body_is_read_from_a_file_or_from_standard_input(tmp_path: Path) -> None:
    body = {"model": "smart", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 7}
    (tmp_path / "request.json").write_text(json.dumps(body))
    for arguments, stdin in ((("--body", str(tmp_path / "request.json")), ""), ((), json.dumps(body))):
        told = json.loads(run(tmp_path, *arguments, "--format", "json", stdin=stdin).stdout)
        assert (told["asked"], told["output_tokens"], told["verdict"]["offer"]) == ("smart", 7, "one/big")
    assert "the body would be refused" in run(tmp_path, stdin='{"messages": []}').stderr


def test_files_with_errors_explain_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text("version: 2\n")
    result = CliRunner().invoke(main, ["explain", str(path), "--model", "m"])
    assert result.exit_code == 1
    assert "error TH" in result.stderr
