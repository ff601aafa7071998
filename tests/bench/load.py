"""wrk: how many requests a second, and how long one of them takes when it is alone."""

import json
import re
import subprocess
import tempfile

from msgspec import Struct

from tests.bench.machine import LOAD_CORE, program

SCRIPT = """
wrk.method = "POST"
wrk.body = [[{body}]]
wrk.headers["Content-Type"] = "application/json"
{headers}
"""
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Target(Struct, frozen=True, kw_only=True):
    """Where one contender takes the same chat completion."""

    name: str
    port: int
    path: str = "/v1/chat/completions"
    model: str = "gpt-4o"
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> str:
        return json.dumps({"model": self.model, "messages": [{"role": "user", "content": "Hello! " * 12}]})


class Load(Struct, frozen=True):
    a_second: float
    p50_ms: float


class LoadError(Exception):
    """Some of the requests were not answered as they should be: the figure would mean nothing."""


def load(target: Target, connections: int, seconds: float) -> Load:
    """Every answer must be a 2xx."""
    headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in target.headers)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(body=target.body, headers=headers))
        script.flush()
        url = f"http://127.0.0.1:{target.port}{target.path}"
        command = [
            program("wrk"), "-t1", f"-c{connections}", f"-d{_whole(seconds)}", "--latency", "--timeout", "10s",
            "-s", script.name, url,
        ]  # fmt: skip
        said = subprocess.run(
            ["taskset", "-c", str(LOAD_CORE), *command], check=True, capture_output=True, text=True
        ).stdout
    if trouble := re.search(r"(Non-2xx.*|Socket errors:.*)", said):
        raise LoadError(f"{target.name}: {trouble.group(0)}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    half = re.search(r"50%\s+([\d.]+)(us|ms|s|m)\b", said)
    if rate is None or half is None:
        raise LoadError(f"{target.name}: wrk said {said}")
    return Load(float(rate.group(1)), float(half.group(1)) * UNITS[half.group(2)])


def _whole(seconds: float) -> int:
    """wrk counts whole seconds."""
    return max(1, round(seconds))
