"""A change of the files takes effect as a whole and once, or not at all."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.loading import Loading
from gateway.config.problem import Problem
from gateway.domain.snapshot import Snapshot
from gateway.flow.history import ReloadOutcome
from gateway.flow.load_in_child import CHILD, PACKAGE, PROGRAM, Child
from tests.flow.changing import ENV, SAFE, ConfigMap, Room, config, played, reloading


def test_a_change_is_taken_into_service(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            before = room.live.current.digest
            room.path.write_text(config("small", "large"))
            outcome = await room.reloader.reload("admin")
            assert (outcome.outcome, outcome.trigger) == ("loaded", "admin")
            assert (outcome.digest_before, outcome.digest) == (before, room.live.current.digest)
            assert "model `large` added" in outcome.changes
            assert room.models == ["large", "small"]
            assert room.reloader.history.last == outcome

    played(story)


def test_the_same_content_is_not_taken_twice(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            assert (await room.reloader.reload("admin")).outcome == "unchanged"
            assert room.live.swaps == 0
            assert room.outcomes == []

    played(story)


def test_a_quiet_trigger_loads_nothing_where_the_content_is_the_same(tmp_path: Path) -> None:
    """Its child would fail: there is none."""

    async def story() -> None:
        async with reloading(tmp_path, config("small"), child=Child(command=("/nowhere",))) as room:
            assert (await room.reloader.reload("file event")).outcome == "unchanged"
            room.path.write_text(config("large"))
            assert (await room.reloader.reload("poll")).outcome == "refused"

    played(story)


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda text: text + "models: {", "TH11"),
        (lambda text: text + "fallbacks: {small: [smal]}\n", "TH20"),
        (lambda text: text.replace("weight: 5", "weight: heavy"), "TH14"),
        (lambda text: text.replace("echo}", 'openai, api_key: "${env:NOT_THERE}"}'), "TH1303"),
        (lambda _: "", "TH1006"),
        (lambda _: config("other"), "TH2601"),
    ],
)
def test_a_broken_change_changes_nothing(tmp_path: Path, break_it: Callable[[str], str], code: str) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            before, refused = room.live.current, []
            room.reloader.refused.append(lambda: refused.append(1))
            room.path.write_text(break_it(config("small")))
            outcome = await room.reloader.reload("admin")
            assert outcome.outcome == "refused"
            assert outcome.problems[0]["code"].startswith(code)
            assert room.live.current is before
            assert room.reloader.on_disk.errors
            assert refused == [1]
            room.path.write_text(config("small"))
            assert (await room.reloader.reload("admin")).outcome == "unchanged"
            assert room.reloader.on_disk.errors == ()
            assert room.outcomes == ["refused", "unchanged"], "that it is well again is noted too"

    played(story)


def test_n7_broken_edits_one_after_another_have_no_effect_and_are_all_located(tmp_path: Path) -> None:
    edits = [
        config("small").replace(old, new)
        for old, new in [
            ("weight: 5", "weight: 11"),
            ("[chat]", "[chatt]"),
            ("echo}", "ecko}"),
            ("version: 1", "version: 2"),
            ("provider: demo", "provider: dema"),
            ("input: 1", "input: -1"),
            ("models:", "modells:"),
            ("small:", "small"),
        ]
    ]

    async def story() -> None:
        async with reloading(tmp_path, config("small"), watch=True) as room:
            before = room.live.current
            for number, text in enumerate(edits, 1):
                room.path.write_text(text)
                await room.until(lambda number=number: room.outcomes.count("refused") == number)  # type: ignore[misc]
            for entry in room.reloader.history.entries()[: len(edits)]:
                assert entry.problems[0]["file"] == str(room.path)
                assert entry.problems[0]["line"] >= 1
            assert room.live.current is before

    played(story)


def test_k33_a_hundred_changes_are_few_reloads_and_the_last_one_wins(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("m0", more=SAFE), watch=True) as room:
            for number in range(1, 101):
                room.path.write_text(config(f"m{number}", more=SAFE))
                await asyncio.sleep(0.01)
            await room.until(lambda: room.models == ["m100"])
            assert len(room.outcomes) < 10
            assert set(room.outcomes) == {"loaded"}

    played(story)


def test_k40_all_triggers_at_once_are_one_reload_that_answers_all(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            room.path.write_text(config("small", "large"))
            room.reloader.want("SIGHUP")
            room.reloader.want("file event")
            answers = await asyncio.gather(*(room.reloader.reload("admin") for _ in range(5)))
            assert all(answer is answers[0] for answer in answers)
            assert answers[0].trigger == "SIGHUP + admin + file event"
            assert room.outcomes == ["loaded"]

    played(story)


def test_who_asks_during_a_reload_is_answered_by_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("m0", more=SAFE)) as room:
            room.path.write_text(config("m1", more=SAFE))
            first = asyncio.create_task(room.reloader.reload("admin"))
            await asyncio.sleep(0.15)
            room.path.write_text(config("m2", more=SAFE))
            second = await room.reloader.reload("admin")
            assert room.models == ["m2"]
            assert (await first).unix <= second.unix

    played(story)


def test_k28_a_file_that_is_being_written_is_not_read_before_it_is_whole(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("m0", more=SAFE), watch=True) as room:
            text = config(*(f"m{number}" for number in range(40)), more=SAFE)
            with room.path.open("w") as file:
                for start in range(0, len(text), 500):
                    file.write(text[start : start + 500])
                    file.flush()
                    await asyncio.sleep(0.02)
            await room.until(lambda: len(room.models) == 40)
            assert set(room.outcomes) == {"loaded"}

    played(story)


def test_k29_swaps_of_a_configmap_are_one_reload_each(tmp_path: Path) -> None:
    mount = ConfigMap(tmp_path / "mount", {"tokenhub.yaml": config("m0", more=SAFE)})

    async def story() -> None:
        async with reloading(tmp_path, mount.folder / "tokenhub.yaml", watch=True) as room:
            for number in range(1, 6):
                mount.swap({"tokenhub.yaml": config(f"m{number}", more=SAFE)})
                await room.until(lambda number=number: room.models == [f"m{number}"])  # type: ignore[misc]
            assert room.outcomes == ["loaded"] * 5
            for number in range(6, 101):
                mount.swap({"tokenhub.yaml": config(f"m{number}", more=SAFE)})
            await room.until(lambda: room.models == ["m100"])
            assert set(room.outcomes) == {"loaded"}

    played(story)


def test_k32_a_secret_that_comes_later_than_the_files_is_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secrets" / "key"
    with_secret = config("small", more=SAFE).replace("echo}", f'openai, api_key: "${{file:{secret}}}"}}')

    async def story() -> None:
        async with reloading(tmp_path, config("small", more=SAFE), watch=True) as room:
            before = room.live.current
            room.path.write_text(with_secret)
            await room.until(lambda: "refused" in room.outcomes)
            assert room.live.current is before
            assert room.reloader.on_disk.errors[0].code == "TH1305"
            secret.parent.mkdir()
            secret.write_text("sk-1\n")
            await room.until(lambda: room.live.current is not before)
            assert key_of(room) == "sk-1"

    played(story)


def test_a_rotated_secret_is_taken_though_the_digest_stays(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk-1")
    text = config("small", more=SAFE).replace("echo}", f'openai, api_key: "${{file:{secret}}}"}}')

    async def story() -> None:
        async with reloading(tmp_path, text, watch=True) as room:
            digest = room.live.current.digest
            secret.write_text("sk-2")
            await room.until(lambda: key_of(room) == "sk-2")
            assert room.live.current.digest == digest
            assert "sk-" not in repr(room.reloader.history.entries())

    played(story)


def key_of(room: Room) -> str | None:
    key = room.live.current.table.providers["demo"].api_key
    return None if key is None else key.reveal()


def test_new_includes_are_watched_and_gone_ones_forgotten(tmp_path: Path) -> None:
    part = tmp_path / "parts" / "more.yaml"
    part.parent.mkdir()
    part.write_text("aliases: {one: small}\n")

    def with_alias(room: Room, name: str) -> Callable[[], bool]:
        return lambda: name in room.live.current.table.aliases

    async def story() -> None:
        async with reloading(tmp_path, config("small", more=SAFE), watch=True) as room:
            room.path.write_text(config("small", more=SAFE + "include: [parts/*.yaml]\n"))
            await room.until(with_alias(room, "one"))
            part.write_text("aliases: {two: small}\n")
            await room.until(with_alias(room, "two"))
            (part.parent / "new.yaml").write_text("fallbacks: {}\naliases: {three: small}\n")
            await room.until(with_alias(room, "three"))
            part.write_text("aliases: {")
            await room.until(lambda: bool(room.reloader.on_disk.errors))
            part.unlink()
            await room.until(lambda: not room.reloader.on_disk.errors)
            assert str(part.parent) in room.reloader.watch.folders
            room.path.write_text(config("small", more=SAFE))
            await room.until(lambda: str(part.parent) not in room.reloader.watch.folders)

    played(story)


def test_what_the_files_prove_of_themselves_can_refuse_them(tmp_path: Path) -> None:
    wrong = Problem(code="TH2701", severity="error", file="x", line=3, column=1, message="a test of yours fails")

    def prove(_: Loading, snapshot: Snapshot) -> tuple[Problem, ...]:
        return (wrong,) if "large" in snapshot.table.models else ()

    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            room.reloader.prove = prove
            room.path.write_text(config("small", "large"))
            outcome = await room.reloader.reload("admin")
            assert outcome.problems[0]["code"] == "TH2701"
            assert room.reloader.on_disk.errors == (wrong,)
            assert room.reloader.on_disk.digest != room.live.current.digest
            assert room.models == ["small"]

    played(story)


def test_one_part_that_cannot_adopt_does_not_keep_others_from_it(tmp_path: Path) -> None:
    adopted: list[str] = []

    def broken(_: Snapshot) -> None:
        raise ValueError("x")

    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            room.reloader.adopt = [broken, lambda snapshot: adopted.append(snapshot.digest)]
            room.path.write_text(config("small", "large"))
            assert (await room.reloader.reload("admin")).outcome == "loaded"
            assert adopted == [room.live.current.digest]

    played(story)


def test_the_unforeseen_changes_nothing_and_the_next_change_is_served(tmp_path: Path) -> None:
    moods = [True]

    def prove(_: Loading, __: Snapshot) -> tuple[Problem, ...]:
        if moods.pop():
            raise RuntimeError("sk-CANARY")
        return ()

    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            room.reloader.prove = prove
            room.path.write_text(config("small", "large"))
            outcome = await room.reloader.reload("admin")
            assert (outcome.outcome, outcome.problems[0]["code"]) == ("refused", "TH2602")
            assert "CANARY" not in repr(outcome)
            moods.append(False)
            assert (await room.reloader.reload("admin")).outcome == "loaded"

    played(story)


def test_what_is_set_for_the_process_waits_for_its_next_start(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            room.path.write_text(config("small", more="server: {listen: '127.0.0.1:9999', max_body: 1MiB}\n"))
            assert (await room.reloader.reload("admin")).restart_needed == ("server.listen",)
            room.path.write_text(config("small", more="server: {listen: '127.0.0.1:9999'}\nledger_sync: 20ms\n"))
            outcome = await room.reloader.reload("admin")
            assert outcome.restart_needed == ("server.listen", "storage.ledger_sync_s"), "still, not again"
            room.path.write_text(config("small"))
            assert (await room.reloader.reload("admin")).restart_needed == ()

    played(story)


def test_p14_while_draining_a_reload_is_ignored(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small")) as room:
            room.reloader.paused = lambda: True
            room.path.write_text(config("large", more=SAFE))
            outcome = await room.reloader.reload("admin")
            assert (outcome.outcome, outcome.ok) == ("ignored", False)
            assert room.models == ["small"]

    played(story)


def test_when_the_loading_process_fails_the_folders_are_not_forgotten(tmp_path: Path) -> None:
    """It is asked by a file whether it may live."""
    alive = tmp_path / "alive"
    alive.touch()
    program = f"import os, sys; os.path.exists({str(alive)!r}) or os.abort(); {PROGRAM}"
    child = Child(command=(sys.executable, "-P", "-c", program, PACKAGE))
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.yaml").write_text("aliases: {one: small}\n")

    async def story() -> None:
        async with reloading(tmp_path, config("small", more="include: [parts/a.yaml]\n"), child=child) as room:
            alive.unlink()
            folders = room.reloader.watch.folders
            outcome = await room.reloader.reload("admin")
            assert "SIGABRT" in outcome.problems[0]["message"]
            assert room.reloader.watch.folders == folders
            alive.touch()
            assert (await room.reloader.reload("retry")).outcome == "unchanged"

    played(story)


def test_what_changed_between_the_first_loading_and_the_first_look_is_noticed(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small"), watch=False) as room:
            room.path.write_text(config("small", "large"))
            await room.reloader.aclose()
            await room.reloader.start(watch=True)
            await room.until(lambda: room.models == ["large", "small"])
            assert room.reloader.history.last is not None
            assert room.reloader.history.last.trigger == "start"

    played(story)


def test_whoever_waits_when_it_ends_is_answered(tmp_path: Path) -> None:
    async def story() -> list[ReloadOutcome]:
        async with reloading(tmp_path, config("small")) as room:
            waiting = [asyncio.create_task(room.reloader.reload("admin"))]
            await asyncio.sleep(0.2)
            waiting.append(asyncio.create_task(room.reloader.reload("admin")))
            await asyncio.sleep(0)
        return await asyncio.gather(*waiting)

    assert {outcome.outcome for outcome in played(story)} <= {"ignored", "unchanged"}


def test_a_path_that_is_a_folder_or_is_gone_is_a_problem_like_others(tmp_path: Path) -> None:
    async def story() -> None:
        async with reloading(tmp_path, config("small"), watch=True) as room:
            room.path.rename(tmp_path / "elsewhere.yaml")
            await room.until(lambda: bool(room.reloader.on_disk.errors))
            assert room.reloader.on_disk.errors[0].code == "TH1001"
            (tmp_path / "elsewhere.yaml").rename(room.path)
            await room.until(lambda: not room.reloader.on_disk.errors)
            assert room.models == ["small"]

    played(story)


def test_the_child_is_the_more_patient_of_the_two(tmp_path: Path) -> None:
    noted = tmp_path / "priority"
    program = PROGRAM.replace(
        "from gateway", f"open({str(noted)!r}, 'w').write(str(os.getpriority(0, 0))); from gateway"
    )
    child = Child(command=(sys.executable, "-P", "-c", program, PACKAGE))

    async def story() -> None:
        async with reloading(tmp_path, config("small"), env=ENV, child=child) as room:
            await room.reloader.reload("admin")

    played(story)
    assert int(noted.read_text()) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)
    assert CHILD.command[3] == PROGRAM
