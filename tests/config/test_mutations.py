"""Thousands of damaged files: never a crash, never a problem without a place, never a secret in a message."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.problem import as_json, as_text
from tests.config.mistakes import ROWS
from tests.config.worlds import a_world, completed

ROOT = Path(__file__).parent.parent.parent
SEEDS = [ROOT / "configs/tokenhub.yaml", *sorted((ROOT / "tests/golden/config/accepted").glob("*/tokenhub.yaml"))]
CANARY = "CANARYcanary0123456789"

Mutation = Callable[[random.Random, str], str]


def _cut(dice: random.Random, text: str) -> str:
    return text[: dice.randrange(len(text))]


def _without_line(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    del lines[dice.randrange(len(lines))]
    return "".join(lines)


def _line_twice(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    index = dice.randrange(len(lines))
    return "".join(lines[: index + 1] + lines[index:])


def _lines_swapped(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    one, two = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return "".join(lines)


def _indented(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    index = dice.randrange(len(lines))
    lines[index] = " " * dice.randint(1, 4) + lines[index]
    return "".join(lines)


def _inserted(dice: random.Random, text: str) -> str:
    junk = dice.choice(["\t", "*x", "&x ", "!!int ", "\x00", "\x85", "é", "- ", "{", "}", "[", "]", ": ", "#", '"', "'", "${env:", "<<: ", "---\n", "\ud7ff", "99999999999999999999", ".nan", "~", "? ", "| ", ">-\n"])  # fmt: skip  # noqa: E501
    where = dice.randrange(len(text))
    return text[:where] + junk + text[where:]


def _flipped(dice: random.Random, text: str) -> str:
    where = dice.randrange(len(text))
    return text[:where] + chr(dice.randrange(32, 127)) + text[where + 1 :]


def _value_swapped(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    index = dice.randrange(len(lines))
    name, colon, _ = lines[index].partition(":")
    value = dice.choice(["", "[]", "{}", "5", "-1", "1.5", "text", "null", "true", "[a, b]", "{a: b}", "'${env:X}'"])
    lines[index] = f"{name}{colon} {value}\n" if colon else lines[index]
    return "".join(lines)


MUTATIONS: tuple[Mutation, ...] = (
    *(_cut, _without_line, _line_twice, _lines_swapped, _indented, _inserted, _inserted, _flipped, _value_swapped),
)


def _damaged(dice: random.Random, text: str, times: int) -> str:
    for _ in range(times):
        text = dice.choice(MUTATIONS)(dice, text) or "x"
    return text


def _check(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    loading = load(path, a_world(env={"SECRET": CANARY}))
    assert loading.problems or loading.declaration is not None
    lines = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", raw.decode("utf-8", "replace")))
    for problem in loading.problems:
        assert problem.file, raw
        assert 1 <= problem.line <= lines, raw
        assert problem.column >= 1, raw
        assert problem.message, raw
        assert CANARY not in as_text(problem) + str(as_json(problem)), raw


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.parent.name)
def test_a_damaged_file_never_crashes_the_loader(seed: Path, tmp_path: Path) -> None:
    text = seed.read_text()
    dice = random.Random(seed.parent.name)
    for number in range(150):
        damaged = _damaged(dice, text, 1 + number % 3)
        _check(tmp_path / "tokenhub.yaml", damaged.encode("utf-8", "surrogatepass"))


def test_damaged_mistakes_never_crash_the_loader(tmp_path: Path) -> None:
    dice = random.Random("mistakes")
    for _, fragment in ROWS:
        text = completed(fragment.replace("§", ""))
        for _ in range(4):
            _check(tmp_path / "tokenhub.yaml", _damaged(dice, text, 1).encode("utf-8", "surrogatepass"))


def test_damaged_bytes_never_crash_the_loader(tmp_path: Path) -> None:
    dice = random.Random("bytes")
    raw = SEEDS[0].read_bytes()
    for _ in range(100):
        where = dice.randrange(len(raw))
        _check(tmp_path / "tokenhub.yaml", raw[:where] + dice.randbytes(dice.randint(1, 3)) + raw[where + 1 :])
