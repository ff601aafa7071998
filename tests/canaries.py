"""Secrets with a name that nothing else has: where it turns up outside its place, a secret has leaked."""

import logging
from collections.abc import Iterable
from typing import Any

import httpx

from gateway.log import JsonLines

MARK = "CANARY"


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

    def send(self, request: httpx.Request, **more: Any) -> httpx.Response:  # type: ignore[override]
        answer = super().send(request, **more)
        said = [name + value for name, value in answer.headers.multi_items()]
        if not more.get("stream"):
            said.append(answer.text)
        check(said, f"the answer to {request.method} {request.url.path}")
        return answer


def check(texts: Iterable[str], where: str) -> None:
    for text in texts:
        assert MARK not in text, f"a secret leaked into {where}: {text[:300]}"
