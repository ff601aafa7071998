"""Options of the whole suite, and the watch for secrets that goes on during all of it."""

import logging

import pytest

from tests.canaries import CanaryWatch

WATCH = CanaryWatch()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the files of tests/golden; review the diff")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


def pytest_sessionstart() -> None:
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
