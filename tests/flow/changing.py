"""A reloader over real files and real child processes, and a folder that changes as kubelets change it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

from gateway.clock import SystemClock
from gateway.config.compile import compile_snapshot, drive
from gateway.flow.first_load import first_loading
from gateway.flow.history import History
from gateway.flow.load_in_child import CHILD, Child
from gateway.flow.reload import Reloader, Source
from gateway.state.live import Live

T = TypeVar("T")
ENV = {"OPENAI_API_KEY": "sk-CANARY-up"}


def config(*models: str, more: str = "") -> str:
    """Each model is offered by the provider that is built in."""
    lines = ["version: 1", "providers: {demo: {dialect: echo}}", "models:"]
    lines += [f"  {model}:\n    {MODEL}" for model in models]
    return "\n".join(lines) + "\n" + more


MODEL = "{weight: 5, context_window: 8192, max_output_tokens: 1024, capabilities: [chat], offers: [{provider: demo, price: {input: 1, output: 2}}]}"  # noqa: E501
SAFE = "reload: {max_shrink: 1, poll: 200ms}\n"


class Room:
    """The reloader with what stands around it."""

    def __init__(self, path: Path, live: Live, reloader: Reloader) -> None:
        self.path = path
        self.live = live
        self.reloader = reloader

    @property
    def models(self) -> list[str]:
        return sorted(self.live.current.table.models)

    @property
    def outcomes(self) -> list[str]:
        """Oldest first, without the start."""
        return [entry.outcome for entry in reversed(self.reloader.history.entries()) if entry.trigger != "start"]

    async def until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def reloading(
    folder: Path,
    text: str | Path,
    *,
    watch: bool = False,
    env: Mapping[str, str] = ENV,
    child: Child = CHILD,
) -> AsyncIterator[Room]:
    path = text if isinstance(text, Path) else folder / "tokenhub.yaml"
    if not isinstance(text, Path):
        path.write_text(text)
    full = {"TOKENHUB_DATA_DIR": str(folder / "data")} | dict(env)
    first = await first_loading(path, full)
    snapshot = drive(compile_snapshot(first.fallback or first.loading))
    live = Live(snapshot)
    history = History(folder / "data")
    reloader = Reloader(Source(path, full, child), live, SystemClock(), history, first.loading)
    await reloader.start(watch=watch)
    await reloader.keep(first.loading)
    try:
        yield Room(path, live, reloader)
    finally:
        await reloader.aclose()


def played(story: Callable[[], Awaitable[T]]) -> T:
    """One story in a loop of its own; nothing may be left running."""

    async def whole() -> T:
        value = await story()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"still running: {left}"
        return value

    return asyncio.run(whole())


class ConfigMap:
    """A folder as the kubelet mounts it: files are links into `..data`, and `..data` is swapped by one rename."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder = folder
        self._count = 0
        folder.mkdir(parents=True)
        self.swap(files)
        for name in files:
            (folder / name).symlink_to(f"..data/{name}")

    def swap(self, files: Mapping[str, str]) -> None:
        self._count += 1
        data = self.folder / "..data"
        old = data.readlink() if data.is_symlink() else None
        fresh = self.folder / f"..2027_01_01.{self._count}"
        fresh.mkdir()
        for name, text in files.items():
            (fresh / name).write_text(text)
        (self.folder / "..data_tmp").symlink_to(fresh.name)
        (self.folder / "..data_tmp").replace(data)
        if old is not None:
            for file in (self.folder / old).iterdir():
                file.unlink()
            (self.folder / old).rmdir()
