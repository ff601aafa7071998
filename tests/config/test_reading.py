"""Files that cannot be read, and the bytes of those that can."""

import os
from pathlib import Path

import pytest

from gateway.config.load import load
from tests.config.worlds import a_world, completed, loaded, snapshot_of, told, written


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    loading = load(tmp_path / "nowhere.yaml", a_world())
    assert told(loading) == [("TH1001", 1, 1)]
    assert "nowhere.yaml" in loading.problems[0].message
    assert loading.declaration is None


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert told(load(tmp_path, a_world())) == [("TH1002", 1, 1)]


def test_a_circle_of_links_is_named(tmp_path: Path) -> None:
    link = tmp_path / "tokenhub.yaml"
    link.symlink_to(link)
    loading = load(link, a_world())
    assert told(loading) == [("TH1002", 1, 1)]
    assert "circle of symbolic links" in loading.problems[0].message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, {"tokenhub.yaml": "version: 1\n"})
    path.chmod(0)
    assert told(load(path, a_world())) == [("TH1002", 1, 1)]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_is_an_error_at_its_beginning(text: str, tmp_path: Path) -> None:
    assert told(loaded(tmp_path, text)) == [("TH1006", 1, 1)]


@pytest.mark.parametrize("text", ["null\n", "~\n"])
def test_a_file_that_says_null_is_an_error(text: str, tmp_path: Path) -> None:
    assert told(loaded(tmp_path, text)) == [("TH1006", 1, 1)]


def test_a_file_over_eight_mebibytes_is_not_parsed(tmp_path: Path) -> None:
    assert told(loaded(tmp_path, b"#" * (8 * 1024 * 1024 + 1))) == [("TH1003", 1, 1)]


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b"version: 1\nstate: caf\xe9\n", 2, 11),
        (b"\xffversion: 1\n", 1, 1),
        ("version: 1\nstate: größe".encode() + b"\xc3(\n", 2, 13),
        (b"version: 1\r\nstate: \x80\r\n", 2, 8),
        ("version: 1\n".encode("utf-16"), 1, 1),
        (b"version: 1\nstate: \xed\xa0\x80\n", 2, 8),
    ],
)
def test_bytes_that_are_not_utf8_are_found_at_line_and_column(
    raw: bytes, line: int, column: int, tmp_path: Path
) -> None:
    assert told(loaded(tmp_path, raw)) == [("TH1004", line, column)]


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f"])
def test_control_characters_are_found_at_line_and_column(character: str, tmp_path: Path) -> None:
    assert told(loaded(tmp_path, f"version: 1\nstate: größe{character}\n")) == [("TH1005", 2, 13)]


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    assert snapshot_of(tmp_path, "\ufeff" + completed("version: 1\n")).table.models


def test_windows_line_ends_are_line_ends(tmp_path: Path) -> None:
    assert told(loaded(tmp_path, completed("version: 1\nfoo: 1\n").replace("\n", "\r\n"))) == [("TH1401", 2, 1)]


def test_an_alias_bomb_is_defused(tmp_path: Path) -> None:
    lines = ["aliases:", "  a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  {chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]" for n in range(12)]
    loading = loaded(tmp_path, "\n".join(lines) + "\n")
    assert "TH1106" in {problem.code for problem in loading.problems}


def test_honest_aliases_expand(tmp_path: Path) -> None:
    text = (
        "models:\n  m: {max_output_tokens: 9, offers: &both [{provider: p, unpriced: true}]}\n"
        "  n: {max_output_tokens: 9, offers: *both}\n"
    )
    assert set(snapshot_of(tmp_path, completed(text)).table.offers) == {"p/m", "p/n"}


def test_a_problem_behind_an_alias_is_named_where_it_is_written(tmp_path: Path) -> None:
    text = (
        "models:\n  m: {max_output_tokens: 9, offers: &both [{provider: gone, unpriced: true}]}\n"
        "  n: {max_output_tokens: 9, offers: *both}\n"
    )
    assert told(loaded(tmp_path, completed(text))) == [("TH2001", 2, 55)]


TEXTS = [
    "no",
    "on",
    "yes",
    "off",
    "n",
    "12:30:45",
    "1_000",
    "2027-06-30",
    "0b101",
    "1:2",
    "=",
    "+",
    "0o",
    "1e",
    "0x",
    "..",
    "nUll",
    "tRUE",
    "1.2.3",
    "+-1",
    "2027-06-30T12:00:00Z",
    "0777_1",
    "1,000",
    "infinity",
    "NaN",
    "<<",
]


@pytest.mark.parametrize("word", TEXTS)
def test_what_yaml_1_2_calls_text_is_text(word: str, tmp_path: Path) -> None:
    text = completed(f"policies:\n  - name: {word}\n    aliases: [m]\n    require: {{region: eu}}\n")
    loading = loaded(tmp_path, text)
    assert loading.declaration is not None, loading.problems
    assert loading.declaration.policies[0].name == word


@pytest.mark.parametrize(("number", "value"), [("012", 12), ("0o14", 12), ("0xC", 12), ("+12", 12), ("12", 12)])
def test_numbers_are_read_as_yaml_1_2_says(number: str, value: int, tmp_path: Path) -> None:
    assert snapshot_of(tmp_path, completed(f"server: {{max_in_flight: {number}}}\n")).server.max_in_flight == value


def test_everything_read_is_listed_and_fingerprinted(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("value-of-file\n")
    text = (
        "include: [more.yaml]\n"
        f"providers: {{p: {{dialect: openai, api_key: '${{file:{secret}}}'}}, q: {{dialect: echo}}}}\n"
    )
    more = {"more.yaml": "version: 1\n"}
    first = loaded(tmp_path, completed(text), **more)
    assert [path.name for path in first.files] == ["tokenhub.yaml", "more.yaml", "key"]
    assert first.secrets == {f"${{file:{secret}}}": "value-of-file"}
    secret.write_text("rotated-value\n")
    second = loaded(tmp_path, completed(text), **more)
    assert second.fingerprint != first.fingerprint
    assert second.digest == first.digest


def test_the_folder_of_a_missing_file_is_worth_watching(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    text = completed(
        f"include: [later/x.yaml]\nproviders: {{p: {{dialect: openai, api_key: '${{file:{tmp_path}/secrets/key}}'}},"
        " q: {dialect: echo}}\n"
    )
    loading = loaded(tmp_path, text)
    assert {tmp_path / "later", tmp_path / "secrets"} <= set(loading.folders)
