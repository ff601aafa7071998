"""Load a configuration in a process of its own: YAML is slow, and requests must not wait for it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.config.load import Loading, decode_loading
from gateway.config.problem import Problem

TIMEOUT_S = 60.0
MAX_BYTES = 512 * 1024 * 1024
POLITENESS = "10"
"""The child yields to the process that serves."""


async def load_in_child(path: Path, env: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> Loading:
    """Whatever happens to the child, the outcome is a Loading."""
    child = await asyncio.create_subprocess_exec(
        *("nice", "-n", POLITENESS, sys.executable, "-m", "gateway.config.child", str(path)),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **env},
    )
    try:
        async with asyncio.timeout(timeout_s):
            told, complaint = await child.communicate()
    except TimeoutError:
        return failed(path, f"loading took longer than {timeout_s:g} s and was given up")
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        last = complaint.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1].split(":", 1)[0]
        return failed(path, f"the loading process ended with status {child.returncode} ({last or 'no word'})")
    try:
        return decode_loading(told)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return failed(path, "the loading process answered with something unreadable")


def failed(path: Path, what: str) -> Loading:
    """As if the file had a problem at its very beginning."""
    problem = Problem(
        code="TH2602",
        severity="error",
        file=str(path),
        line=1,
        column=1,
        message=what,
        hint="the configuration that serves is unchanged; the next change of the files tries again",
    )
    return Loading(declaration=None, problems=(problem,), digest=None, fingerprint="", files=(path,))
