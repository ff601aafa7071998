"""Every change of the files takes effect safely: within a second, without a dropped request, or not at all."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import ADMIN, Serving, a_config, serving
from tests.wire import Wire, openai_stream

MESSAGES = [{"role": "user", "content": "Hello!"}]
ASK = {"model": "gpt-4o", "messages": MESSAGES}


def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.02)


def with_alias(wire: Wire, name: str) -> str:
    return a_config(wire.url, more=f"aliases: {{{name}: gpt-4o}}\n")


def knows(client: httpx.Client, name: str) -> bool:
    return client.get(f"/v1/models/{name}").status_code == 200


def test_an_edit_takes_effect_by_itself(tmp_path: Path) -> None:
    with Wire() as wire, serving(with_alias(wire, "one"), tmp_path, watch=True) as gateway, gateway.client() as client:
        assert knows(client, "one")
        before = client.get("/v1/models").headers["x-tokenhub-config"]
        (tmp_path / "tokenhub.yaml").write_text(with_alias(wire, "two"))
        until(lambda: knows(client, "two"))
        assert not knows(client, "one")
        assert client.get("/v1/models").headers["x-tokenhub-config"] != before


def test_k29_a_configmap_swap_takes_effect_once(tmp_path: Path) -> None:
    with Wire() as wire, mounted(tmp_path, with_alias(wire, "one")) as (config, swap):
        with serving(config, tmp_path, watch=True) as gateway, gateway.client() as client:
            for name in ("two", "three", "four"):
                swap(with_alias(wire, name))
                until(lambda name=name: knows(client, name))  # type: ignore[misc]
            history = gateway.gateway.reloader.history
            until(lambda: len(history.entries()) >= 4)
            assert [entry.outcome for entry in history.entries() if entry.trigger != "start"] == ["loaded"] * 3


@contextlib.contextmanager
def mounted(folder: Path, text: str) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A folder as the kubelet makes it: `tokenhub.yaml` -> `..data/tokenhub.yaml`, and `..data` is swapped."""
    mount = folder / "mount"
    mount.mkdir()
    count = 0

    def swap(new: str) -> None:
        nonlocal count
        count += 1
        old = (mount / "..data").readlink() if (mount / "..data").is_symlink() else None
        fresh = mount / f"..2027_{count}"
        fresh.mkdir()
        (fresh / "tokenhub.yaml").write_text(new)
        (mount / "..data_tmp").symlink_to(fresh.name)
        (mount / "..data_tmp").replace(mount / "..data")
        if old is not None:
            (mount / old / "tokenhub.yaml").unlink()
            (mount / old).rmdir()

    swap(text)
    (mount / "tokenhub.yaml").symlink_to("..data/tokenhub.yaml")
    yield mount / "tokenhub.yaml", swap


def test_a_broken_edit_changes_nothing_and_status_shows_its_problems(tmp_path: Path) -> None:
    with Wire() as wire, serving(with_alias(wire, "one"), tmp_path, watch=True) as gateway:
        with gateway.client() as client, gateway.client(ADMIN) as admin:
            (tmp_path / "tokenhub.yaml").write_text(with_alias(wire, "two").replace("gpt-4o}", "gpt-9}"))
            until(lambda: bool(admin.get("/admin/v1/status").json()["config"]["problems"]))
            problem = admin.get("/admin/v1/status").json()["config"]["problems"][0]
            assert problem["file"].endswith("tokenhub.yaml")
            assert problem["line"] > 1
            assert knows(client, "one")
            (tmp_path / "tokenhub.yaml").write_text(with_alias(wire, "three"))
            until(lambda: knows(client, "three"))
            assert admin.get("/admin/v1/status").json()["config"]["problems"] == []


def test_k34_a_stream_that_was_open_before_a_reload_finishes_on_the_old_configuration(tmp_path: Path) -> None:
    with Wire() as wire, serving(with_alias(wire, "one"), tmp_path) as gateway:
        gate = wire.gate()
        wire.script(openai_stream(["a", "b"], role_first=False, body_gate=gate))
        with gateway.client() as client, gateway.client(ADMIN) as admin:
            with client.stream("POST", "/v1/chat/completions", json=ASK | {"stream": True}) as answer:
                old = answer.headers["x-tokenhub-config"]
                lines = answer.iter_lines()
                next(lines)
                (tmp_path / "tokenhub.yaml").write_text(a_config("http://127.0.0.1:9", more="aliases: {two: gpt-4o}\n"))
                assert admin.post("/admin/v1/reload").json()["outcome"] == "loaded"
                assert admin.get("/admin/v1/status").json()["config"]["retiring"] == [1]
                gate.open()
                assert [line for line in lines if line][-1] == "data: [DONE]"
            assert client.get("/v1/models").headers["x-tokenhub-config"] != old
            until(lambda: admin.get("/admin/v1/status").json()["config"]["retiring"] == [])


def test_n1_reloads_under_load_drop_nothing_and_mix_nothing(tmp_path: Path) -> None:
    """Every tenth edit is broken; each answer's configuration decides which provider it must have come from."""
    failures: list[str] = []
    stop = threading.Event()
    with Wire() as wire:
        texts = [renamed(wire, number) for number in range(40)]
        with serving(texts[0], tmp_path) as gateway, gateway.client(ADMIN) as admin:
            digests: dict[str, str] = {}
            threads = [threading.Thread(target=hammer, args=(gateway, stop, failures, digests)) for _ in range(4)]
            for thread in threads:
                thread.start()
            refused = 0
            for number, text in enumerate(texts):
                broken = number % 10 == 9
                (tmp_path / "tokenhub.yaml").write_text(text + ("models: {" if broken else ""))
                outcome = admin.post("/admin/v1/reload").json()
                refused += outcome["outcome"] == "refused"
                if not broken and outcome["outcome"] not in ("loaded", "unchanged"):
                    failures.append(str(outcome))
            stop.set()
            for thread in threads:
                thread.join()
    assert failures == []
    assert refused == 4
    assert len(digests) > 10


def renamed(wire: Wire, number: int) -> str:
    """The provider's name changes with every configuration."""
    return a_config(wire.url, more="reload: {max_shrink: 1}\n").replace("p1", f"p{number}x")


def hammer(gateway: Serving, stop: threading.Event, failures: list[str], digests: dict[str, str]) -> None:
    with gateway.client() as client:
        while not stop.is_set():
            answer = client.post("/v1/chat/completions", json=ASK)
            digest = answer.headers["x-tokenhub-config"]
            provider = answer.headers["x-inferoute-provider"]
            if answer.status_code != 200:
                failures.append(answer.text)
            elif digests.setdefault(digest, provider) != provider or not answer.json()["model"].startswith(provider):
                failures.append(f"mixed: {digest} {provider}")


def test_k26_a_file_that_loses_most_of_its_offers_is_refused(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(*[wire.url] * 4), tmp_path) as gateway, gateway.client(ADMIN) as admin:
        (tmp_path / "tokenhub.yaml").write_text(a_config(wire.url))
        answer = admin.post("/admin/v1/reload")
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (422, "TH2601")


def test_a_restart_over_broken_files_serves_the_last_good_one_if_that_was_wanted(tmp_path: Path) -> None:
    more = "reload: {keep_last_good: true}\naliases: {smart: gpt-4o, both: {tier: [gpt-4o]}}\n"
    with Wire() as wire:
        text = a_config(wire.url, more=more)
        with serving(text, tmp_path) as gateway, gateway.client(ADMIN) as admin:
            (tmp_path / "tokenhub.yaml").write_text(text + "fallbacks: {}\ndefaults: {mode: cheap}\n")
            assert admin.post("/admin/v1/reload").json()["outcome"] == "loaded"
        (tmp_path / "tokenhub.yaml").write_text("version: [")
        with serving(tmp_path / "tokenhub.yaml", tmp_path) as gateway, gateway.client() as client:
            assert client.post("/v1/chat/completions", json=ASK | {"model": "both"}).status_code == 200
            assert "last-good-configuration" in client.get("/readyz").json()["degraded"]


def test_k41_a_start_over_broken_files_is_refused_with_every_problem(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="TH") as caught, serving("version: 1\nmodel: {}\nkey: []\n", tmp_path):
        pass
    assert caught.type.__name__ == "CannotServeError"
    assert str(caught.value).count("error TH") == 2


def test_the_reload_ledger_survives_on_disk(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client(ADMIN) as admin:
        (tmp_path / "tokenhub.yaml").write_text(with_alias(wire, "one"))
        admin.post("/admin/v1/reload")
        line = json.loads((tmp_path / "data" / "reloads.jsonl").read_text().splitlines()[-1])
        assert line["outcome"] == "loaded"
