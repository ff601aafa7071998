"""A gateway on a real socket, in a thread of its own: what journeys talk to.

with Wire() as wire, serving(config(wire), tmp_path) as gateway:
    httpx.post(gateway.url + "/v1/chat/completions", …)
"""

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from gateway.cli.listening import bound
from gateway.cli.server import Server, uvicorn_config
from gateway.flow.gateway import Gateway
from gateway.flow.start import close_gateway, open_gateway
from gateway.web.app import build_app
from tests.canaries import WatchedClient, check, check_files

KEY = "th-CANARY-caller-key"
ADMIN = "CANARY-admin-token"


def digest_of(key: str = KEY) -> str:
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


class QuietServer(Server):
    """Leaves signals to the test runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """Where it listens, and its inside for the few tests that must look there."""

    def __init__(self, config: Path, env: Mapping[str, str], *, watch: bool) -> None:
        self._config = config
        self._env = env
        self._watch = watch
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.loop: asyncio.AbstractEventLoop
        self.gateway: Gateway
        self.server: Server
        self.url = ""

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20), "the gateway did not start"
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._end)
            self._thread.join(20)
            assert not self._thread.is_alive(), "the gateway did not stop"

    def client(self, key: str | None = KEY, **more: Any) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return WatchedClient(base_url=self.url, headers=headers, timeout=20, trust_env=False, **more)

    def call(self, function: Any, *arguments: Any) -> Any:
        """Runs a coroutine function or a plain one inside the gateway's loop."""

        async def inside() -> Any:
            value = function(*arguments)
            return await value if asyncio.iscoroutine(value) else value

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(20)

    def _end(self) -> None:
        self.gateway.draining = True
        self.gateway.interrupt_streams()
        self.server.should_exit = True
        self.server.force_exit = True

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.gateway = await open_gateway(self._config, self._env, watch=self._watch)
        sock = bound("127.0.0.1:0")
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        self.server = QuietServer(uvicorn_config(build_app(self.gateway), 5), self.gateway, self._ready.set)
        self.server.config.loop = "asyncio"
        try:
            await self.server.serve(sockets=[sock])
        finally:
            await close_gateway(self.gateway)


@contextlib.contextmanager
def serving(
    config: str | Path, folder: Path, *, env: Mapping[str, str] | None = None, watch: bool = False
) -> Iterator[Serving]:
    """`config` is YAML text, written to `folder`, or the path of a file."""
    path = config if isinstance(config, Path) else folder / "tokenhub.yaml"
    if not isinstance(config, Path):
        path.write_text(config, encoding="utf-8")
    given = {"TOKENHUB_DATA_DIR": str(folder / "data"), "TOKENHUB_ADMIN_TOKEN": ADMIN, "OPENAI_API_KEY": "sk-CANARY-up"}
    one = Serving(path, given | dict(env or {}), watch=watch)
    one.start()
    try:
        yield one
        check([one.call(one.gateway.metrics.exposition).decode()], "the metrics")
    finally:
        one.stop()
    check_files(Path(one.gateway.data_dir))


def a_config(*urls: str, more: str = "", provider: str = "", key: str = "", retries: str = "") -> str:
    """One model `gpt-4o` at as many providers (`p1`, `p2`, …) as there are urls; the first is the cheapest."""
    lines = ["version: 1", "providers:"]
    extra = f", {provider}" if provider else ""
    for number, url in enumerate(urls, 1):
        lines.append(
            f'  p{number}: {{dialect: openai, base_url: "{url}/v1", api_key: "${{env:OPENAI_API_KEY}}", '
            f"allow_private: true{extra}}}"
        )
    lines += [
        "models:",
        "  gpt-4o:",
        "    weight: 8",
        "    context_window: 128000",
        "    max_output_tokens: 16384",
        "    capabilities: [chat, completions, embeddings, tools, vision, json_schema, dimensions]",
        "    offers:",
    ]
    for number, _ in enumerate(urls, 1):
        lines.append(
            f"      - {{provider: p{number}, id: gpt-4o-{number}, price: {{input: {number}, output: {number}}}}}"
        )
    lines += [f"routing: {{retries: {{backoff: 1ms{', ' + retries if retries else ''}}}}}"]
    lines += ["keys:", f"  - {{name: web-app, digest: '{digest_of()}'{', ' + key if key else ''}}}"]
    return "\n".join(lines) + "\n" + more
