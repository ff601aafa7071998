"""The verbs that talk to a running gateway: in words, as JSON, and with a sentence when it does not go."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from tests.serving import ADMIN, KEY, Serving, a_config, serving
from tests.wire import Wire

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remote")


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[Serving]:
    with Wire() as wire, serving(a_config(wire.url), folder) as one:
        yield one


def run(gateway: Serving, *words: str, token: str = ADMIN) -> Result:
    env = {"TOKENHUB_ADMIN_TOKEN": token, "TOKENHUB_URL": gateway.url}
    return CliRunner(env=env).invoke(main, words)


def test_usage_is_a_table_for_people_and_json_for_programs(gateway: Serving) -> None:
    with gateway.client() as client:
        for _ in range(3):
            assert client.post("/v1/chat/completions", json=CHAT).is_success
    while gateway.gateway.ledger.lag:
        pass
    result = run(gateway, "usage")
    assert result.exit_code == 0, result.stderr
    head, row = (line.split() for line in result.stdout.splitlines())
    assert head == ["key", "model", "requests", "errors", "tokens", "input", "output", "cost", "$"]
    assert row[:5] == ["web-app", "gpt-4o", "3", "0", "45"]
    assert row[-1] == "0.000045"
    told = json.loads(run(gateway, "usage", "--group-by", "day,key", "--format", "json").stdout)["data"]
    assert [(row["key"], row["requests"]) for row in told] == [("web-app", 3)]
    assert run(gateway, "usage", "--to", "2020-01-01").stdout == "nothing was used\n"
    refused = run(gateway, "usage", "--group-by", "colour")
    assert (refused.exit_code, refused.stderr) == (1, "error: group_by takes key, model, provider, day\n")


def test_requests_are_listed_page_by_page(gateway: Serving) -> None:
    with gateway.client() as client:
        for _ in range(3):
            assert client.post("/v1/chat/completions", json=CHAT).is_success
    while gateway.gateway.ledger.lag:
        pass
    result = run(gateway, "requests", "--limit", "2", "--key", "web-app")
    assert result.exit_code == 0, result.stderr
    head, first, second = result.stdout.splitlines()
    assert head.split()[:4] == ["time", "(UTC)", "id", "key"]
    for row in (first, second):
        assert row.split()[3:6] == ["web-app", "gpt-4o", "p1/gpt-4o"]
        assert row.split()[-3:-1] == ["15", "0.000015"]
    assert result.stderr == f"more: --before {second.split()[2]}\n"
    told = json.loads(run(gateway, "requests", "--format", "json", "--before", second.split()[2]).stdout)
    assert len(told["data"]) >= 1
    assert told["data"][0]["id"] < second.split()[2]
    assert run(gateway, "requests", "--to", "2020-01-01").stdout == "nothing was recorded\n"
    assert run(gateway, "requests", "--outcome", "unknown").stdout == "nothing was recorded\n"
    refused = run(gateway, "requests", "--from", "yesterday")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "error: from must be a date such as 2027-01-31, or Unix seconds\n",
    )
    assert run(gateway, "requests", "--limit", "0").exit_code == 2


def test_changes_are_listed_with_who_made_them(gateway: Serving) -> None:
    assert run(gateway, "wildcard", "set", "gpt-4o").exit_code == 0
    assert run(gateway, "wildcard", "reset").exit_code == 0
    while gateway.gateway.ledger.lag:
        pass
    result = run(gateway, "audit", "--what", "wildcard_models.put")
    assert result.exit_code == 0, result.stderr
    row = result.stdout.splitlines()[1].split()
    assert row[2:6] == ["admin-token", "wildcard_models.put", "*", "127.0.0.1"]
    assert run(gateway, "audit", "--what", "nothing").stdout == "nothing was changed\n"


def test_status_says_what_serves_and_whether_it_is_what_the_files_say(gateway: Serving, folder: Path) -> None:
    result = run(gateway, "status")
    assert result.exit_code == 0
    assert "as the files say" in result.stdout
    assert json.loads(run(gateway, "status", "--format", "json").stdout)["config"]["in_sync"] is True


def test_reload_says_what_changed_or_what_is_wrong(gateway: Serving, folder: Path) -> None:
    file = folder / "tokenhub.yaml"
    before = file.read_text()
    file.write_text(before + "aliases: {smart: gpt-4o}\n")
    result = run(gateway, "reload")
    assert result.exit_code == 0
    assert result.stdout.startswith("loaded: configuration ")
    assert "smart" in result.stdout
    file.write_text(before + "aliases: {smart: gpt-5o}\n")
    result = run(gateway, "reload")
    assert result.exit_code == 1
    assert "refused" in result.stdout
    assert f"{file}:" in result.stdout
    assert run(gateway, "status").exit_code == 1
    assert "NOT what the files say" in run(gateway, "status").stdout
    file.write_text(before)
    assert run(gateway, "reload").exit_code == 0


def test_the_ladder_is_read_set_and_reset(gateway: Serving) -> None:
    assert "the ladder is empty" in run(gateway, "wildcard", "get").stdout
    result = run(gateway, "wildcard", "set", "gpt-4o", "nobody", "--expires-in", "1h")
    assert result.exit_code == 0, result.stderr
    assert "set at run time" in result.stdout
    assert "unknown model" in result.stdout
    assert "overridden: wildcard_models" in run(gateway, "status").stdout
    assert run(gateway, "wildcard", "set", "*").exit_code == 1
    assert "the configuration" in run(gateway, "wildcard", "reset").stdout


@pytest.mark.parametrize(
    ("words", "token", "status", "said"),
    [
        (("status",), "", 2, "set TOKENHUB_ADMIN_TOKEN"),
        (("status",), "wrong", 1, "not known"),
        (("status",), KEY, 1, "scope not allowed"),
        (("status", "--url", "http://127.0.0.1:9"), ADMIN, 1, "127.0.0.1:9 does not answer"),
        (("status", "--url", "127.0.0.1:9"), ADMIN, 2, "must begin with http"),
        (("usage", "--token-env", "NOBODY"), ADMIN, 2, "set NOBODY"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    gateway: Serving, words: tuple[str, ...], token: str, status: int, said: str
) -> None:
    result = run(gateway, *words, token=token)
    assert result.exit_code == status
    assert said in result.stderr
    assert "CANARY" not in result.output
