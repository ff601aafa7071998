"""What worked last is kept, and serves where the files are broken and that was wanted."""

import logging
import stat
from pathlib import Path

import pytest

from gateway.config.load import World, load
from gateway.flow import last_good
from gateway.flow.first_load import SMALL, CannotServeError, FirstLoading, first_loading, is_small, today
from tests.flow.changing import config, played, reloading

KEEP = "reload: {keep_last_good: true, max_shrink: 1}\n"
ALIASES = "aliases: {fast: small, both: {tier: [small, large]}, some: {split: [{model: small, weight: 1}]}}\n"
BROKEN = "version: ["


def started(path: Path, env: dict[str, str]) -> FirstLoading:
    return played(lambda: first_loading(path, env))


def kept_in(folder: Path, text: str) -> None:
    async def story() -> None:
        async with reloading(folder, text):
            pass

    played(story)


def test_what_serves_from_the_start_is_kept(tmp_path: Path) -> None:
    kept_in(tmp_path, config("small", "large", more=KEEP + ALIASES))
    path = tmp_path / "tokenhub.yaml"
    digest = load(path, World(env={}, today=today())).digest
    path.write_text(BROKEN)
    first = started(path, {"TOKENHUB_DATA_DIR": str(tmp_path / "data")})
    assert first.fallback is not None
    assert first.fallback.digest == digest
    assert first.loading.problems[0].file == str(path)


def test_what_a_reload_brought_is_kept(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small", more=KEEP)) as room:
            room.path.write_text(config("large", more=KEEP))
            assert (await room.reloader.reload("admin")).outcome == "loaded"
            room.path.write_text(BROKEN)
            assert (await room.reloader.reload("admin")).outcome == "refused"

    played(story)
    first = started(tmp_path / "tokenhub.yaml", {"TOKENHUB_DATA_DIR": str(tmp_path / "data")})
    assert first.fallback is not None
    assert first.fallback.declaration is not None
    assert list(first.fallback.declaration.models) == ["large"]


def test_nothing_is_kept_unasked(tmp_path: Path) -> None:
    kept_in(tmp_path, config("small"))
    assert not last_good.place(tmp_path / "data").exists()


def test_references_are_kept_as_they_were_written(tmp_path: Path) -> None:
    text = config("small", more=KEEP).replace("echo}", 'openai, api_key: "${env:OPENAI_API_KEY}"}')
    kept_in(tmp_path, text)
    kept = last_good.place(tmp_path / "data")
    assert "CANARY" not in kept.read_text()
    assert "${env:OPENAI_API_KEY}" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("said", ["data_dir: {}\n", "data_dir: '{}'\n", 'data_dir: "{}"  # here\n'])
def test_a_broken_file_still_says_where_its_state_lives(tmp_path: Path, said: str) -> None:
    line = said.format(tmp_path / "own")
    kept_in(tmp_path, config("small", more=KEEP + line))
    path = tmp_path / "tokenhub.yaml"
    path.write_text(line + BROKEN)
    assert last_good.place(tmp_path / "own").exists()
    assert started(path, {"TOKENHUB_DATA_DIR": str(tmp_path / "data")}).fallback is not None


def test_what_was_tampered_with_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept_in(tmp_path, config("small", more=KEEP))
    (tmp_path / "tokenhub.yaml").write_text(BROKEN)
    kept = last_good.place(tmp_path / "data")
    kept.write_bytes(kept.read_bytes().replace(b'"weight":5', b'"weight":6'))
    with pytest.raises(CannotServeError), caplog.at_level(logging.ERROR):
        started(tmp_path / "tokenhub.yaml", {"TOKENHUB_DATA_DIR": str(tmp_path / "data")})
    assert "does not hold what was kept there" in caplog.text


def test_an_unfinished_one_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    last_good.place(tmp_path / "data").write_text("version: 1\n")
    (tmp_path / "tokenhub.yaml").write_text(BROKEN)
    with pytest.raises(CannotServeError) as refused:
        started(tmp_path / "tokenhub.yaml", {"TOKENHUB_DATA_DIR": str(tmp_path / "data")})
    assert "tokenhub.yaml:1:" in refused.value.report


def test_the_same_configuration_is_not_written_again(tmp_path: Path) -> None:
    kept_in(tmp_path, config("small", more=KEEP))
    kept = last_good.place(tmp_path / "data")
    before = kept.stat().st_ino
    kept_in(tmp_path, config("small", more=KEEP + "# another comment\n"))
    assert kept.stat().st_ino == before


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tokenhub.yaml").write_text(config("small", more=KEEP))
    loading = load(tmp_path / "tokenhub.yaml", World(env={}, today=today()))
    (tmp_path / "blocked").write_text("a file where a folder should be")
    last_good.keep(loading, tmp_path / "blocked")
    assert "is not kept" in caplog.text


def test_once_the_files_are_well_again_they_serve(tmp_path: Path) -> None:
    kept_in(tmp_path, config("small", more=KEEP))

    async def story() -> None:
        (tmp_path / "tokenhub.yaml").write_text(BROKEN)
        async with reloading(tmp_path, tmp_path / "tokenhub.yaml", watch=True) as room:
            assert room.models == ["small"]
            assert room.reloader.on_disk.errors
            room.path.write_text(config("small", "large", more=KEEP))
            await room.until(lambda: room.models == ["large", "small"])
            assert room.reloader.on_disk.errors == ()

    played(story)


def test_a_long_file_and_one_with_includes_are_first_loaded_in_a_child(tmp_path: Path) -> None:
    short, long, including = (tmp_path / name for name in ("short", "long", "including"))
    short.write_text(config("small"))
    long.write_text(config("small", more="# " + "x" * SMALL + "\n"))
    including.write_text(config("small", more="include: []\n"))
    assert [is_small(path) for path in (short, long, including, tmp_path / "absent")] == [True, False, False, True]
    for path in (short, long, including):
        loading = started(path, {}).loading
        assert loading.declaration is not None
        assert (loading.tree is None) == (path != short)
