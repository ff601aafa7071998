"""Killed again and again at any point: whatever a caller was answered is in the ledger, to the cent.

A few times every day, two hundred times every night (`make nightly`).
"""

import random
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from tests.faults.process import Process
from tests.fleet.world import ASK, CENT, CHAT, config, secret
from tests.nightly import often
from tests.serving import ADMIN
from tests.stores.postgres_server import a_postgres
from tests.wire import Wire

LOOPS = often(day=3, night=200)
CALLERS = 4
KEYS = {"capped": "monthly_usd: 100000, concurrency: 8"}
NANO = 1_000_000_000
CENT_NANO = int(CENT * NANO)


class Callers:
    """Ask without pause, and write down every id they were answered with."""

    def __init__(self, url: str) -> None:
        self.answered: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[str]:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.answered

    def _call(self) -> None:
        headers = {"Authorization": f"Bearer {secret('capped')}"}
        with httpx.Client(base_url=self._url, headers=headers, timeout=10, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post(CHAT, json=ASK)
                except httpx.HTTPError:
                    return
                if answer.is_success:
                    self.answered.append(answer.headers["x-inferoute-request-id"].removeprefix("req-"))


def killed_again_and_again(path: Path, folder: Path, between: Any = None) -> list[str]:
    """All ids that were answered, over all lives of the gateway."""
    luck = random.Random(7)
    answered: list[str] = []
    for loop in range(LOOPS):
        process = Process(path, folder)
        process.wait_ready()
        callers = Callers(process.url)
        try:
            time.sleep(luck.uniform(0.1, 0.4))
            if between is not None and loop % 2:
                between()
                time.sleep(luck.uniform(0.0, 0.2))
        finally:
            process.tell(signal.SIGKILL)
            process.wait()
            answered += callers.stop()
            process.end()
    return answered


def last_words(path: Path, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """Every request, the sums, and the key, as the next life of the gateway tells them."""
    process = Process(path, folder)
    try:
        process.wait_ready()
        with process.client(ADMIN) as client:
            rows: list[dict[str, Any]] = []
            until_shipped(client)
            before: str | None = ""
            while before is not None:
                page = client.get(
                    f"/admin/v1/requests?limit=1000&before={before}" if before else "/admin/v1/requests?limit=1000"
                ).json()
                rows += page["data"]
                before = page["next"]
            sums = client.get("/admin/v1/usage").json()["data"][0]
            key = client.get("/admin/v1/keys").json()["data"][0]
        process.tell(signal.SIGTERM)
        process.wait()
    finally:
        process.end()
    return rows, sums, key


def until_shipped(client: httpx.Client) -> None:
    end = time.monotonic() + 20
    while "tokenhub_journal_lag_records 0.0" not in client.get("/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.02)


def check(answered: list[str], rows: list[dict[str, Any]], sums: dict[str, Any], key: dict[str, Any]) -> None:
    by_id = {row["id"]: row for row in rows}
    assert len(by_id) == len(rows), "no row counts twice"
    assert len(answered) >= LOOPS
    for each in answered:
        assert by_id[each]["outcome"] == "settled", "N10: no answer is without its row"
        assert by_id[each]["cost_usd"] == CENT
    outcomes = [row["outcome"] for row in rows]
    assert set(outcomes) <= {"settled", "released", "unknown"}, "N11, N42: nothing is left open"
    assert outcomes.count("unknown") <= LOOPS * CALLERS
    settled = outcomes.count("settled")
    assert round(sums["cost_usd"] * NANO) == settled * CENT_NANO, "equal to the cent"
    assert sums["requests"] == len(rows)
    assert round(key["spent"]["usd"] * NANO) == settled * CENT_NANO, "the cap goes on from there"


def test_n10_no_answered_request_is_lost_to_a_kill(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config(wire.url, KEYS))
    answered = killed_again_and_again(path, tmp_path)
    check(answered, *last_words(path, tmp_path))
    with sqlite3.connect(tmp_path / "data" / "ledger.db") as ledger:
        assert ledger.execute("SELECT count(*) FROM admissions").fetchone() == (0,)
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ledger.close()


def test_n10_neither_by_a_kill_nor_while_postgresql_is_restarted(wire: Wire, tmp_path: Path) -> None:
    with a_postgres() as database:
        path = tmp_path / "tokenhub.yaml"
        path.write_text(config(wire.url, KEYS, more=f"ledger: '{database.url}'\n"))
        answered = killed_again_and_again(path, tmp_path, between=database.restart)
        check(answered, *last_words(path, tmp_path))
