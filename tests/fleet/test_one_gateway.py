"""Four processes on one Redis and one PostgreSQL behave as one gateway, also when the Redis goes in the middle."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.process import PATIENCE_S, Process
from tests.fleet.world import CENT, all_served, codes, config, crowd, digest
from tests.serving import ADMIN
from tests.stores.postgres_server import a_postgres
from tests.stores.redis_server import RedisServer
from tests.wire import Wire

REPLICAS = 4
AT_ONCE = 50
KEYS = {"small": "monthly_usd: 3", "free": "", "goes": ""}
CAP = 300
"""Requests of a cent each that `small` may make."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files") / "tokenhub.yaml"


@pytest.fixture(scope="module")
def fleet(
    redis: RedisServer, wire: Wire, file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Process]]:
    """All of them follow the same file."""
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(a_postgres()).url
        more = f"server: {{replicas: {REPLICAS}}}\nledger: '{ledger}'\n"
        file.write_text(config(wire.url, KEYS, state=redis.url, more=more))
        processes = []
        for number in range(REPLICAS):
            processes.append(Process(file, tmp_path_factory.mktemp(f"one-{number}"), watch=True))
            stack.callback(processes[-1].end)
        for process in processes:
            process.wait_ready()
        yield processes


@pytest.fixture
def urls(fleet: list[Process]) -> list[str]:
    return [process.url for process in fleet]


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def told(process: Process, path: str) -> Any:
    with process.client(ADMIN) as client:
        return client.get(f"/admin/v1{path}").json()


def all_shipped(fleet: list[Process]) -> bool:
    for process in fleet:
        with process.client() as client:
            if "tokenhub_journal_lag_records 0.0" not in client.get("/metrics").text:
                return False
    return True


def test_n13_n14_of_five_hundred_at_once_none_passes_the_cap_when_the_store_goes_in_the_middle(
    fleet: list[Process], urls: list[str], redis: RedisServer, wire: Wire
) -> None:
    at_the_loss: list[int] = []

    def lose_the_store() -> None:
        wire.wait_requests(CAP // 3)
        redis.kill()
        at_the_loss.append(len(wire.requests))

    thief = threading.Thread(target=lose_the_store)
    thief.start()
    outcome = codes(crowd(urls, "small", 500, at_once=AT_ONCE))
    thief.join()
    assert set(outcome) <= {"ok", "quota_unavailable", "monthly_spend"}
    served = outcome["ok"]
    held = REPLICAS * int(min(0.01 * CAP * CENT, 1.0) / CENT)
    assert served <= at_the_loss[0] + AT_ONCE + held, "what ran, and what each process held"
    assert codes(crowd(urls, "free", 100)) == {"ok": 100}, "without a limit nobody notices"
    until(lambda: all_shipped(fleet))

    redis.start()
    assert all_served(urls, "free")
    while True:
        outcome = codes(crowd(urls, "small", AT_ONCE, at_once=10))
        served += outcome.get("ok", 0)
        if set(outcome) == {"monthly_spend"}:
            break
        until(lambda: all_shipped(fleet))
    assert CAP - 2 * AT_ONCE <= served <= CAP, "what nobody had told the lost store may count twice, never not"

    until(lambda: all_shipped(fleet))
    for process in fleet:
        row = told(process, "/usage?key=small")["data"][0]
        assert (row["requests"], round(row["cost_usd"] / CENT)) == (served, served)


def test_what_one_is_told_at_run_time_reaches_all(fleet: list[Process], urls: list[str]) -> None:
    with fleet[0].client(ADMIN) as client:
        assert client.post("/admin/v1/providers/p/disable").json()["drift"]
    until(lambda: all(told(process, "/status")["drift"] for process in fleet))
    assert "ok" not in codes(crowd(urls, "free", 8))
    with fleet[-1].client(ADMIN) as client:
        client.post("/admin/v1/providers/p/enable")
    until(lambda: not any(told(process, "/status")["drift"] for process in fleet))
    assert all_served(urls, "free")


def test_n16_a_key_that_is_removed_from_the_file_ends_everywhere(
    fleet: list[Process], urls: list[str], file: Path
) -> None:
    assert codes(crowd(urls, "goes", 8)) == {"ok": 8}
    line = f"  - {{name: goes, digest: 'sha256:{digest('goes')}', limits: {{}}}}\n"
    text = file.read_text()
    assert line in text
    file.write_text(text.replace(line, ""))
    until(lambda: codes(crowd(urls, "goes", 8)) == {"invalid_api_key": 8})
    assert all_served(urls, "free")
    assert len({told(process, "/status")["config"]["running"] for process in fleet}) == 1
