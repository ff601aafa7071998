"""The process that judges costly values, one line of JSON in and one out: `python -m gateway.output.worker`."""

import resource
import sys
from typing import BinaryIO

import msgspec
from msgspec import Struct

from gateway.output.schema import compiled
from gateway.output.validator import Mismatch

MOST_MEMORY = 1024 * 1024 * 1024


class Case(Struct, frozen=True):
    """What is to be judged, by which schema."""

    schema: msgspec.Raw
    values: list[msgspec.Raw]


class Ruling(Struct, frozen=True):
    fault: Mismatch | None = None


CASE = msgspec.json.Decoder(Case)


def work(source: BinaryIO, sink: BinaryIO) -> None:
    """Until the source is over."""
    for line in source:
        sink.write(msgspec.json.encode(Ruling(rule(CASE.decode(line)))) + b"\n")
        sink.flush()


def rule(case: Case) -> Mismatch | None:
    judge = compiled(msgspec.json.decode(case.schema))
    for value in case.values:
        try:
            fault = judge.fault(msgspec.json.decode(value))
        except MemoryError:
            fault = Mismatch("$", "too large to be checked")
        if fault is not None:
            return fault
    return None


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    work(sys.stdin.buffer, sys.stdout.buffer)
