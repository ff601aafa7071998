"""Load a configuration in a process of its own: YAML is slow, and requests must not wait for it."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

import gateway
from gateway.config.load import Loading, decode_loading
from gateway.config.problem import Problem

TIMEOUT_S = 60.0
MAX_BYTES = 256 * 1024 * 1024
COMPLAINT_BYTES = 64 * 1024
PROGRAM = (
    "import os, sys; os.nice(10); sys.path.append(sys.argv.pop(1)); "
    "from gateway.config.child import main; main(sys.argv[1:])"
)
"""The child yields to the process that serves, and finds the same package, but nothing in the current folder."""
PACKAGE = str(Path(gateway.__file__).parent.parent)


class Child(Struct, frozen=True):
    """Which program loads, and how much it may take; the path of the configuration follows."""

    command: tuple[str, ...] = (sys.executable, "-P", "-c", PROGRAM, PACKAGE)
    timeout_s: float = TIMEOUT_S
    max_bytes: int = MAX_BYTES


CHILD = Child()


async def load_in_child(path: Path, env: Mapping[str, str], child: Child = CHILD) -> Loading:
    """Whatever happens to the child, the outcome is a Loading."""
    try:
        async with asyncio.timeout(child.timeout_s):
            told = await _run(path, env, child)
    except TimeoutError:
        return failed(path, f"loading took longer than {child.timeout_s:g} s and was given up")
    except OSError as error:
        return failed(path, f"the loading process could not be started: {error.strerror or type(error).__name__}")
    except ChildFailedError as failure:
        return failed(path, str(failure))
    try:
        return decode_loading(told)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return failed(path, "the loading process answered with something unreadable")


class ChildFailedError(Exception):
    """The child did not answer; says why, without a word of what it had read."""


async def _run(path: Path, env: Mapping[str, str], child: Child) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *child.command, str(path), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=dict(env)
    )
    if process.stdout is None or process.stderr is None:
        raise ChildFailedError("the loading process has no pipes")
    try:
        told, complaint = await asyncio.gather(
            _read(process.stdout, child.max_bytes, process.kill), _read_end(process.stderr, COMPLAINT_BYTES)
        )
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    if told is None:
        raise ChildFailedError(f"the loading process answered with more than {child.max_bytes} bytes")
    if status != 0:
        raise ChildFailedError(f"the loading process {ended(status)} ({last_word(complaint)})")
    return told


async def _read(stream: asyncio.StreamReader, most: int, stop: Callable[[], None]) -> bytes | None:
    """None if it was more than that; the pipe is emptied all the same, for only then can it be closed."""
    parts: list[bytes] = []
    size = 0
    while part := await stream.read(1 << 20):
        size += len(part)
        if size <= most:
            parts.append(part)
        elif size - len(part) <= most:
            parts.clear()
            stop()
    return b"".join(parts) if size <= most else None


async def _read_end(stream: asyncio.StreamReader, most: int) -> bytes:
    """Only the last bytes; the rest is read too, or the child would wait for a reader for ever."""
    end = b""
    while part := await stream.read(most):
        end = (end + part)[-most:]
    return end


def ended(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
    return f"was killed by {name}" + ("; is memory short?" if name == "SIGKILL" else "")


def last_word(complaint: bytes) -> str:
    """The type of the exception; its text might quote the files."""
    line = complaint.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
    return line.split(":", 1)[0][:80] or "no word"


FAILED = "TH2602"


def failed(path: Path, what: str) -> Loading:
    """As if the file had a problem at its very beginning."""
    problem = Problem(
        code=FAILED,
        severity="error",
        file=str(path),
        line=1,
        column=1,
        message=what,
        hint="the configuration that serves is unchanged; it is tried again in half a minute, or with the next change",
    )
    return Loading(declaration=None, problems=(problem,), digest=None, fingerprint="", files=(path,))
