"""Several workers under one supervisor: one socket, one count, one configuration; who dies is replaced."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.process import PATIENCE_S, Process
from tests.fleet.world import all_served, codes, config, crowd, digest
from tests.serving import ADMIN
from tests.stores.redis_server import RedisServer
from tests.wire import Wire

WORKERS = 2
KEYS = {"free": "", "capped": "monthly_usd: 1", "goes": ""}
SERVER = "server: {drain_delay: 0s, shutdown_grace: 5s}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def gateway(redis: RedisServer, wire: Wire, folder: Path) -> Iterator[Process]:
    path = folder / "tokenhub.yaml"
    path.write_text(config(wire.url, KEYS, state=redis.url, more=SERVER))
    process = Process(path, folder, more=["--workers", str(WORKERS)])
    try:
        process.wait_ready()
        yield process
        process.tell(signal.SIGTERM)
        assert process.wait() == 0
        assert process.stderr.count("draining") == WORKERS
    finally:
        process.end()


def admin(gateway: Process, method: str, path: str, **more: Any) -> httpx.Response:
    """On a connection of its own: another worker may answer each time."""
    with gateway.client(ADMIN) as client:
        return client.request(method, f"/admin/v1{path}", **more)


def workers(gateway: Process) -> dict[int, int]:
    """Process by seat."""
    return {row["worker"]: row["pid"] for row in admin(gateway, "GET", "/status").json()["workers"]}


def counted(gateway: Process) -> float:
    """Requests of callers, over all workers."""
    with gateway.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(maxsplit=1)[1]) for line in lines if line.startswith("tokenhub_requests_total{"))


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_all_workers_serve_and_their_numbers_are_one_page(gateway: Process) -> None:
    assert codes(crowd([gateway.url], "free", 60, at_once=10)) == {"ok": 60}
    assert counted(gateway) == 60
    assert set(workers(gateway)) == {0, 1}
    assert gateway.child.pid not in workers(gateway).values()


def test_no_row_of_any_worker_is_lost(gateway: Process) -> None:
    """Each has a journal of its own; all of them end in one SQLite file."""

    def rows() -> int:
        told = admin(gateway, "GET", "/usage?key=free").json()["data"]
        return int(told[0]["requests"])

    until(lambda: rows() == 60)


def test_a_cap_is_one_cap(gateway: Process) -> None:
    outcome = codes(crowd([gateway.url], "capped", 150, at_once=20))
    assert 80 <= outcome["ok"] <= 100


def test_n39_w07_a_worker_that_dies_is_replaced_and_no_count_goes_back(gateway: Process) -> None:
    before, count = workers(gateway), counted(gateway)
    os.kill(before[1], signal.SIGKILL)
    gateway.said("worker 1 ended (signal SIGKILL)")
    assert all_served([gateway.url], "free"), "the other one goes on"
    until(lambda: set(workers(gateway)) == {0, 1})
    after = workers(gateway)
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert counted(gateway) >= count + 12
    assert all_served([gateway.url], "free")


def test_n16_a_removed_key_is_unknown_to_all_workers_once_one_was_told_to_reload(
    gateway: Process, folder: Path
) -> None:
    file = folder / "tokenhub.yaml"
    assert codes(crowd([gateway.url], "goes", 20, at_once=10)) == {"ok": 20}
    text = file.read_text()
    file.write_text(text.replace(f"  - {{name: goes, digest: 'sha256:{digest('goes')}', limits: {{}}}}\n", ""))
    answer = admin(gateway, "POST", "/reload").json()
    assert answer["outcome"] == "loaded"
    assert [row["outcome"] for row in answer["workers"]] == ["loaded"]
    assert codes(crowd([gateway.url], "goes", 20, at_once=10)) == {"invalid_api_key": 20}
    assert len({row["config"] for row in admin(gateway, "GET", "/status").json()["workers"]}) == 1


def test_what_one_worker_is_told_at_run_time_holds_for_all(gateway: Process) -> None:
    assert admin(gateway, "POST", "/providers/p/disable").json()["drift"]
    assert "ok" not in codes(crowd([gateway.url], "free", 20, at_once=10))
    admin(gateway, "POST", "/providers/p/enable")
    assert all_served([gateway.url], "free")
    used = [row["last_used"] for row in admin(gateway, "GET", "/keys").json()["data"] if row["name"] == "free"]
    assert used[0] == pytest.approx(time.time(), abs=60)


def test_who_takes_a_seat_serves_what_the_others_serve_whatever_the_files_say_now(
    gateway: Process, folder: Path
) -> None:
    file = folder / "tokenhub.yaml"
    text = file.read_text()
    file.write_text("models: [")
    try:
        before = workers(gateway)
        os.kill(before[1], signal.SIGKILL)
        until(lambda: len(workers(gateway)) == 2 and workers(gateway)[1] != before[1])
        assert all_served([gateway.url], "free")
        assert len({row["config"] for row in admin(gateway, "GET", "/status").json()["workers"]}) == 1
    finally:
        file.write_text(text)


def test_w01_workers_that_would_count_for_themselves_are_refused(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config(wire.url, KEYS))
    command = [sys.executable, "-m", "gateway.cli.main", "serve", str(path), "--workers", "2"]
    env = os.environ | {"OPENAI_API_KEY": "sk-CANARY-up", "TOKENHUB_DATA_DIR": str(tmp_path / "data")}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=env, check=False)
    assert ended.returncode == 78
    assert "2 workers cannot share limits and caps kept in memory" in ended.stderr


def test_d14_a_second_gateway_on_the_same_ledger_is_refused(gateway: Process, folder: Path, wire: Wire) -> None:
    second = Process(folder / "tokenhub.yaml", folder)
    assert second.wait() == 78
    assert "in use by another tokenhub" in second.stderr
    second.end()


def test_workers_do_not_outlive_their_supervisor(redis: RedisServer, wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config(wire.url, KEYS, state=redis.url, more=SERVER))
    process = Process(path, tmp_path, more=["--workers", "2"])
    try:
        process.wait_ready()
        pids = list(workers(process).values())
        process.child.kill()
        until(lambda: not any(map(lives, pids)))
    finally:
        process.end()


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_gateway_that_never_served_does_not_try_for_ever(redis: RedisServer, wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config(wire.url, KEYS, state=redis.url))
    (tmp_path / "data" / "journal" / "0").mkdir(parents=True)
    (tmp_path / "data" / "journal" / "0" / "lock").mkdir()
    process = Process(path, tmp_path, more=["--workers", "2"])
    assert process.wait() == 78
    assert "cannot write the journal" in process.stderr
    process.end()
