"""Options of the whole suite, and the watch for secrets that goes on during all of it."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.canaries import CanaryWatch, watch_command_line

WATCH = CanaryWatch()

TOGETHER = ("tests/cli/", "tests/deploying/", "tests/faults/", "tests/fleet/", "tests/journeys/", "tests/test_")
"""Rooms whose files share a started gateway: the tests of such a file run in one process, in order."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", maxsplit=1)[0] if nodeid.startswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the files of tests/golden; review the diff")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """For tests that set up the log of a process."""
    root, ours = logging.getLogger(), logging.getLogger("tokenhub")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def pytest_sessionstart() -> None:
    watch_command_line()
    for name in ("tokenhub", "uvicorn", "litestar", "asyncio"):
        logging.getLogger(name).addHandler(WATCH)
    logging.getLogger("tokenhub").setLevel(logging.INFO)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """G3: keys of callers, keys of providers and the admin token are in no line of the log."""
    if WATCH.leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if WATCH.leaks:
        terminalreporter.section("secrets in the log")
        for leak in WATCH.leaks[:10]:
            terminalreporter.line(leak)
