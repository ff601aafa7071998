"""The small arts of being the first process: orphans are buried, children that somebody asks for are not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.supervise import told

PROGRAM = """
import ctypes, os, subprocess, sys, time
from gateway.cli.reaping import ended_child, reap_if_seen

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans of ours come to us, as in a container
orphan = subprocess.run(["sh", "-c", "sleep 0.05 & echo $!"], capture_output=True, text=True).stdout.strip()
while ended_child() is None:
    time.sleep(0.005)
seen = reap_if_seen(None)
assert seen == int(orphan), "at the first look it is only noticed"
assert os.path.exists(f"/proc/{orphan}")
assert reap_if_seen(seen) is None, "at the second it is buried"
assert not os.path.exists(f"/proc/{orphan}")
mine = subprocess.Popen(["true"])
while ended_child() is None:
    time.sleep(0.005)
assert reap_if_seen(None) == mine.pid
assert mine.wait() == 0, "whoever started it still hears how it ended"
print("fine")
"""


def test_p13_orphans_are_buried_and_own_children_are_left_to_those_who_started_them() -> None:
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=False)
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.parametrize(("code", "words"), [(-9, "signal SIGKILL"), (1, "status 1"), (78, "status 78")])
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert told(code) == words
