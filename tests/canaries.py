"""Secrets with a name that nothing else has: where it turns up outside its place, a secret has leaked."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result

from gateway.log import JsonLines

MARK = "CANARY"
OURS = (b"th-CANARY", b"CANARY-admin")
"""Keys of callers and the admin token: these have no business at a provider either."""


class CanaryWatch(logging.Handler):
    """Reads every line that our loggers say during a run, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.leaks: list[str] = []
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        line = self.format(record)
        if MARK in line:
            self.leaks.append(line[:500])


class WatchedClient(httpx.Client):
    """A caller that finds a leaked secret in any whole answer, head or body."""

    def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        answer = super().send(request, **more)
        said = [name + value for name, value in answer.headers.multi_items()]
        if not more.get("stream"):
            said.append(answer.text)
        check(said, f"the answer to {request.method} {request.url.path}")
        return answer


def check(texts: Iterable[str], where: str) -> None:
    for text in texts:
        assert MARK not in text, f"a secret leaked into {where}: {text[:300]}"


def check_files(folder: Path) -> None:
    """Journals, ledgers, kept configurations: whatever a gateway left on its disk."""
    for file in folder.rglob("*"):
        if file.is_file():
            assert MARK.encode() not in file.read_bytes(), f"a secret leaked into {file}"


def watch_command_line() -> None:
    """Whatever a verb prints during a run is searched: dumps of configurations, decisions, listings."""
    invoke = CliRunner.invoke

    def watched(runner: CliRunner, *arguments: Any, **more: Any) -> Result:
        result = invoke(runner, *arguments, **more)
        check([result.output], "what the command line printed")
        return result

    CliRunner.invoke = watched  # type: ignore[assignment, method-assign]
