"""`tokenhub render --format k8s-configmap`: what a pod mounts means what the files mean, byte for byte the same."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.main import main
from gateway.config.configmap import UnfitError, Wish, manifest
from gateway.config.load import World, load
from tests.config.worlds import completed

ACCEPTED = Path(__file__).parent.parent / "golden/config/accepted"
CASES = sorted(path for path in ACCEPTED.iterdir() if (path / "tokenhub.yaml").is_file())


def render(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["render", "--format", "k8s-configmap", *arguments])


def digest_of(path: Path) -> str | None:
    return load(path, World(env={}, today=date(2026, 11, 1), secrets="skip")).digest


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_flattened_file_means_the_same(case: Path, tmp_path: Path) -> None:
    result = render(str(case))
    assert result.exit_code == 0, result.output
    made = yaml.safe_load(result.stdout)
    assert (made["kind"], made["metadata"]["name"]) == ("ConfigMap", "tokenhub-config")
    for name, text in made["data"].items():
        (tmp_path / name).write_text(text)
    digest = digest_of(case / "tokenhub.yaml")
    assert digest_of(tmp_path / "tokenhub.yaml") == digest is not None
    assert made["metadata"]["annotations"]["tokenhub/config-digest"] == digest[:12]


def two_files(folder: Path) -> Path:
    (folder / "tokenhub.yaml").write_text(completed("include: [more.yaml]  # a comment\n"))
    (folder / "more.yaml").write_text("aliases: {smart: m}\n\n")
    return folder


def test_several_files_come_as_they_are(tmp_path: Path) -> None:
    source, mounted = tmp_path / "source", tmp_path / "mounted"
    source.mkdir()
    mounted.mkdir()
    data = yaml.safe_load(render(str(two_files(source)), "--files").stdout)["data"]
    assert data == {path.name: path.read_text() for path in sorted(source.iterdir())}
    for name, text in data.items():
        (mounted / name).write_text(text)
    assert digest_of(mounted / "tokenhub.yaml") == digest_of(source / "tokenhub.yaml") is not None


def test_the_same_files_give_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    two_files(here)
    shutil.copytree(here, there)
    for options in ([], ["--files"], ["--suffix"], ["--files", "--suffix", "--namespace", "llm", "--name", "policy"]):
        assert render(str(here), *options).stdout_bytes == render(str(there), *options).stdout_bytes


def test_a_suffix_follows_the_content_and_makes_it_immutable(tmp_path: Path) -> None:
    two_files(tmp_path)
    plain = yaml.safe_load(render(str(tmp_path), "--files").stdout)
    assert plain["metadata"]["name"] == "tokenhub-config"
    assert "immutable" not in plain
    before = yaml.safe_load(render(str(tmp_path), "--files", "--suffix").stdout)
    assert before["metadata"]["name"].startswith("tokenhub-config-")
    assert before["immutable"] is True
    (tmp_path / "more.yaml").write_text("aliases: {smart: m}  # one more comment\n")
    after = yaml.safe_load(render(str(tmp_path), "--files", "--suffix").stdout)
    assert after["metadata"]["name"] != before["metadata"]["name"]
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"], "it means the same"


@pytest.mark.parametrize("options", [(), ("--files",)], ids=["flat", "files"])
def test_a_candidate_comes_along(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "tokenhub.yaml").write_text(completed("canary: {config: candidate.yaml, share: 0.1}\n"))
    (tmp_path / "candidate.yaml").write_text("version: 1\ninclude: [tokenhub.yaml]\naliases: {new: m}\n")
    data = yaml.safe_load(render(str(tmp_path), *options).stdout)["data"]
    assert sorted(data) == ["candidate.yaml", "tokenhub.yaml"]
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for name, text in data.items():
        (mounted / name).write_text(text)
    for name in data:
        assert digest_of(mounted / name) == digest_of(tmp_path / name) is not None
    (tmp_path / "candidate.yaml").write_text("version: [\n")
    assert render(str(tmp_path), *options).exit_code == 1


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("allow_inline_secrets: true\nstate: redis://u:CANARY@redis.example/0\n", (), "state: written out"),
        ("include: [sub/more.yaml]\n", ("--files",), "flatten it"),
    ],
    ids=["secret", "folders"],
)
def test_what_does_not_belong_into_a_configmap_is_refused(
    tmp_path: Path, text: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/more.yaml").write_text("aliases: {smart: m}\n")
    (tmp_path / "tokenhub.yaml").write_text(completed(text))
    result = render(str(tmp_path), *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert "CANARY" not in result.stderr


def test_a_name_that_kubernetes_would_refuse_is_wrong_usage(tmp_path: Path) -> None:
    assert render(str(two_files(tmp_path)), "--name", "Not_A_Name").exit_code == 2


def test_more_than_a_configmap_holds_is_refused() -> None:
    with pytest.raises(UnfitError, match="1 MiB"):
        manifest({"tokenhub.yaml": "#" * 2**20}, "0" * 64, Wish(name="x"))
    with pytest.raises(UnfitError, match="cannot be a key"):
        manifest({"a b": "x"}, "0" * 64, Wish(name="x"))


printable = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Cs"], include_characters="\n\r\t\x85")
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.from_regex(r"[-._a-zA-Z0-9]{1,20}", fullmatch=True), printable, max_size=3))
def test_any_text_comes_back_as_it_was(texts: dict[str, str]) -> None:
    assert yaml.safe_load(manifest(texts, "0" * 64, Wish(name="x")))["data"] == (texts or None)
