"""tokenhub as it is started for a measurement: the same command as in production, with everything switched on."""

import contextlib
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tests.bench.load import Target
from tests.bench.machine import GATEWAY_CORE, Process, free_port, running

KEY = "th-bench"
LIMITS = (
    "limits: {requests_per_minute: 100000000, tokens_per_minute: 1000000000000, concurrency: 10000, "
    "monthly_tokens: 1000000000000000, monthly_usd: 1000000000}"
)
REACH = "api_key: '${env:OPENAI_API_KEY}', allow_private: true, max_concurrency: 10000"
PRICE = "price: {input: 2.5, output: 10, cached_input: 1.25}"


class Setup(Struct, frozen=True, kw_only=True):
    """What one run of the gateway has switched on, and how large its world is."""

    limits: bool = True
    ledger: bool = True
    models: int = 10
    keys: int = 10
    workers: int = 1


@contextlib.contextmanager
def gateway(upstream: int, setup: Setup) -> Iterator[tuple[Target, Process]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "tokenhub.yaml"
        config.write_text(config_text(upstream, setup))
        module = "gateway.cli.main" if setup.ledger else "tests.bench.without_ledger"
        command: list[str | Path] = [
            sys.executable,
            "-m",
            module,
            "serve",
            config,
            "--listen",
            f"127.0.0.1:{port}",
            "--no-watch",
        ]
        more = ["--workers", str(setup.workers)] if setup.workers > 1 else []
        env = {"TOKENHUB_DATA_DIR": f"{folder}/data", "OPENAI_API_KEY": "sk-bench"}
        with running([*command, *more], port, GATEWAY_CORE, env) as process:
            yield Target(name="tokenhub", port=port, headers=(("Authorization", f"Bearer {KEY}"),)), process


def config_text(upstream: int, setup: Setup) -> str:
    """The model asked for stands in the middle of the others, and so does the key."""
    lines = [
        "version: 1",
        "server: {max_in_flight: 10000}",
        "providers:",
        f"  bench: {{dialect: openai, base_url: 'http://127.0.0.1:{upstream}/v1', {REACH}}}",
        "models:",
    ]
    names = [f"model-{number}" for number in range(setup.models)]
    names[len(names) // 2] = "gpt-4o"
    for name in names:
        lines.append(
            f"  {name}: {{weight: 8, context_window: 128000, max_output_tokens: 16384, capabilities: [chat, tools], "
            f"offers: [{{provider: bench, id: {name}-2024-08-06, {PRICE}}}]}}"
        )
    lines.append("keys:")
    secrets = [f"th-other-{number}" for number in range(setup.keys)]
    secrets[len(secrets) // 2] = KEY
    limits = LIMITS if setup.limits else "scopes: [chat]"
    for number, secret in enumerate(secrets):
        digest = hashlib.sha256(secret.encode()).hexdigest()
        lines.append(f"  - {{name: key-{number}, digest: 'sha256:{digest}', {limits}}}")
    return "\n".join(lines) + "\n"
