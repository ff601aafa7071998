"""Slips on the command line: a sentence that says what was meant, and never a traceback."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli.ask_options import ENDPOINTS
from gateway.cli.listening import CannotListenError, bound
from gateway.cli.main import VERBS, main
from gateway.web.app import HOT
from tests.flow.test_prove import WORLD

SLIPS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("explian",), ("No such command 'explian'", "did you mean `explain`?")),
    (("validate",), ("No such command 'validate'", "did you mean `validate-config`?")),
    (("xyzzy",), ("No such command 'xyzzy'",)),
    (("explain", "{config}", "--model", "smart", "--time", "garbage"), ("--time", "`garbage`", "2027-06-30T12:00:00Z")),
    (("explain", "{config}", "--model", "smart", "--time", "2027-13-01"), ("--time", "`2027-13-01`", "month")),
    (("explain", "{config}", "--endpoint", "chatt"), ("--endpoint", "`chatt`", "did you mean `chat`?")),
    (("explain", "{config}", "--endpoint", "emb"), ("did you mean `embeddings`?",)),
    (
        ("explain", "{config}", "--model", "smart", "--down", "tow"),
        ("--down: `tow` is not a provider, model, alias or offer", "did you mean `two`?"),
    ),
    (
        ("explain", "{config}", "--model", "smart", "--latency", "onee=2s"),
        ("--latency: `onee` is not a provider", "did you mean `one`?"),
    ),
    (("explain", "{config}", "--model", "smart", "--key", "ap"), ("--key: `ap`", "did you mean `app`?")),
    (("serve", "{config}", "--listen", "127.0.0.1:99999"), ("--listen", "127.0.0.1:99999", "0 to 65535")),
    (("serve", "{config}", "--listen", "abc"), ("--listen", "`abc` is not HOST:PORT")),
    (
        ("serve", "{config}", "--listen", "8080"),
        ("write `127.0.0.1:8080` for this machine only", "`0.0.0.0:8080` for every interface"),
    ),
    (("serve", "{config}", "--admin-listen", ":9090"), ("write `127.0.0.1:9090`", "`0.0.0.0:9090`")),
    (("catalog", "list", "catalog/opnai.yaml"), ("`catalog/opnai.yaml` does not exist", "catalog/openai.yaml")),
    (("catalog", "list", "--provider", "opnai"), ("--provider: `opnai`", "did you mean `openai`?")),
    (("explain", "--url", "127.0.0.1:8080", "--model", "m"), ("--url must begin with http:// or https://",)),
    (("explain", "--url", "http://127.0.0.1:1/v1", "--model", "m"), ("without `/v1`", "http://127.0.0.1:1")),
    (("status", "--url", "http://127.0.0.1:1/admin/v1"), ("without `/admin/v1`", "http://127.0.0.1:1")),
)


@pytest.mark.parametrize(("line", "words"), SLIPS, ids=lambda value: " ".join(value)[:70])
def test_a_slip_is_wrong_usage_and_says_what_was_meant(
    line: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "tokenhub.yaml"
    config.write_text(WORLD)
    monkeypatch.setenv("TOKENHUB_KEY", "th-anything")
    monkeypatch.setenv("TOKENHUB_ADMIN_TOKEN", "anything")
    result = CliRunner().invoke(main, [part.format(config=config) for part in line])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in result.output


@pytest.mark.parametrize("asked", [("--model", "bgi"), ("--model", "smrat"), ("--model", "big", "--fallback", "smal")])
def test_a_model_that_does_not_exist_is_refused_with_the_name_that_was_meant(
    asked: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "tokenhub.yaml").write_text(WORLD)
    result = CliRunner().invoke(main, ["explain", str(tmp_path), *asked])
    assert result.exit_code == 1
    assert "hint: did you mean `" in result.stdout


def test_a_day_is_a_time_and_begins_at_midnight_in_utc(tmp_path: Path) -> None:
    (tmp_path / "tokenhub.yaml").write_text(WORLD)
    for time in ("2027-06-30", "2027-06-30T12:00:00Z", "2027-06-30T12:00:00+02:00"):
        assert CliRunner().invoke(main, ["explain", str(tmp_path), "--model", "small", "--time", time]).exit_code == 0


def test_every_endpoint_of_the_api_can_be_named() -> None:
    assert set(ENDPOINTS) == {endpoint.name for endpoint in HOT.values()}


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "abc", "127.0.0.1:", "[::1:80", "127.0.0.1:http"])
def test_an_address_that_is_none_cannot_be_listened_on(address: str) -> None:
    with pytest.raises(CannotListenError, match="cannot listen on"):
        bound(address)


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with bound("127.0.0.1:0") as taken:
        host, port = taken.getsockname()
        with pytest.raises(CannotListenError, match=r"Address already in use; choose another port: `--listen "):
            bound(f"{host}:{port}")


def test_the_help_of_all_verbs_is_shown_without_importing_any() -> None:
    """The sentences beside the verbs are those of the verbs."""
    context = click.Context(main)
    for name, verb in VERBS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert verb.help == (command.short_help or command.get_short_help_str(200)), name
