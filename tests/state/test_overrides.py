"""Overrides: in force at once, on disk before that, gone when they expire."""

from pathlib import Path

import pytest

from gateway.domain.moment import Ladder
from gateway.state.overrides import OverrideBook, Overrides
from gateway.state.store_error import StoreError


def test_the_api_goes_before_the_file_and_the_file_before_the_configuration() -> None:
    overrides = Overrides()
    assert overrides.ladder is None
    overrides.use_file_ladder(("a",))
    assert overrides.ladder == Ladder(models=("a",), source="file")
    overrides.set_ladder(("b", "c"), 100.0)
    assert overrides.ladder == Ladder(models=("b", "c"), source="api")
    overrides.clear_ladder()
    assert overrides.ladder == Ladder(models=("a",), source="file")


def test_an_override_survives_a_restart_and_ends_when_it_expires(tmp_path: Path) -> None:
    path = tmp_path / "overrides.json"
    Overrides(path).set_ladder(("a",), 100.0, expires_in_s=60.0)
    again = Overrides(path)
    again.load(159.0)
    assert again.ladder == Ladder(models=("a",), source="api")
    again.tick(160.0)
    assert again.ladder is None
    later = Overrides(path)
    later.load(101.0)
    assert later.ladder is None


def test_a_provider_is_switched_off_and_on_again(tmp_path: Path) -> None:
    overrides = Overrides(tmp_path / "overrides.json")
    overrides.disable_provider("openai", 5.0)
    overrides.disable_provider("openai", 6.0)
    assert overrides.disabled_providers == {"openai"}
    assert overrides.book.disabled_providers == {"openai": 5.0}
    overrides.enable_provider("openai")
    assert overrides.disabled_providers == frozenset()
    assert overrides.book.serial == 2


def test_the_newer_book_of_two_processes_is_adopted() -> None:
    overrides = Overrides()
    overrides.disable_provider("openai", 5.0)
    assert not overrides.adopt(OverrideBook(serial=1))
    assert overrides.adopt(OverrideBook(serial=2, disabled_providers={"azure": 1.0}))
    assert overrides.disabled_providers == {"azure"}


def test_a_change_that_cannot_be_kept_is_not_in_force(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    overrides = Overrides(tmp_path / "file" / "overrides.json")
    with pytest.raises(StoreError, match="Make the folder writable"):
        overrides.set_ladder(("a",), 1.0)
    assert overrides.ladder is None
