"""What the log says of a change of the files: enough to act on, without asking the status."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import log
from tests.flow.changing import config, played, reloading


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


pytestmark = pytest.mark.usefixtures("logging_as_before")


def told(tmp_path: Path, stream: io.StringIO, *texts: str, begin: str = config("small")) -> tuple[str, list[str]]:
    """The log of a gateway whose file says one thing after another; and the digests that served."""
    digests: list[str] = []

    async def story() -> None:
        async with reloading(tmp_path, begin) as room:
            digests.append(room.live.current.digest[:12])
            log.set_up(stream)
            for text in texts:
                room.path.write_text(text)
                await room.reloader.reload("admin")
                digests.append(room.live.current.digest[:12])

    played(story)
    return stream.getvalue(), digests


BROKEN = config("small") + "fallbacks: {small: [smal]}\n"


def test_a_refusal_names_what_was_refused_its_problems_and_what_serves(tmp_path: Path) -> None:
    text, digests = told(tmp_path, io.StringIO(), BROKEN)
    (line,) = map(json.loads, text.splitlines())
    assert line["level"] == "error"
    assert f"refused by admin; {digests[0]} goes on serving: " in line["message"]
    (problem,) = line["problems"]
    assert problem in line["message"]
    assert "tokenhub.yaml:" in problem
    assert "error TH2003: " in problem
    assert "(hint: did you mean `small`?)" in problem


def test_a_refusal_of_valid_files_names_their_digest(tmp_path: Path) -> None:
    text, _ = told(tmp_path, io.StringIO(), config("a"), begin=config(*"abcdefghij"))
    (line,) = map(json.loads, text.splitlines())
    assert len(line["refused"]) == 12
    assert f"configuration {line['refused']} refused" in line["message"]


def test_the_same_problems_are_told_once(tmp_path: Path) -> None:
    text, _ = told(tmp_path, io.StringIO(), BROKEN, BROKEN + "\n")
    first, second = map(json.loads, text.splitlines())
    assert first["problems"]
    assert second["problems"] == []
    assert "the same as before" in second["message"]


def test_many_problems_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    broken = config("small") + "fallbacks: {small: [" + ", ".join(f"x{number}" for number in range(8)) + "]}\n"
    text, _ = told(tmp_path, io.StringIO(), broken)
    (line,) = map(json.loads, text.splitlines())
    assert "8 problems, the first: " in line["message"]
    assert len(line["problems"]) == 5


def test_on_a_terminal_problems_look_as_those_of_validate_config(tmp_path: Path) -> None:
    text, digests = told(tmp_path, Terminal(), BROKEN)
    assert f"configuration refused by admin; {digests[0]} goes on serving\n" in text
    assert "\nhint: did you mean `small`?\n" in text
    assert "^^^^" in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_change_names_what_changed(tmp_path: Path, stream: Callable[[], io.StringIO]) -> None:
    text, digests = told(tmp_path, stream(), config("small", "large"))
    assert f"configuration {digests[1]} loaded by admin" in text
    assert "model `large` added" in text


def test_a_setting_that_needs_a_restart_is_a_warning_that_says_so(tmp_path: Path) -> None:
    text, _ = told(tmp_path, io.StringIO(), config("small") + "server: {listen: 127.0.0.1:9999}\n")
    (line,) = map(json.loads, text.splitlines())
    assert line["level"] == "warning"
    assert "server.listen: takes effect at the next start" in line["message"]
    assert line["restart_needed"] == ["server.listen"]


def test_what_is_repaired_by_going_back_is_told_too(tmp_path: Path) -> None:
    text, digests = told(tmp_path, io.StringIO(), BROKEN, config("small"))
    *_, line = map(json.loads, text.splitlines())
    assert line["message"] == f"configuration {digests[0]} unchanged by admin: the files say again what serves"


def test_looking_again_at_a_broken_file_is_no_news(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            log.set_up(stream)
            room.path.write_text(BROKEN)
            await room.reloader.reload("file event")
            await room.reloader.reload("poll")
            assert room.outcomes == ["refused"]

    stream = io.StringIO()
    played(story)
    assert len(stream.getvalue().splitlines()) == 1
