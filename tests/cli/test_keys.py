"""`tokenhub keys new`: a key once, its digest for ever."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import load
from tests.config.worlds import a_world, completed


def test_the_entry_opens_for_the_key_and_for_no_other(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["keys", "new", "web-app", "--scopes", "chat,embeddings", "--models", "m", "--models", "q/*"]
    )
    assert result.exit_code == 0
    key, _, entry = result.stdout.partition("\n")
    path = tmp_path / "tokenhub.yaml"
    path.write_text(completed(entry))
    loading = load(path, a_world())
    assert not loading.problems
    snapshot = drive(compile_snapshot(loading))
    made = snapshot.keys_by_digest[hashlib.sha256(key.encode()).hexdigest()]
    assert (made.name, made.scopes, made.models) == ("web-app", {"chat", "embeddings"}, ("m", "q/*"))
    assert key.startswith("th-")
    assert len(key) == 46
    assert key not in entry


def test_two_keys_differ() -> None:
    one, two = (CliRunner().invoke(main, ["keys", "new", "x"]).stdout for _ in range(2))
    assert one != two


def test_json_has_the_documented_shape() -> None:
    answer = json.loads(CliRunner().invoke(main, ["keys", "new", "x", "--format", "json"]).stdout)
    digest = "sha256:" + hashlib.sha256(answer["key"].encode()).hexdigest()
    assert answer == {"name": "x", "key": answer["key"], "entry": {"name": "x", "digest": digest}}


@pytest.mark.parametrize(
    "arguments", [["two words"], ["x", "--scopes", "everything"], [], ["a,b"], ["x", "--scopes", "chat,adminn"]]
)
def test_what_cannot_be_made_is_wrong_usage(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["keys", "new", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("name", ["true", "5", "a:b", "größe", "x#y", "null"])
def test_names_that_yaml_would_misread_are_quoted(name: str, tmp_path: Path) -> None:
    entry = CliRunner().invoke(main, ["keys", "new", name]).stdout.partition("\n")[2]
    path = tmp_path / "tokenhub.yaml"
    path.write_text(completed(entry))
    declaration = load(path, a_world()).declaration
    assert declaration is not None
    assert declaration.keys[0].name == name
