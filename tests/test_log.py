"""Log lines: structured, each with the configuration that serves, and without the values of a crash."""

import io
import json
import logging

import pytest

from gateway import log

pytestmark = pytest.mark.usefixtures("logging_as_before")


def test_every_line_says_which_configuration_serves_at_that_moment() -> None:
    stream = io.StringIO()
    log.set_up(stream)
    digest = "before"
    log.on_every_line(lambda: {"config": digest})
    logging.getLogger("tokenhub").info("one")
    digest = "after"
    logging.getLogger("tokenhub").warning("two", extra={"facts": {"key": "web-app"}})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line["config"], line.get("key")) for line in lines] == [
        ("one", "before", None),
        ("two", "after", "web-app"),
    ]


def test_a_line_break_in_a_value_does_not_begin_a_line() -> None:
    stream = io.StringIO()
    log.set_up(stream)
    logging.getLogger("tokenhub").error("%s", 'first\n{"level": "forged"}')
    assert len(stream.getvalue().splitlines()) == 1


def test_a_crash_is_told_by_type_and_place_never_by_its_text() -> None:
    stream = io.StringIO()
    log.set_up(stream)
    try:
        int("sk-CANARY")
    except ValueError:
        logging.getLogger("tokenhub").exception("it failed")
    line = json.loads(stream.getvalue())
    assert line["exception"][0] == "ValueError"
    assert "CANARY" not in stream.getvalue()
