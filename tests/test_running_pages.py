"""docs/operations.md and docs/editors.md: their commands run, and their tables say what the code says."""

import configparser
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
import yaml

from gateway.cli.main import main
from gateway.domain.settings import Server
from gateway.flow.on_disk import AT_START_ONLY
from gateway.state.metrics import GAUGES, Metrics
from tests.manual import EXAMPLES
from tests.serving import ADMIN, Serving, digest_of, serving

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs/operations.md").read_text()
EDITORS = (ROOT / "docs/editors.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BASE = "http://127.0.0.1:8080"
CODE = "".join(path.read_text() for path in sorted((ROOT / "gateway").rglob("*.py")))


def blocks(page: str, kind: str) -> list[str]:
    return [text for language, text in BLOCK.findall(page) if language == kind]


def table(heading: str) -> list[list[str]]:
    """Rows of the table that begins so, without its head."""
    rows = OPERATIONS.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows, heading
    return [[cell.strip() for cell in row.strip()[1:-1].split("|")] for row in rows]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somewhere in production: the quickstart, with a key of ours."""
    place = tmp_path_factory.mktemp("production")
    (place / "configs").mkdir()
    text = (ROOT / "configs/tokenhub.yaml").read_text()
    (place / "configs/tokenhub.yaml").write_text(text.replace("../schemas/", ""))
    return place


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[Serving]:
    with serving(folder / "configs/tokenhub.yaml", folder, watch=True) as one:
        with one.client("th-quickstart") as client:
            said = {"model": "smart", "messages": [{"role": "user", "content": "Hello!"}]}
            assert client.post("/v1/chat/completions", json=said).status_code == 200
        yield one


def run(text: str, folder: Path, gateway: Serving) -> str:
    """With `tokenhub` of this environment, as an operator has it."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "TOKENHUB_URL": gateway.url,
        "TOKENHUB_ADMIN_TOKEN": ADMIN,
        "TOKENHUB_DATA_DIR": str(gateway.gateway.data_dir),
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        elsewhere = f"127.0.0.1:{free.getsockname()[1]}"
    script = text.replace(BASE, gateway.url).replace("127.0.0.1:8081", elsewhere)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r'"error": ?(?:"[^"]|{)', done.stdout), done.stdout
    return done.stdout


@pytest.mark.parametrize("number", range(len(blocks(OPERATIONS, "sh"))))
def test_commands_of_the_operations_page_run(number: int, folder: Path, gateway: Serving) -> None:
    out = run(blocks(OPERATIONS, "sh")[number], folder, gateway)
    assert out.strip() or (folder / "entry.yaml").exists()


def test_a_backup_is_a_whole_ledger(folder: Path, gateway: Serving) -> None:
    assert gateway.call(gateway.gateway.ledger.recovered, 10.0)
    (block,) = (text for text in blocks(OPERATIONS, "sh") if "VACUUM" in text)
    (folder / "backup.db").unlink(missing_ok=True)
    run(block, folder, gateway)
    look = "import sqlite3; print(*sqlite3.connect('backup.db').execute('SELECT name FROM sqlite_master'))"
    tables = run(f'python3 -c "{look}"', folder, gateway)
    (named,) = re.findall(r"the tables are (.+?)\.\s", OPERATIONS.replace("\n", " "))
    assert all(f"'{name}'" in tables for name in quoted(named))
    assert set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", CODE)) == set(quoted(named))


def test_verbs_that_are_only_shown_exist() -> None:
    shown = [line for text in blocks(OPERATIONS, "text") for line in text.splitlines()]
    for words in (shlex.split(line) for line in [*shown, *quoted(OPERATIONS)] if line.startswith("tokenhub ")):
        context = click.Context(main)
        command = main.get_command(context, words[1]) if not words[1].startswith("-") else main
        assert command is not None, words


PROMISED = {
    *("serve", "validate-config", "explain", "plan", "render", "schema", "keys", "init"),
    *("import", "status", "reload", "wildcard", "bisect", "catalog", "usage"),
}


def test_every_verb_has_an_example_that_is_run() -> None:
    shown = [command for commands in EXAMPLES.values() for command in commands]
    shown += [text for page in (OPERATIONS, EDITORS) for text in blocks(page, "sh")]
    assert PROMISED - set(re.findall(r"tokenhub ([a-z-]+)", "\n".join(shown))) == set()
    assert set(main.list_commands(click.Context(main))) >= PROMISED


@pytest.mark.parametrize("number", range(len(blocks(EDITORS, "sh"))))
def test_commands_of_the_editors_page_run(number: int, folder: Path, gateway: Serving) -> None:
    run(blocks(EDITORS, "sh")[number], folder, gateway)
    for name in ("tokenhub.schema.json", ".tokenhub.schema.json"):
        assert number or json.loads((folder / name).read_text())["$defs"]


def test_every_editor_is_told_the_same_schema_and_the_same_files() -> None:
    (settings,), (xml,), (lua,) = blocks(EDITORS, "json"), blocks(EDITORS, "xml"), blocks(EDITORS, "lua")
    assert settings == (ROOT / "gateway/pages/init/vscode-settings.json.j2").read_text()
    (schema,) = json.loads(settings)["yaml.schemas"]
    options = {one.get("name"): one.get("value") for one in ET.fromstring(xml.encode()).iter("option")}
    assert options["relativePathToSchema"] == schema == ".tokenhub.schema.json"
    assert f'["{schema}"] = "configs/**/*.yaml"' in lua
    assert lua.count("{") == lua.count("}")
    assert f"> {schema} " in "".join(blocks(EDITORS, "sh"))


def test_settings_that_wait_for_a_start_are_those() -> None:
    told = {name for row in table("Setting") if row[-1] == "at the next start" for name in quoted(row[0])}
    real = {f"server.{name}" for name in AT_START_ONLY["server"]}
    assert told == real | {name.removesuffix("_s") for name in AT_START_ONLY["storage"]}


def test_variables_are_those_that_the_code_reads() -> None:
    told = {name for row in table("Variable") for name in quoted(row[0])}
    assert told == set(re.findall(r"TOKENHUB_[A-Z_]+|OTEL_[A-Z_]+", CODE))


def test_the_data_directory_holds_what_the_page_says(gateway: Serving) -> None:
    told = {name.replace("/N/", "") for row in table("In `data_dir`") for name in quoted(row[0])}
    found = {path.name for path in Path(gateway.gateway.data_dir).iterdir()}
    assert found <= told, "a file that the page does not know"
    for name in told - found:
        assert name.removeprefix("ledger.db").strip("-") in {"wal", "shm"} or name in CODE, name


def test_metrics_are_those_that_are_scraped() -> None:
    metrics = Metrics()
    told = {quoted(row[0])[0]: set(filter(None, row[1].replace(" ", "").split(","))) for row in table("Metric")}
    real = {f"tokenhub_{tally.name}_total": set(tally.labels) for tally in metrics._tallies()}
    real |= {f"tokenhub_{spread.name}": set(spread.labels) for spread in metrics._spreads()}
    real |= {f"tokenhub_{name}": set() for name in GAUGES}
    real |= {"tokenhub_degraded": {"what"}, "tokenhub_config_info": {"digest", "version", "role"}}
    assert told == real


def test_events_are_those_that_are_noted() -> None:
    (row,) = (row for row in table("Metric") if "tokenhub_events_total" in row[0])
    noted = set(re.findall(r'metrics\.note\("(\w+)"\)', CODE)) | set(re.findall(r'\(note, "(\w+)"\)', CODE))
    assert set(quoted(row[2])) == noted


def test_everything_that_can_be_degraded_is_explained() -> None:
    told = {name for row in table("`what` is degraded") for name in quoted(row[0])}
    gateway = re.findall(r'yield "([a-z-]+)"', (ROOT / "gateway/flow/gateway.py").read_text())
    ledger = (ROOT / "gateway/state/ledger/ledger.py").read_text().partition("def degraded")[2].partition("return")[0]
    assert told == {*gateway, *re.findall(r'"(\w+)": ', ledger)}


def test_every_alert_rule_is_explained() -> None:
    rules = yaml.safe_load((ROOT / "examples/kubernetes/monitoring/prometheusrule.yaml").read_text())
    named = {rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"]}
    assert {name for row in table("Alert") for name in quoted(row[0])} == named


def test_messages_that_the_page_quotes_are_said() -> None:
    spoken = {text for row in table("You see") for text in quoted(row[0]) if " " in text}
    assert len(spoken) > 5
    assert [text for text in spoken if text not in CODE] == []
    codes = {code for row in table("You see") for code in re.findall(r"^\d{3} `(\w+)`", row[0])}
    assert len(codes) > 4
    assert [code for code in codes if f'"{code}"' not in CODE] == []


def test_the_unit_waits_as_long_as_the_gateway_drains() -> None:
    (text,) = blocks(OPERATIONS, "ini")
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    service = unit["Service"]
    settings = Server()
    assert int(service["TimeoutStopSec"]) > settings.drain_delay_s + settings.shutdown_grace_s
    program, verb, *arguments = service["ExecStart"].split()
    assert program.endswith("/tokenhub")
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    assert len(arguments) == 1
    assert f"ExitStatus={78}" in text
    assert "(5 s)" in OPERATIONS
    assert (settings.drain_delay_s, settings.shutdown_grace_s) == (5.0, 600.0)


def test_a_second_gateway_on_one_data_directory_is_refused(folder: Path, gateway: Serving) -> None:
    config = folder / "configs/tokenhub.yaml"
    env = os.environ | {"TOKENHUB_DATA_DIR": str(gateway.gateway.data_dir)}
    command = [str(Path(sys.executable).parent / "tokenhub"), "serve", str(config), "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "is in use by another tokenhub" in done.stderr


def test_files_of_secrets_rotate_with_a_reload_and_the_environment_does_not(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("one")
    config = f"""
version: 1
providers: {{p: {{dialect: openai, api_key: "${{file:{secret}}}"}}}}
models: {{m: {{context_window: 1000, max_output_tokens: 100, capabilities: [chat], offers: [{{provider: p, unpriced: true}}]}}}}
keys: [{{name: k, digest: "{digest_of()}"}}]
"""  # noqa: E501
    with serving(config, tmp_path, watch=True) as gateway, gateway.client(ADMIN) as admin:
        before = gateway.gateway.live.current.table.providers["p"].api_key
        secret.write_text("two")
        assert admin.post("/admin/v1/reload").status_code == 200
        after = gateway.gateway.live.current.table.providers["p"].api_key
    assert before is not None
    assert after is not None
    assert (before.reveal(), after.reveal()) == ("one", "two")
