"""Files for tests of the config room: a fragment is enough, the rest of a valid configuration is put below it."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import Loading, World, load
from gateway.domain.snapshot import Snapshot

TODAY = date(2026, 11, 21)

REST = {
    "providers": (
        "providers: {p: {dialect: echo, labels: {region: eu}}, q: {dialect: echo},"
        " off: {dialect: echo, enabled: false}}"
    ),
    "models": (
        "models: {m: {max_output_tokens: 9, context_window: 90, offers: [{provider: p, price: {input: 1, output: 2}}]},"
        " n: {max_output_tokens: 100, offers: [{provider: q, id: n-1, price: {input: 3, output: 4}}]},"
        " o: {max_output_tokens: 100, offers: [{provider: p, price: {input: 5, output: 6}}]}}"
    ),
    "keys": f'keys: [{{name: k, digest: "sha256:{"1" * 64}"}}]',
}  # fmt: skip


def a_world(**more: Any) -> World:
    return World(**({"env": {"SET": "value-of-set", "EMPTY": ""}, "today": TODAY, "secrets": "resolve"} | more))


def completed(fragment: str) -> str:
    """A whole configuration: what the fragment does not speak of is put below it, unless it begins with `=`."""
    if fragment.startswith("="):
        return fragment[1:]
    said = set(re.findall(r"^[\"']?([a-z_]+)[\"']?\s*:", fragment, re.MULTILINE))
    rest = "".join(f"{line}\n" for name, line in REST.items() if name not in said)
    return fragment + ("" if fragment.endswith("\n") or not fragment else "\n") + rest


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """The files in a folder; the first is the main one."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / next(iter(files))


def loaded(folder: Path, text: str | bytes, world: World | None = None, **files: str) -> Loading:
    return load(written(folder, {"tokenhub.yaml": text, **files}), world or a_world())


def snapshot_of(folder: Path, text: str, world: World | None = None, **files: str) -> Snapshot:
    loading = loaded(folder, text, world, **files)
    assert loading.declaration is not None, loading.problems
    return drive(compile_snapshot(loading))


def told(loading: Loading) -> list[tuple[str, int, int]]:
    """Code, line and column of each problem."""
    return [(problem.code, problem.line, problem.column) for problem in loading.problems]
