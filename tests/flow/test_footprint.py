"""What on disk belongs to a configuration, and whether it changed."""

from pathlib import Path

import pytest

from gateway.config.load import World, load
from gateway.flow.first_load import today
from gateway.flow.footprint import Footprint, frozen_mounts, on_the_way
from tests.flow.changing import ConfigMap, config


def test_a_plain_file_is_watched_in_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.touch()
    assert list(on_the_way(file)) == [file]


def test_a_file_that_is_missing_is_waited_for_in_its_folder(tmp_path: Path) -> None:
    watched = Footprint((tmp_path / "later.yaml",)).watched()
    assert {folder for folder, _, _ in watched.folders} == {str(tmp_path)}
    assert watched.concerns(str(tmp_path / "later.yaml"))


def test_a_link_and_its_target_are_both_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "real.yaml", tmp_path / "here" / "a.yaml"
    target.touch()
    link.symlink_to("../there/real.yaml")
    assert [path.resolve() for path in on_the_way(link)] == [target, target]
    assert {Path(folder).resolve() for folder, _, _ in Footprint((link,)).watched().folders} == {
        tmp_path / "here",
        tmp_path / "there",
    }


def test_a_folder_that_is_a_link_is_watched_where_the_link_is(tmp_path: Path) -> None:
    (tmp_path / "releases" / "1").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/1")
    file = tmp_path / "current" / "a.yaml"
    file.touch()
    assert list(on_the_way(file)) == [tmp_path / "current", tmp_path / "releases" / "1" / "a.yaml"]


def test_behind_the_swapped_link_of_a_configmap_nothing_is_watched(tmp_path: Path) -> None:
    mount = ConfigMap(tmp_path / "mount", {"a.yaml": "x"})
    assert list(on_the_way(mount.folder / "a.yaml")) == [mount.folder / "a.yaml", mount.folder / "..data"]


def test_links_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert len(list(on_the_way(tmp_path / "a"))) == 40


def test_a_folder_replaced_by_one_of_the_same_name_is_another_to_watch(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    footprint = Footprint((folder / "a.yaml",))
    before = footprint.watched()
    folder.rename(tmp_path / "old")
    folder.mkdir()
    assert footprint.watched() != before


CHANGES = {
    "an edit": lambda folder: (folder / "a.yaml").write_text("b"),
    "a deletion": lambda folder: (folder / "a.yaml").unlink(),
    "a missing file that comes": lambda folder: (folder / "missing").write_text(""),
    "a file that a pattern may match": lambda folder: (folder / "parts" / "new.yaml").write_text(""),
    "one that is gone": lambda folder: (folder / "parts" / "old.yaml").unlink(),
    "a folder that a deep pattern may match": lambda folder: (folder / "deep" / "x" / "z").mkdir(),
}
NO_CHANGES = {
    "the same content again": lambda folder: (folder / "a.yaml").write_text("a"),
    "a file beside": lambda folder: (folder / "notes.txt").write_text("b"),
}


def standing(folder: Path) -> Footprint:
    (folder / "a.yaml").write_text("a")
    (folder / "parts").mkdir()
    (folder / "parts" / "old.yaml").touch()
    (folder / "deep" / "x").mkdir(parents=True)
    return Footprint((folder / "a.yaml", folder / "missing"), (folder / "parts", folder / "deep" / "**"))


@pytest.mark.parametrize("change", CHANGES)
def test_content_tells_a_change(tmp_path: Path, change: str) -> None:
    footprint = standing(tmp_path)
    before = footprint.content()
    CHANGES[change](tmp_path)
    assert footprint.content() != before


@pytest.mark.parametrize("change", NO_CHANGES)
def test_content_is_silent_about_what_is_none(tmp_path: Path, change: str) -> None:
    footprint = standing(tmp_path)
    before = footprint.content()
    NO_CHANGES[change](tmp_path)
    assert footprint.content() == before


def test_events_beside_a_configuration_are_none_of_ours(tmp_path: Path) -> None:
    watched = standing(tmp_path).watched()
    assert watched.concerns(str(tmp_path / "a.yaml"))
    assert watched.concerns(str(tmp_path / "missing"))
    assert watched.concerns(str(tmp_path / "parts" / "anything"))
    assert watched.concerns(str(tmp_path / "deep" / "x" / "new"))
    assert watched.concerns(str(tmp_path))
    assert not watched.concerns(str(tmp_path / "ledger.db"))


def test_a_fingerprint_taken_later_is_that_of_the_loading(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1\n")
    (tmp_path / "more.yaml").write_text("aliases: {fast: small}\n")
    path = tmp_path / "tokenhub.yaml"
    text = config("small", more="include: [more.yaml]\n")
    path.write_text(text.replace("echo}", f'openai, api_key: "${{file:{tmp_path}/key}}"}}'))
    loading = load(path, World(env={}, today=today()))
    assert loading.declaration is not None
    footprint = Footprint(loading.files, loading.folders)
    assert footprint.fingerprint() == loading.fingerprint
    (tmp_path / "key").write_text("sk-2\n")
    assert footprint.fingerprint() != loading.fingerprint
    (tmp_path / "key").unlink()
    assert footprint.fingerprint() == ""


def test_what_could_not_be_read_belongs_to_the_configuration_too(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    text = config("small", more="include: [absent.yaml]\n")
    path.write_text(text.replace("echo}", f'openai, api_key: "${{file:{tmp_path}/absent-key}}"}}'))
    files = load(path, World(env={}, today=today())).files
    assert {file.name for file in files} == {"tokenhub.yaml", "absent.yaml", "absent-key"}


MOUNTINFO = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 8:2 /etc/x {tmp}/one.yaml ro - ext4 /dev/sda1 rw
31 22 8:2 /etc/x {tmp}/with\040blank.yaml ro - ext4 /dev/sda1 rw
32 22 8:2 /var/lib/kubelet/pods/u/volume-subpaths/config/gw/0 {tmp}/sub ro - ext4 /dev/sda1 rw
33 22 8:2 /var/lib/kubelet/pods/u/volumes/kubernetes.io~configmap/c {tmp}/whole ro - ext4 /dev/sda1 rw
broken line
"""


def test_k30_mounts_that_hide_every_change_are_told(tmp_path: Path) -> None:
    names = ["one.yaml", "with blank.yaml", "sub/a.yaml", "whole/a.yaml", "plain.yaml"]
    for folder in ("sub", "whole"):
        (tmp_path / folder).mkdir()
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "link.yaml").symlink_to("one.yaml")
    files = [tmp_path / name for name in (*names, "link.yaml")]
    hidden = frozen_mounts(files, MOUNTINFO.replace("{tmp}", str(tmp_path.resolve())))
    assert [Path(file).name for file in hidden] == ["one.yaml", "with blank.yaml", "a.yaml", "link.yaml"]
    assert "/sub/" in hidden[2]
