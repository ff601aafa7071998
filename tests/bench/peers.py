"""The gateways that others build: where they are installed, how they are started, how they are asked."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from tests.bench.load import Target
from tests.bench.machine import GATEWAY_CORE, MissingError, Process, free_port, listens, program, running

INSTALL_S = 900
HERE = Path(__file__).parent


def home() -> Path:
    """Outside the repository, and kept."""
    return Path(os.environ.get("TOKENHUB_BENCH_HOME", Path.home() / ".cache" / "tokenhub-bench"))


class Start(Struct, frozen=True):
    """What one contender is started from."""

    place: Path
    port: int
    upstream: int
    folder: Path

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


class Peer(Struct, frozen=True, kw_only=True):
    name: str
    package: str
    """As its registry knows it, with the version that was measured."""
    proof: str
    """A file that is there once it is installed."""
    command: Callable[[Start], list[str | Path]]
    target: Target
    env: Mapping[str, str] = {}
    npm: bool = False


@contextlib.contextmanager
def standing(peer: Peer, upstream: int) -> Iterator[tuple[Target, Process]]:
    """Installed if need be, started, and ready to be asked."""
    place = installed(peer)
    with tempfile.TemporaryDirectory() as folder:
        start = Start(place, free_port(), upstream, Path(folder))
        told = Path(folder) / "port"

        def port() -> int | None:
            """Some choose their own."""
            found = int(told.read_text()) if told.exists() else start.port
            return found if listens(found) else None

        env = {**peer.env, "OPENAI_API_KEY": "sk-bench"}
        with running(peer.command(start), port, GATEWAY_CORE, env) as process:
            headers = tuple((name, value.format(upstream=upstream)) for name, value in peer.target.headers)
            target = Target(
                name=peer.name, port=process.port, path=peer.target.path, model=peer.target.model, headers=headers
            )
            yield target, process


def installed(peer: Peer) -> Path:
    place = home() / peer.name
    if (place / peer.proof).exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    commands = (
        [[program("npm"), "install", "--silent", "--prefix", place, peer.package]]
        if peer.npm
        else [
            [sys.executable, "-m", "venv", place],
            [place / "bin" / "python", "-m", "pip", "install", "--quiet", peer.package],
        ]
    )
    for command in commands:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=INSTALL_S)  # noqa: PLW1510
        if done.returncode:
            raise MissingError(f"cannot install {peer.package}: …{done.stderr[-300:]}")
    return place


def _sglang(start: Start) -> list[str | Path]:
    return [
        start.place / "bin" / "python", "-m", "sglang_router.launch_router", "--host", "127.0.0.1",
        "--port", str(start.port), "--worker-urls", f"http://127.0.0.1:{start.upstream}", "--policy", "round_robin",
        "--prometheus-port", str(free_port()), "--log-level", "error",
    ]  # fmt: skip


TENSORZERO = """
[gateway]
observability.enabled = false
[models.gpt-4o]
routing = ["bench"]
[models.gpt-4o.providers.bench]
type = "openai"
model_name = "gpt-4o-2024-08-06"
api_base = "http://127.0.0.1:{upstream}/v1/"
"""


def _tensorzero(start: Start) -> list[str | Path]:
    config = start.file("tensorzero.toml", TENSORZERO.format(upstream=start.upstream))
    return [start.place / "bin" / "python", HERE / "tensorzero_gateway.py", config, start.folder / "port"]


def _portkey(start: Start) -> list[str | Path]:
    return [start.place / "node_modules" / ".bin" / "gateway", f"--port={start.port}", "--headless"]


LITELLM = """
model_list:
  - model_name: gpt-4o
    litellm_params: {{model: openai/gpt-4o-2024-08-06, api_base: "http://127.0.0.1:{upstream}/v1", api_key: sk-bench}}
"""


def _litellm(start: Start) -> list[str | Path]:
    config = start.file("litellm.yaml", LITELLM.format(upstream=start.upstream))
    return [
        start.place / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(start.port),
        "--num_workers", "1", "--telemetry", "False",
    ]  # fmt: skip


PEERS = (
    Peer(
        name="sglang-router",
        package="sglang-router==0.3.2",
        proof="bin/python",
        command=_sglang,
        target=Target(name="sglang-router", port=0),
    ),
    Peer(
        name="tensorzero",
        package="tensorzero==2026.6.0",
        proof="bin/python",
        command=_tensorzero,
        target=Target(
            name="tensorzero", port=0, path="/openai/v1/chat/completions", model="tensorzero::model_name::gpt-4o"
        ),
    ),
    Peer(
        name="portkey",
        package="@portkey-ai/gateway@1.15.2",
        proof="node_modules/.bin/gateway",
        command=_portkey,
        target=Target(
            name="portkey",
            port=0,
            headers=(
                ("x-portkey-provider", "openai"),
                ("x-portkey-custom-host", "http://127.0.0.1:{upstream}/v1"),
                ("Authorization", "Bearer sk-bench"),
            ),
        ),
        npm=True,
    ),
    Peer(
        name="litellmproxy",
        package="litellm[proxy]==1.106.2",
        proof="bin/litellm",
        command=_litellm,
        target=Target(name="litellmproxy", port=0, headers=(("Authorization", "Bearer sk-bench"),)),
        env={"LITELLM_LOG": "ERROR", "LITELLM_MASTER_KEY": "sk-bench"},
    ),
)
