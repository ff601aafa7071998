"""How long a reload of a large configuration keeps requests waiting, and how long a start takes."""

import contextlib
import http.client
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.machine import GATEWAY_CORE, free_port, running

LARGE = 10_000
USUAL = 100
RELOADS = 3
TOKEN = "bench-admin"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
LONGEST_S = 60.0


def longest_wait_ms(models: int = LARGE, reloads: int = RELOADS) -> float:
    """The slowest of the requests that are made one after the other while every model changes; the middle reload."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "tokenhub.yaml"
        config.write_text(config_text(models, 0))
        with started(config) as port:
            return statistics.median(slowest_ms(config, models, round_, port) for round_ in range(1, reloads + 1))


def ready_s(models: int = USUAL) -> float:
    """From the command to the first answer."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "tokenhub.yaml"
        config.write_text(config_text(models, 0))
        began = time.monotonic()
        with started(config):
            return time.monotonic() - began


@contextlib.contextmanager
def started(config: Path) -> Iterator[int]:
    port = free_port()
    listen = ["--listen", f"127.0.0.1:{port}", "--no-watch"]
    command: list[str | Path] = [sys.executable, "-m", "gateway.cli.main", "serve", config, *listen]
    env = {"TOKENHUB_DATA_DIR": str(config.parent / "data"), "TOKENHUB_ADMIN_TOKEN": TOKEN}
    with running(command, port, GATEWAY_CORE, env):
        yield port


def slowest_ms(config: Path, models: int, round_: int, port: int) -> float:
    config.write_text(config_text(models, round_))
    waits: list[float] = []
    over = threading.Event()
    knocking = threading.Thread(target=knock, args=(port, waits, over))
    knocking.start()
    try:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_S)
        line.request("POST", "/admin/v1/reload", headers=ADMIN)
        said = line.getresponse().read()
    finally:
        over.set()
        knocking.join()
    if b'"outcome":"loaded"' not in said:
        raise RuntimeError(f"the reload was not taken: {said.decode()[:200]}")
    return max(waits)


def knock(port: int, waits: list[float], over: threading.Event) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_S)
    while not over.is_set():
        began = time.perf_counter()
        line.request("GET", "/healthz")
        line.getresponse().read()
        waits.append((time.perf_counter() - began) * 1000)
        time.sleep(0.001)


def config_text(models: int, round_: int) -> str:
    lines = ["version: 1", "providers: {demo: {dialect: echo}}", "models:"]
    for number in range(models):
        price = f"price: {{input: {1 + number % 13}, output: {2 + round_}}}"
        lines.append(
            f"  model-{number}: {{weight: {number % 10}, context_window: 128000, max_output_tokens: 4000, "
            f"capabilities: [chat], offers: [{{provider: demo, {price}}}]}}"
        )
    lines.append("keys:")
    lines += [f"  - {{name: key-{number}, digest: 'sha256:{number:064x}'}}" for number in range(1, models // 5)]
    return "\n".join(lines) + "\n"
