"""One line an event: JSON for machines, plain words on a terminal; never a value that came with a request unescaped."""

import json
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO


class JsonLines(logging.Formatter):
    """Structured, so that nothing a caller sends can pretend to be a line of its own."""

    standing: Callable[[], dict[str, Any]] = dict
    """What every line says besides its own."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        entry |= self.standing() | getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = crash_report(record.exc_info[1])
        return json.dumps(entry, default=str)


class Words(logging.Formatter):
    """For people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        said = getattr(record, "words", "") or record.getMessage()
        text = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():7} {said}"
        if record.exc_info and record.exc_info[1] is not None:
            text += "\n" + "\n".join(crash_report(record.exc_info[1]))
        return text.translate(CONTROL)


CONTROL = {number: f"\\x{number:02x}" for number in (*range(9), *range(11, 32), 127)}


def crash_report(error: BaseException) -> list[str]:
    """The type and the places, never the values: a message or a local may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    return [type(error).__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]


def set_up(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Words() if stream.isatty() else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tokenhub").setLevel(level)


def on_every_line(standing: Callable[[], dict[str, Any]]) -> None:
    """From now on every structured line says this, too, as it is at that moment."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonLines):
            handler.formatter.standing = standing
