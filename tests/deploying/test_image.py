"""The wheel works where nothing else of ours is; the Dockerfile is sound as far as that shows without an engine."""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (built,) = folder.glob("tokenhub-*.whl")
    return built


@pytest.fixture(scope="module")
def tokenhub(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and beside it the dependencies of this one."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    (packages,) = folder.glob("lib/python*/site-packages")
    run(sys.executable, "-m", "uv", "pip", "install", "-q", "--offline", "--no-deps", "-p", str(folder), str(wheel))
    (packages / "beside.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")) + "\n")
    return folder / "bin" / "tokenhub"


def run(*command: str, cwd: Path | None = None) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_everything_that_is_read_at_run_time(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        path.relative_to(ROOT).as_posix() for part in ("schemas", "configs") for path in (ROOT / part).rglob("*.*")
    }
    assert {f"gateway/{name}" for name in shipped} <= names
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gateway/pages").rglob("*") if path.is_file()}
    assert pages
    assert pages <= names
    assert not any(name.startswith("tests/") or "__pycache__" in name for name in names)


def test_an_installed_gateway_is_the_wheel_and_validates_with_the_catalogue_it_brings(
    tokenhub: Path, tmp_path: Path
) -> None:
    (tmp_path / "tokenhub.yaml").write_text("version: 1\ninclude: [catalog/openai.yaml]\n")
    told = json.loads(run(str(tokenhub), "validate-config", str(tmp_path), "--format", "json", cwd=tmp_path))
    assert told["ok"]
    where = run(str(tokenhub.parent / "python"), "-c", "import gateway; print(gateway.__file__)", cwd=tmp_path)
    assert str(tokenhub.parent.parent) in where
    assert run(str(tokenhub), "schema", cwd=tmp_path) == (ROOT / "schemas/tokenhub.schema.json").read_text()


class Line(NamedTuple):
    word: str
    rest: str


def dockerfile() -> Iterator[Line]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield Line(word, rest.strip())


KNOWN = {
    *("FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME"),
    *("EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
}


def test_the_image_is_built_in_stages_from_pinned_bases() -> None:
    lines = list(dockerfile())
    assert {line.word for line in lines} <= KNOWN
    bases = [line.rest.split() for line in lines if line.word == "FROM"]
    assert len(bases) == 2
    for image, as_, name in bases:
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+-[\w.-]+", image), "pinned by tag"
        assert as_ == "AS"
        assert name
    stages = {name for _, _, name in bases}
    for line in lines:
        if line.word == "COPY" and line.rest.startswith("--from="):
            assert line.rest.split()[0].removeprefix("--from=") in stages
        if line.word == "RUN" and "pip install" in line.rest:
            assert "--require-hashes" in line.rest or "--no-deps" in line.rest


def test_the_last_stage_runs_as_nobody() -> None:
    lines = list(dockerfile())
    last = lines[max(place for place, line in enumerate(lines) if line.word == "FROM") :]
    said = {line.word: line.rest for line in last}
    assert re.fullmatch(r"\d{5}:\d{5}", said["USER"]), "a number: runAsNonRoot cannot look names up"
    assert json.loads(said["ENTRYPOINT"]) == ["tokenhub"]
    assert json.loads(said["CMD"])[0] == "serve"
    manifest = (ROOT / "examples/kubernetes/base/deployment.yaml").read_text()
    deployment = yaml.safe_load(manifest)["spec"]["template"]["spec"]
    assert str(deployment["securityContext"]["runAsUser"]) == said["USER"].partition(":")[0]
    assert deployment["containers"][0]["args"] == json.loads(said["CMD"])
    assert said["EXPOSE"].split() == [str(port["containerPort"]) for port in deployment["containers"][0]["ports"]]


def test_everything_that_is_copied_exists_and_is_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in dockerfile():
        if line.word == "COPY" and not line.rest.startswith("--from="):
            for name in line.rest.split()[:-1]:
                assert (ROOT / name).exists(), name
                assert name in let_in, name


@pytest.mark.parametrize("lock", ["requirements-image.lock", "requirements-build.lock"])
def test_the_locks_of_the_image_agree_with_the_lock_of_the_tests(lock: str) -> None:
    tested, deployed = pins(ROOT / "requirements.lock"), pins(ROOT / lock)
    assert deployed
    assert deployed.items() <= tested.items(), "run `make lock`"


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", lock.read_text(), re.MULTILINE))


def test_hooks_for_pre_commit_call_verbs_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    for hook in hooks:
        assert set(hook) == {"id", "name", "description", "entry", "language", "files", "pass_filenames"}
        re.compile(hook["files"])
        for name in ("tokenhub.yaml", "configs/tokenhub.yaml", "configs/catalog/more.yml"):
            assert re.search(hook["files"], name), name
        assert not re.search(hook["files"], "deploy/tokenhub.yaml.md")
        program, verb, *options = hook["entry"].split()
        assert program == "tokenhub"
        said = run(sys.executable, "-m", "gateway.cli.main", verb, "--help", cwd=ROOT)
        assert all(option in said for option in options)
