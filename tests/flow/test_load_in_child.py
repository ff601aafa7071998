"""Whatever happens to the process that loads, the outcome is a Loading."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from gateway.config.load import Loading
from gateway.flow.load_in_child import CHILD, Child, load_in_child
from tests.flow.changing import ENV, config, played


def loaded(path: Path, child: Child = CHILD, **env: str) -> Loading:
    return played(lambda: load_in_child(path, env, child))


def program(text: str, **more: float) -> Child:
    return Child(command=(sys.executable, "-c", text), **more)  # type: ignore[arg-type]


def test_a_declaration_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config("small", "large"))
    loading = loaded(path)
    assert loading.declaration is not None
    assert sorted(loading.declaration.models) == ["large", "small"]
    assert loading.files == (path,)
    assert loading.fingerprint


def test_problems_come_back_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config("small", more="fallbacks: {small: [smal]}\n"))
    (error,) = [problem for problem in loaded(path).problems if problem.severity == "error"]
    assert (error.file, error.line, error.column) == (str(path), 6, 21)


def test_the_child_sees_the_environment_it_is_given_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_OURS", "x")
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config("small").replace("echo}", 'openai, api_key: "${env:ONLY_OURS}"}'))
    assert [problem.code for problem in loaded(path).problems if problem.severity == "error"] == ["TH1303"]
    assert loaded(path, ONLY_OURS="sk-1").secrets == {"${env:ONLY_OURS}": "sk-1"}


def test_what_lies_in_the_current_folder_is_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit(9)")
    (tmp_path / "tokenhub.yaml").write_text(config("small"))
    monkeypatch.chdir(tmp_path)
    assert loaded(Path("tokenhub.yaml")).declaration is not None


ACCIDENTS = {
    "it crashes, and what it says might hold a secret": (
        program("raise MemoryError('sk-CANARY')"),
        "the loading process ended with status 1 (MemoryError)",
    ),
    "it is killed": (
        program("import os; os.kill(os.getpid(), 9)"),
        "the loading process was killed by SIGKILL; is memory short? (no word)",
    ),
    "it is killed with a core": (
        program("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"),
        "the loading process was killed by SIGTERM (no word)",
    ),
    "it hangs": (
        program("import time; time.sleep(60)", timeout_s=0.3),
        "loading took longer than 0.3 s and was given up",
    ),
    "it answers nonsense": (
        program("print('hello')"),
        "the loading process answered with something unreadable",
    ),
    "it answers nothing": (
        program("pass"),
        "the loading process answered with something unreadable",
    ),
    "it answers without end": (
        program("while True: print('x' * 1000)", max_bytes=100_000),
        "the loading process answered with more than 100000 bytes",
    ),
    "it complains at length and fails": (
        program("import sys; sys.stderr.write('y' * 5_000_000 + '\\nTrouble: sk-CANARY'); sys.exit(3)"),
        "the loading process ended with status 3 (Trouble)",
    ),
    "it does not exist": (
        Child(command=("/nowhere/python",)),
        "the loading process could not be started: No such file or directory",
    ),
}


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_an_accident_is_a_problem_and_never_an_exception(tmp_path: Path, accident: str) -> None:
    child, message = ACCIDENTS[accident]
    loading = loaded(tmp_path / "tokenhub.yaml", child)
    assert loading.declaration is None
    assert loading.fingerprint == ""
    assert [(problem.code, problem.message) for problem in loading.problems] == [("TH2602", message)]


def test_whoever_stops_waiting_leaves_no_child_behind(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    text = f"import os, time; open({str(noted)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    async def story() -> None:
        waiting = asyncio.create_task(load_in_child(tmp_path, ENV, program(text)))
        while not noted.exists() or not noted.read_text():
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()

    played(story)
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


def test_requests_go_on_while_it_loads(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(config("small"))

    async def story() -> int:
        loading = asyncio.create_task(load_in_child(path, ENV))
        turns = 0
        while not loading.done():
            turns += 1
            await asyncio.sleep(0.001)
        return turns

    assert played(story) > 10
