"""Load in a process of its own and hand the result over as bytes: `python -m gateway.config.child PATH`.

The parent serves requests meanwhile, and its event loop never waits for YAML. Options: `--secrets resolve|check|skip`,
`--today YYYY-MM-DD`. The answer goes to standard output, through a pipe: it holds secrets.
"""

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

from gateway.config.load import World, encode_loading, load
from gateway.config.pause import collector_paused
from gateway.config.world import Secrets


def main(arguments: list[str]) -> None:
    """One configuration in, one Loading out."""
    path, options = arguments[0], dict(zip(arguments[1::2], arguments[2::2], strict=True))
    today = options.get("--today")
    world = World(
        env=os.environ,
        today=date.fromisoformat(today) if today else datetime.now(UTC).date(),
        secrets=cast("Secrets", options.get("--secrets", "resolve")),
    )
    with collector_paused():
        sys.stdout.buffer.write(encode_loading(load(Path(path), world)))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
