"""One misbehaving world for all scenarios of a module: making a gateway takes longer than most of them."""

from collections.abc import Iterator

import pytest

from tests.faults.world import World, a_world


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_world(tmp_path_factory.mktemp("faults")) as world:
        yield world


@pytest.fixture
def world(shared: World) -> World:
    shared.fresh()
    return shared
